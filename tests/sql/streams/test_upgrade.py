"""Installing a newer release over streams that an older one made."""

from __future__ import annotations

import pytest

import pgpredict
from tests.sql.programs import pg_dump
from tests.sql.streams.asking import Connection, agrees, drain
from tests.sql.streams.versions import insert

pytestmark = pytest.mark.usefixtures("stream")

OLDER = """
    CREATE OR REPLACE FUNCTION pgpredict.s_work(batch integer) RETURNS bigint
        LANGUAGE sql AS 'SELECT 0::bigint'
"""


def test_a_stream_gets_the_functions_of_the_newer_release(
    db: pgpredict.Database, connection: Connection
) -> None:
    insert(connection, 1, 5)
    connection.execute(OLDER)
    assert drain(connection) == 0

    db.install()

    drain(connection)
    assert agrees(connection) == 5


def test_installing_again_changes_nothing_of_a_stream(
    db: pgpredict.Database, installed_dsn: str, connection: Connection
) -> None:
    insert(connection, 1, 5)
    before = pg_dump(installed_dsn)

    db.install()

    assert pg_dump(installed_dsn) == before

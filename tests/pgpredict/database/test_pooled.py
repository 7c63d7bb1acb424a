"""Behind a pooler in transaction mode, which gives each transaction another connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

import pgpredict
from tests.pgpredict.database.models import CUSTOMERS, customers, value
from tests.pgpredict.worker.pooler import PROGRAM, pooler

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="pgbouncer is not installed (on Debian: apt-get install pgbouncer)"
)

# psycopg would prepare a statement that it sees for the sixth time.
OFTEN = 8


@pytest.fixture
def clients(dsn: str) -> Iterator[list[pgpredict.Database]]:
    """More clients than there are connections behind the pooler."""
    with ExitStack() as until_the_end:
        through = until_the_end.enter_context(pooler(dsn))
        yield [until_the_end.enter_context(pgpredict.connect(through)) for _ in range(4)]


def test_clients_find_what_the_others_left(clients: list[pgpredict.Database]) -> None:
    first = clients[0]
    first.install()
    with first.connection() as connection:
        connection.execute(CUSTOMERS)
    first.deploy("value", value(), customers(), source="customers")
    first.create_stream("worth", "value", "customers", backfill=True)

    done = 0
    for _ in range(OFTEN):
        for client in clients:
            done += client.work("worth", batch=10)
            assert [stream.name for stream in client.streams()] == ["worth"]
            assert [model.live for model in client.models()] == [1]

    assert done == 200
    assert first.verify("value").differing == 0

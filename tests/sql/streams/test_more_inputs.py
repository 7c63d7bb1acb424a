"""A version that reads more of the source goes live: no change of the new inputs is overlooked."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import psycopg
import pytest

import pgpredict
from tests.sql.streams.asking import Connection, agrees, drain, one
from tests.sql.streams.meeting import waiting_for
from tests.sql.streams.models import payments
from tests.sql.streams.roles import some_roles
from tests.sql.streams.test_promotion import classifier
from tests.sql.streams.versions import insert

PROMOTE = "SELECT pgpredict.promote('risk', 3)"


@pytest.fixture(params=["statement", "row"])
def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def version_3(db: pgpredict.Database, connection: Connection, mode: str, level: str) -> None:
    """Reads the income, too; version 1 has predicted three rows."""
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s, level => %s)",
        [mode, level],
    )
    connection.execute("ALTER TABLE payments ADD income float8")
    insert(connection, 1, 3)
    drain(connection)
    sample = payments().assign(income=np.arange(60) * 7 % 11)[["amount", "income"]]
    db.deploy("risk", classifier(sample), sample)


def test_from_then_on_the_new_inputs_are_watched(connection: Connection) -> None:
    connection.execute("UPDATE payments SET income = 1")
    assert drain(connection) == 0
    connection.execute(PROMOTE)
    connection.execute("UPDATE payments SET income = 2 WHERE id = 1")
    connection.execute("UPDATE payments SET days = 2 WHERE id = 2")
    drain(connection)
    assert connection.execute("SELECT id, version FROM predict.s_live ORDER BY id").fetchall() == [
        (1, 3),
        (2, 1),
        (3, 1),
    ]


def test_it_waits_for_writers_who_changed_what_nobody_read_before(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    writer = another()
    writer.execute("BEGIN")
    writer.execute("UPDATE payments SET income = id")
    promote = f"{PROMOTE}, pgpredict.backfill_stream('s')"
    with waiting_for(writer, connection, lambda: connection.execute(promote)):
        drain(another())
    drain(connection)
    assert agrees(connection) == 3
    assert one(connection, "SELECT count(DISTINCT probability) FROM predict.s_live") == 3
    writer.execute("UPDATE payments SET income = 2 * id")
    drain(connection)
    assert agrees(connection) == 3


def test_it_does_not_wait_for_ever(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    """Five seconds; less here."""
    connection.execute(
        "ALTER FUNCTION pgpredict.put_stream_triggers(text) SET lock_timeout = '50ms'"
    )
    writer = another()
    with writer.transaction():
        insert(writer, 4, 4)
        with pytest.raises(psycopg.errors.LockNotAvailable, match="somebody else uses the table"):
            connection.execute(PROMOTE)
        connection.execute("SELECT pgpredict.promote('risk', 2)")  # which reads no more
    assert one(connection, "SELECT version FROM pgpredict.streams") == 2
    drain(connection)
    assert one(connection, "SELECT count(*) FROM predict.s_live") == 4


def test_without_the_right_to_wait_it_warns(
    installed_dsn: str, admin_dsn: str, connection: Connection
) -> None:
    me = connection.info.user
    told: list[str] = []
    connection.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
    with some_roles(installed_dsn, admin_dsn) as roles:
        roles.admin.execute(f"ALTER TABLE payments OWNER TO {roles.make('app')}")
        roles.admin.execute(f"GRANT SELECT, INSERT ON payments TO {me}")
        connection.execute(PROMOTE)
        insert(connection, 4, 6)
        drain(connection)
        assert one(connection, "SELECT count(*) FROM predict.s_live WHERE version = 3") == 3
        roles.admin.execute(f"ALTER TABLE payments OWNER TO {me}")
    assert "stream s does not see what transactions change that write to public.payments" in told[0]

"""Streams run as the owner of pgpredict: what becomes of rows that he may not read any more."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sql.streams.asking import Connection, drain, live, one
from tests.sql.streams.fates import fates, hurry, now
from tests.sql.streams.models import INPUTS
from tests.sql.streams.roles import Roles, some_roles

# How rights are taken from the owner of pgpredict, and given back, by the owner of the source.
TAKEN = {
    "the table": ("REVOKE SELECT ON app.orders FROM {}", "GRANT SELECT ON app.orders TO {}"),
    "its schema": ("REVOKE USAGE ON SCHEMA app FROM {}", "GRANT USAGE ON SCHEMA app TO {}"),
    "its rows": (
        "ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE app.orders DISABLE ROW LEVEL SECURITY",
    ),
}


@pytest.fixture
def app(installed_dsn: str, admin_dsn: str, connection: Connection) -> Iterator[Connection]:
    """Somebody else, whose table a stream `s` reads."""
    with some_roles(installed_dsn, admin_dsn) as roles:
        app = roles.connect(_owner_of_a_schema(roles, connection))
        app.execute(f"CREATE TABLE app.orders (id bigint PRIMARY KEY, {INPUTS})")
        me = connection.info.user
        app.execute(f"GRANT USAGE ON SCHEMA app TO {me}")
        app.execute(f"GRANT SELECT, TRIGGER ON app.orders TO {me}")
        yield app


def _owner_of_a_schema(roles: Roles, connection: Connection) -> str:
    name = roles.make("app")
    roles.admin.execute(f"CREATE SCHEMA app AUTHORIZATION {name}")
    return name


@pytest.fixture
def stream(app: Connection, connection: Connection, mode: str) -> None:
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'app.orders', mode => %s)", [mode]
    )


@pytest.mark.usefixtures("stream")
@pytest.mark.parametrize("what", TAKEN)
def test_rows_wait_until_the_right_is_given_back(
    app: Connection, connection: Connection, what: str
) -> None:
    taken, given = (statement.format(connection.info.user) for statement in TAKEN[what])
    app.execute("INSERT INTO app.orders VALUES (1, 120, 3, 'south')")
    drain(connection)
    app.execute(taken)
    since = now(connection)
    app.execute("INSERT INTO app.orders SELECT n, n, 1, 'west' FROM generate_series(2, 200) AS n")
    app.execute("UPDATE app.orders SET amount = 7 WHERE id = 1")
    drain(connection)
    assert fates(connection, range(1, 201), since) == {"again": 200}
    assert one(connection, "SELECT string_agg(DISTINCT sqlstate, ',') FROM pgpredict.failure") == (
        "42501"
    )
    app.execute(given)
    hurry(connection)
    drain(connection)
    assert len(live(connection)) == 200
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0


@pytest.mark.usefixtures("stream")
def test_rows_that_are_hidden_are_not_taken_for_rows_that_are_gone(
    app: Connection, connection: Connection
) -> None:
    """Not even by TRUNCATE, which names no keys."""
    app.execute("INSERT INTO app.orders VALUES (1, 120, 3, 'south')")
    drain(connection)
    app.execute("ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY")
    told: list[str] = []
    app.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
    app.execute("TRUNCATE app.orders")
    assert live(connection) == [(1,)]
    assert "row-level security" in told[0]
    app.execute("ALTER TABLE app.orders DISABLE ROW LEVEL SECURITY")
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    drain(connection)
    assert live(connection) == []

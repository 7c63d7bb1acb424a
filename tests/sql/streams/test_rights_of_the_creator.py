"""Whoever creates a stream on the table of somebody else: which rights he needs, and which not."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.sql.streams.asking import Connection, drain, live, one
from tests.sql.streams.models import INPUTS
from tests.sql.streams.roles import Roles, some_roles

CREATE = "SELECT pgpredict.create_stream('s', 'risk', 'app.orders', level => %s)"
TRIGGERS = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'pgpredict%%'"


@pytest.fixture
def roles(installed_dsn: str, admin_dsn: str) -> Iterator[Roles]:
    with some_roles(installed_dsn, admin_dsn) as roles:
        yield roles


@pytest.fixture
def app(roles: Roles, connection: Connection) -> Connection:
    """The owner of a partitioned table that may be read, no more."""
    name = roles.make("app")
    roles.admin.execute(f"CREATE SCHEMA app AUTHORIZATION {name}")
    app = roles.connect(name)
    app.execute(f"""
        CREATE TABLE app.orders (id bigint PRIMARY KEY, {INPUTS}) PARTITION BY RANGE (id);
        CREATE TABLE app.first PARTITION OF app.orders FOR VALUES FROM (0) TO (100);
        GRANT USAGE ON SCHEMA app TO {connection.info.user};
        GRANT SELECT ON ALL TABLES IN SCHEMA app TO {connection.info.user}
    """)
    return app


def refused(connection: Connection, level: str) -> tuple[str | None, str | None]:
    """The SQLSTATE and the hint."""
    with pytest.raises(psycopg.Error, match="may not put such triggers on app") as caught:
        connection.execute(CREATE, [level])
    assert one(connection, TRIGGERS) == 0
    assert one(connection, "SELECT count(*) FROM pgpredict.streams") == 0
    return caught.value.sqlstate, caught.value.diag.message_hint


def test_the_right_to_make_triggers_is_enough(app: Connection, connection: Connection) -> None:
    me = connection.info.user
    assert refused(connection, "statement") == ("PP005", f"GRANT TRIGGER ON app.orders TO {me}")
    app.execute(f"GRANT TRIGGER ON app.orders TO {me}")
    assert refused(connection, "statement") == ("PP005", f"GRANT TRIGGER ON app.first TO {me}")
    app.execute(f"GRANT TRIGGER ON app.first TO {me}")

    connection.execute(CREATE, ["statement"])
    app.execute("INSERT INTO app.orders VALUES (1, 120, 3, 'south')")
    app.execute("INSERT INTO app.first VALUES (2, 120, 3, 'south')")
    drain(connection)

    assert live(connection) == [(1,), (2,)]


def test_triggers_that_fire_always_are_for_the_owner(
    app: Connection, connection: Connection
) -> None:
    me, owner = connection.info.user, app.info.user
    app.execute(f"GRANT TRIGGER ON app.orders, app.first TO {me}")

    assert refused(connection, "row") == ("PP005", f"GRANT {owner} TO {me}")


@pytest.mark.parametrize("level", ["statement", "row"])
def test_a_stream_is_dropped_by_who_does_not_own_its_source(
    app: Connection, connection: Connection, roles: Roles, level: str
) -> None:
    me, owner = connection.info.user, app.info.user
    roles.admin.execute(f"GRANT TRIGGER ON app.orders, app.first TO {me}; GRANT {owner} TO {me}")
    connection.execute(CREATE, [level])
    roles.admin.execute(f"REVOKE {owner} FROM {me}")
    app.execute("INSERT INTO app.orders VALUES (1, 120, 3, 'south')")
    assert one(connection, TRIGGERS) > 0

    assert one(connection, "SELECT pgpredict.drop_stream('s')") == 1

    assert one(connection, TRIGGERS) == 0
    app.execute("INSERT INTO app.orders VALUES (2, 120, 3, 'south')")

"""Row-level security on the source: the owner of pgpredict must see all rows, or is refused."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.sql.streams.asking import Connection, settles
from tests.sql.streams.models import INPUTS
from tests.sql.streams.roles import Roles, some_roles

CREATE = "SELECT pgpredict.create_stream('s', 'risk', 'app.orders', mode => '{}')"


@pytest.fixture
def roles(installed_dsn: str, admin_dsn: str) -> Iterator[Roles]:
    with some_roles(installed_dsn, admin_dsn) as roles:
        yield roles


@pytest.fixture
def app(roles: Roles, connection: Connection) -> Connection:
    """The owner of a table whose rows are hidden from all others."""
    name, me = roles.make("app"), connection.info.user
    roles.admin.execute(f"CREATE SCHEMA app AUTHORIZATION {name}")
    app = roles.connect(name)
    app.execute(f"CREATE TABLE app.orders (id bigint PRIMARY KEY, {INPUTS})")
    app.execute(f"GRANT USAGE ON SCHEMA app TO {me}; GRANT SELECT, TRIGGER ON app.orders TO {me}")
    app.execute("ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY")
    app.execute("CREATE POLICY few ON app.orders USING (amount < 100)")
    return app


def test_rows_that_are_hidden_from_the_owner_are_refused_with_the_remedies(
    app: Connection, connection: Connection
) -> None:
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(CREATE.format("queue"))
    me, them = connection.info.user, app.info.user
    assert caught.value.sqlstate == "PP005"
    assert caught.value.diag.message_primary == (
        f"row-level security hides rows of app.orders from role {me}, as which streams run"
    )
    assert caught.value.diag.message_hint == (
        f"let it see them: GRANT {them} TO {me}, or ALTER ROLE {me} BYPASSRLS"
    )


@pytest.mark.parametrize(
    "remedy",
    [
        "GRANT {them} TO {me}",
        # What the role may is so in all databases: one test at a time.
        pytest.param("ALTER ROLE {me} BYPASSRLS", marks=pytest.mark.xdist_group("BYPASSRLS")),
    ],
)
def test_either_remedy_works(
    app: Connection, connection: Connection, roles: Roles, remedy: str, mode: str
) -> None:
    me, them = connection.info.user, app.info.user
    roles.admin.execute(remedy.format(me=me, them=them))
    try:
        connection.execute(CREATE.format(mode))
        app.execute("INSERT INTO app.orders VALUES (1, 50, 3, 'west'), (2, 500, 3, 'west')")
        app.execute("UPDATE app.orders SET days = 9")
        assert settles(connection) == 2
        app.execute("DELETE FROM app.orders WHERE id = 2")
        assert settles(connection) == 1
    finally:
        roles.admin.execute(f"ALTER ROLE {me} NOBYPASSRLS")


@pytest.mark.parametrize("mode", ["queue", "transaction"])
def test_own_table_needs_no_remedy(connection: Connection, roles: Roles, mode: str) -> None:
    """The predictions of all rows, by whoever writes, whatever he may see."""
    connection.execute(f"CREATE TABLE orders (id bigint PRIMARY KEY, {INPUTS})")
    connection.execute("ALTER TABLE orders ENABLE ROW LEVEL SECURITY")
    connection.execute(
        "CREATE POLICY few ON orders USING (amount < 100) WITH CHECK (amount < 1000)"
    )
    connection.execute(f"SELECT pgpredict.create_stream('s', 'risk', 'orders', mode => '{mode}')")
    name = roles.make("clerk")
    connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON orders TO {name}")
    clerk = roles.connect(name)
    clerk.execute("INSERT INTO orders VALUES (1, 50, 3, 'west'), (2, 500, 3, 'west')")
    clerk.execute("UPDATE orders SET amount = 900")
    assert settles(connection) == 2


def test_owner_who_is_subject_to_his_own_policies_is_refused(connection: Connection) -> None:
    connection.execute(f"CREATE TABLE orders (id bigint PRIMARY KEY, {INPUTS})")
    connection.execute("ALTER TABLE orders ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    with pytest.raises(psycopg.Error, match="row-level security hides rows of"):
        connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'orders')")

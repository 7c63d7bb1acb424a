"""Partitions that are detached, changed and attached again; triggers that somebody dropped."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.sql.programs import pg_dump_into, pg_restore
from tests.sql.streams.asking import Connection, agrees, drain, live, one, settles, waiting
from tests.sql.streams.roles import some_roles
from tests.sql.streams.test_partitions import SALES, maintain

DETACH = "ALTER TABLE sales DETACH PARTITION january"
ATTACH = (
    "ALTER TABLE sales ATTACH PARTITION january FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')"
)
NEW = "1 new partitions of public.sales"
FREE = "public.january does not belong to the source any more: its triggers are gone"


@pytest.fixture(params=["statement", "row"], autouse=True)
def sales(connection: Connection, mode: str, request: pytest.FixtureRequest) -> None:
    connection.execute(SALES)
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'sales', mode => %s, level => %s)",
        [mode, request.param],
    )
    connection.execute(
        "INSERT INTO sales VALUES (1, '2026-01-05', 10, 1, 'west'), (2, '2026-01-06', 20, 2, 'x'),"
        " (1, '2026-02-05', 30, 3, 'south')"
    )
    drain(connection)


def agrees_after_maintenance(connection: Connection, told: list[str]) -> int:
    assert maintain(connection) == told
    drain(connection)
    assert maintain(connection) == []
    assert drain(connection) == 0
    return settles(connection)


def test_partition_that_is_back_before_anybody_looked(connection: Connection) -> None:
    """Its triggers were on it all the time, and the worker took its rows for gone."""
    connection.execute(DETACH)
    connection.execute("UPDATE january SET amount = amount + 1")
    connection.execute("INSERT INTO january VALUES (3, '2026-01-07', 5, 5, 'west')")
    connection.execute("DELETE FROM january WHERE id = 2")
    drain(connection)
    connection.execute(ATTACH)
    drain(connection)
    assert agrees_after_maintenance(connection, [NEW]) == 3


def test_partition_that_is_back_after_its_triggers_were_taken_off(connection: Connection) -> None:
    connection.execute(DETACH)
    assert maintain(connection) == [FREE]
    triggers = "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'january'::regclass"
    assert one(connection, triggers) == 0
    connection.execute("UPDATE january SET amount = amount + 1")
    connection.execute("DELETE FROM january WHERE id = 2")
    assert waiting(connection) == 0
    assert maintain(connection) == []
    connection.execute(ATTACH)
    assert agrees_after_maintenance(connection, [NEW]) == 2


def test_partition_in_another_place_of_the_tree(connection: Connection) -> None:
    connection.execute("ALTER TABLE february DETACH PARTITION february_odd")
    connection.execute("UPDATE february_odd SET amount = 77")
    drain(connection)
    connection.execute("ALTER TABLE february ATTACH PARTITION february_odd FOR VALUES IN (1, 3)")
    assert agrees_after_maintenance(connection, [NEW]) == 3


def test_restored_partitions_are_those_that_were_there(
    connection: Connection, installed_dsn: str, dsn: str, tmp_path: Path
) -> None:
    """All numbers of tables differ there; no row is predicted again."""
    pg_dump_into(tmp_path / "dump", installed_dsn)
    pg_restore(tmp_path / "dump", dsn)
    with psycopg.connect(dsn, autocommit=True) as restored:
        assert maintain(restored) == []
        assert drain(restored) == 0
        assert agrees(restored) == 3
        restored.execute(DETACH + "; UPDATE january SET amount = 99")
        drain(restored)
        restored.execute(ATTACH)
        assert agrees_after_maintenance(restored, [NEW]) == 3


def test_triggers_that_somebody_dropped_are_put_back(connection: Connection) -> None:
    connection.execute("DROP TRIGGER pgpredict_s_delete ON sales")
    connection.execute("DROP TRIGGER pgpredict_s_truncate ON january")
    connection.execute("UPDATE sales SET amount = 8 WHERE day = '2026-02-05'")
    connection.execute("DELETE FROM sales WHERE id = 2")
    connection.execute("TRUNCATE january")
    drain(connection)
    assert len(live(connection)) == 3
    lost = "had lost triggers: they are back, and its rows are predicted again"
    assert sorted(maintain(connection)) == [f"public.january {lost}", f"public.sales {lost}"]
    drain(connection)
    assert maintain(connection) == []
    assert settles(connection) == 1


def test_all_triggers_gone(connection: Connection) -> None:
    """By whoever drops the trigger function, say, or restores the table without."""
    connection.execute("DROP FUNCTION pgpredict.s_capture CASCADE")
    connection.execute("SELECT pgpredict.build_stream('s')")
    connection.execute("INSERT INTO sales VALUES (5, '2026-01-07', 5, 5, 'west')")
    connection.execute("DELETE FROM sales WHERE id = 2")
    assert one(connection, "SELECT state FROM pgpredict.streams") == "running"
    assert all("had lost triggers" in said for said in maintain(connection))
    drain(connection)
    assert maintain(connection) == []
    assert settles(connection) == 3


def test_owner_of_the_schema_who_may_not_drop_triggers_says_so(
    connection: Connection, installed_dsn: str, admin_dsn: str
) -> None:
    connection.execute(DETACH)
    with some_roles(installed_dsn, admin_dsn) as roles:
        roles.admin.execute(f"ALTER TABLE january OWNER TO {roles.make('other')}")
        (told,) = maintain(connection)
    assert told.startswith("public.january does not belong to the source any more, but keeps its")

"""Partitioned sources: statements on the parent and on partitions, partitions that come and go.

Every test runs with triggers of both levels and in both modes.
"""

from __future__ import annotations

import pytest

from tests.sql.streams.asking import Connection, agrees, drain, live, one, settles, waiting
from tests.sql.streams.models import INPUTS

SALES = f"""
    CREATE TABLE sales (id integer, day date, {INPUTS}, PRIMARY KEY (id, day))
        PARTITION BY RANGE (day);
    CREATE TABLE january PARTITION OF sales FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE february PARTITION OF sales FOR VALUES FROM ('2026-02-01') TO ('2026-03-01')
        PARTITION BY LIST (id);
    CREATE TABLE february_odd PARTITION OF february FOR VALUES IN (1, 3, 5, 7, 9);
    CREATE TABLE february_even PARTITION OF february FOR VALUES IN (2, 4, 6, 8);
"""
MARCH = "FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')"


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture(params=["statement", "row"])
def level(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def sales(connection: Connection, mode: str, level: str) -> None:
    connection.execute(SALES)
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'sales', mode => %s, level => %s)",
        [mode, level],
    )
    connection.execute(
        "INSERT INTO sales VALUES (1, '2026-01-05', 10, 1, 'west'), (2, '2026-01-06', 20, 2, 'x'),"
        " (1, '2026-02-05', 30, 3, 'south'), (2, '2026-02-06', NULL, 4, 'north')"
    )
    assert settles(connection) == 4


def maintain(connection: Connection) -> list[str]:
    return [said for (said,) in connection.execute("SELECT pgpredict.maintain('s')").fetchall()]


def months(connection: Connection) -> list[tuple[int, int]]:
    return [(i, m) for i, m in live(connection, columns="id, date_part('month', day)::int")]


def test_statements_on_the_parent(connection: Connection) -> None:
    connection.execute("UPDATE sales SET amount = 50 WHERE id = 2")
    assert settles(connection) == 4
    connection.execute("DELETE FROM sales WHERE id = 1")
    assert settles(connection) == 2


def test_statements_on_partitions_of_any_depth(connection: Connection) -> None:
    connection.execute("INSERT INTO january VALUES (3, '2026-01-07', 5, 5, 'west')")
    connection.execute("INSERT INTO february VALUES (3, '2026-02-07', 6, 6, 'west')")
    connection.execute("INSERT INTO february_odd VALUES (5, '2026-02-07', 7, 7, 'west')")
    assert settles(connection) == 7
    connection.execute("UPDATE january SET amount = amount + 1")
    connection.execute("UPDATE february SET days = days + 1")
    connection.execute("UPDATE february_even SET region = 'south'")
    assert settles(connection) == 7
    connection.execute("DELETE FROM january WHERE id = 1")
    connection.execute("DELETE FROM february_odd WHERE id = 1")
    assert settles(connection) == 5


def test_row_is_enqueued_once_whatever_the_statement_names(
    connection: Connection, mode: str
) -> None:
    for number, table in enumerate(("sales", "february", "february_odd")):
        connection.execute(f"UPDATE {table} SET amount = %s WHERE id = 1", [number])
        assert waiting(connection) == {"queue": 2 if table == "sales" else 1}.get(mode, 0)
        drain(connection)
    assert agrees(connection) == 4


def test_row_that_moves_to_another_partition(connection: Connection) -> None:
    connection.execute("UPDATE sales SET day = '2026-02-20' WHERE id = 1 AND day < '2026-02-01'")
    assert settles(connection) == 4
    assert months(connection) == [(1, 2), (1, 2), (2, 1), (2, 2)]
    connection.execute("UPDATE february SET id = 4, amount = 44 WHERE day = '2026-02-20'")
    assert settles(connection) == 4


def test_truncate_of_a_partition_takes_its_own_predictions_only(connection: Connection) -> None:
    connection.execute("TRUNCATE january")
    assert months(connection) == [(1, 2), (2, 2)]
    connection.execute("TRUNCATE february_even")
    assert months(connection) == [(1, 2)]
    assert settles(connection) == 1
    connection.execute("INSERT INTO january VALUES (1, '2026-01-05', 10, 1, 'west')")
    connection.execute("TRUNCATE sales")
    assert settles(connection) == 0


def test_rows_for_a_new_partition_that_come_through_the_parent(connection: Connection) -> None:
    connection.execute(f"CREATE TABLE march PARTITION OF sales {MARCH}")
    connection.execute("INSERT INTO sales VALUES (1, '2026-03-05', 70, 1, 'west')")
    connection.execute("UPDATE sales SET amount = 71 WHERE day > '2026-03-01'")
    assert settles(connection) == 5


def test_rows_that_go_into_a_new_partition_itself_wait_for_maintain(
    connection: Connection, level: str
) -> None:
    """Row triggers come with the partition; statement triggers do not."""
    connection.execute(f"CREATE TABLE march PARTITION OF sales {MARCH}")
    connection.execute("INSERT INTO march VALUES (1, '2026-03-05', 70, 1, 'west')")
    drain(connection)
    assert len(live(connection)) == (5 if level == "row" else 4)
    assert maintain(connection) == ["1 new partitions of public.sales"]
    drain(connection)
    assert settles(connection) == 5
    connection.execute("INSERT INTO march VALUES (2, '2026-03-05', 70, 1, 'west')")
    assert settles(connection) == 6
    connection.execute("TRUNCATE march")
    assert settles(connection) == 4
    assert maintain(connection) == []


def test_partition_that_is_attached_with_rows(connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE march (LIKE sales INCLUDING ALL);"
        "INSERT INTO march SELECT n, '2026-03-05', n, n, 'west' FROM generate_series(1, 130) AS n;"
        f"ALTER TABLE sales ATTACH PARTITION march {MARCH}"
    )
    drain(connection)
    assert len(live(connection)) == 4
    assert maintain(connection) == ["1 new partitions of public.sales"]
    assert drain(connection) == 130
    assert settles(connection) == 134


def test_partitions_below_a_new_one_are_adopted_too(connection: Connection) -> None:
    connection.execute(
        f"CREATE TABLE march PARTITION OF sales {MARCH} PARTITION BY LIST (id);"
        "CREATE TABLE march_one PARTITION OF march FOR VALUES IN (1)"
    )
    assert maintain(connection) == ["2 new partitions of public.sales"]
    connection.execute("INSERT INTO march VALUES (1, '2026-03-05', 70, 1, 'west')")
    connection.execute("INSERT INTO march_one VALUES (1, '2026-03-06', 70, 1, 'west')")
    drain(connection)
    assert settles(connection) == 6


@pytest.mark.parametrize(
    "how", ["ALTER TABLE sales DETACH PARTITION january", "DROP TABLE january"]
)
def test_predictions_of_a_partition_that_went_stay_until_the_backfill(
    connection: Connection, how: str
) -> None:
    connection.execute(how)
    drain(connection)
    assert months(connection) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    released = "public.january does not belong to the source any more: its triggers are gone"
    assert maintain(connection) == ([released] if "DETACH" in how else [])
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    drain(connection)
    assert months(connection) == [(1, 2), (2, 2)]
    assert settles(connection) == 2


def test_partition_that_was_detached_lives_on_by_itself(connection: Connection) -> None:
    connection.execute("ALTER TABLE sales DETACH PARTITION january")
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    drain(connection)
    connection.execute("INSERT INTO january VALUES (3, '2026-01-07', 5, 5, 'west')")
    connection.execute("UPDATE january SET amount = 6")
    connection.execute("TRUNCATE january")
    drain(connection)
    assert settles(connection) == 2
    connection.execute("SELECT pgpredict.drop_stream('s')")
    left = "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'pgpredict%'"
    assert one(connection, left) == 0
    connection.execute("INSERT INTO january VALUES (4, '2026-01-07', 5, 5, 'west')")


def test_row_that_goes_through_a_view_on_a_partition(connection: Connection) -> None:
    connection.execute("CREATE VIEW current AS SELECT * FROM february_odd WHERE id > 2")
    connection.execute("INSERT INTO current VALUES (7, '2026-02-07', 5, 5, 'west')")
    assert settles(connection) == 5

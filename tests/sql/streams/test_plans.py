"""Cost does not grow with the source: a few keys of a large table are never a reason to read it.

A row that is looked at by its place (TID) counts as no scan. So one scan of an index for each key
says both: it is found by its key, and looked at again by its place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

from tests.sql.streams.asking import Connection, agrees, drain, one, work
from tests.sql.streams.models import INPUTS

ROWS = "SELECT n, n % 500, n % 30, 'west' FROM generate_series(1, {}) AS n"
CHANGE = "UPDATE payments SET amount = amount + 1 WHERE id IN (5, 500, 9999)"


class Scans(NamedTuple):
    whole_table: int
    by_index: int


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture(params=["with statistics", "without statistics"])
def large(request: pytest.FixtureRequest, connection: Connection) -> None:
    """A table of which the planner knows how large it is, or does not."""
    connection.execute("INSERT INTO payments " + ROWS.format(100_000))
    if request.param == "with statistics":
        connection.execute("ANALYZE payments")


def create(connection: Connection, mode: str = "queue", table: str = "payments") -> None:
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', %s, NULL, %s)", [table, mode])


def scans(connection: Connection, act: Callable[[], object], table: str = "payments") -> Scans:
    """How often a table, or a partition of it, was scanned by what `act` does in a transaction."""
    counters = (
        "SELECT coalesce(sum(seq_scan), 0)::int, coalesce(sum(idx_scan), 0)::int"
        " FROM pg_stat_xact_all_tables WHERE relid = %s::regclass"
        " OR relid IN (SELECT relid FROM pg_partition_tree(%s::regclass))"
    )
    with connection.transaction():
        before: Any = connection.execute(counters, [table, table]).fetchone()
        act()
        after: Any = connection.execute(counters, [table, table]).fetchone()
    return Scans(after[0] - before[0], after[1] - before[1])


@pytest.mark.usefixtures("large")
def test_worker_finds_each_row_by_its_key_and_looks_again_by_its_place(
    connection: Connection,
) -> None:
    create(connection)
    for _ in range(3):
        connection.execute(CHANGE)
        assert scans(connection, partial(work, connection)) == Scans(whole_table=0, by_index=3)
        connection.execute(CHANGE)
        on_live = scans(connection, partial(work, connection), "predict.s_live")
        assert on_live.whole_table == 0

    connection.execute("DELETE FROM payments WHERE id IN (5, 500)")
    gone = scans(connection, partial(work, connection))
    assert gone.whole_table == 0
    assert gone.by_index <= 2 * 3


@pytest.mark.usefixtures("large")
def test_writer_of_the_mode_transaction_pays_for_his_rows_alone(connection: Connection) -> None:
    create(connection, "transaction")
    update = partial(connection.execute, "UPDATE payments SET amount = amount + 1 WHERE id = 5")
    for _ in range(3):
        assert scans(connection, update) == Scans(whole_table=0, by_index=2)


def test_plan_of_an_empty_table_serves_a_large_one(connection: Connection) -> None:
    """Plans are made once per session, with what the planner sees then."""
    create(connection)
    connection.execute("INSERT INTO payments VALUES (1, 1, 1, 'west')")
    connection.execute("ANALYZE payments")
    assert drain(connection) == 1
    connection.execute("ALTER TABLE payments DISABLE TRIGGER USER")
    connection.execute(f"INSERT INTO payments {ROWS.format(10_000)} ON CONFLICT DO NOTHING")
    connection.execute("ALTER TABLE payments ENABLE TRIGGER USER")
    connection.execute(CHANGE)
    assert scans(connection, partial(work, connection)) == Scans(whole_table=0, by_index=3)


def test_retries_look_their_keys_up(connection: Connection) -> None:
    connection.execute("INSERT INTO payments " + ROWS.format(10_000))
    create(connection)
    connection.execute(
        "INSERT INTO pgpredict.failure (stream, key, attempts, error, sqlstate, not_before)"
        " SELECT 's', jsonb_build_object('id', n), 1, 'x', 'XX000', now()"
        " FROM generate_series(1, 4) AS n"
    )
    assert scans(connection, partial(work, connection)) == Scans(whole_table=0, by_index=4)


def test_batch_of_a_backfill_reads_on_from_where_it_is(connection: Connection) -> None:
    connection.execute("INSERT INTO payments " + ROWS.format(10_000))
    create(connection)
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    for _ in range(3):
        batch = partial(work, connection, batch=10)
        assert scans(connection, batch) == Scans(whole_table=0, by_index=1 + 10)


@pytest.mark.parametrize("done", [0, 20])
def test_backfill_goes_along_the_index_whatever_the_order_of_the_key(
    connection: Connection, done: int
) -> None:
    connection.execute(f"CREATE TABLE orders (code text, number integer, {INPUTS})")
    connection.execute("CREATE UNIQUE INDEX ON orders (number, code)")
    connection.execute(
        "INSERT INTO orders SELECT n % 7, n, n % 500, n % 30, 'west'"
        " FROM generate_series(1, 10000) AS n; ANALYZE orders"
    )
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'orders', '{code,number}')")
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    assert done == 0 or work(connection, batch=done) == done
    query = one(connection, "SELECT pgpredict.backfill_query(b) FROM pgpredict.backfill AS b")
    connection.execute("SET enable_seqscan = off")
    explain = f"EXPLAIN {query.replace('$1', '10')}"
    plan = "\n".join(line for (line,) in connection.execute(explain))
    assert "orders_number_code_idx" in plan
    assert "Sort" not in plan.partition("WindowAgg")[2]  # of what is left of the table
    assert drain(connection) == 10_000 - done
    assert agrees(connection) == 10_000


def test_partitions_are_asked_by_their_indexes(connection: Connection) -> None:
    """The key need not say which partition has the row: each one is asked."""
    connection.execute(
        f"CREATE TABLE sales (id integer, month integer, {INPUTS}, PRIMARY KEY (id, month))"
        " PARTITION BY LIST (month);"
        "CREATE TABLE june PARTITION OF sales FOR VALUES IN (6);"
        "CREATE TABLE july PARTITION OF sales FOR VALUES IN (7)"
    )
    connection.execute(
        "INSERT INTO sales SELECT n, 6 + n % 2, n % 500, n % 30, 'west'"
        " FROM generate_series(1, 10000) AS n"
    )
    create(connection, table="sales")
    for _ in range(3):
        connection.execute("UPDATE sales SET amount = amount + 1 WHERE id IN (5, 6, 9999)")
        found = scans(connection, partial(work, connection), "sales")
        assert found.whole_table == 0
        assert 3 <= found.by_index <= 2 * 2 * 3


def test_large_batch_of_new_rows(connection: Connection) -> None:
    create(connection)
    connection.execute("INSERT INTO payments " + ROWS.format(2500))
    assert scans(connection, partial(work, connection)) == Scans(whole_table=0, by_index=1000)
    drain(connection)
    assert agrees(connection) == one(connection, "SELECT count(*) FROM payments")

"""The log: every prediction, by day in UTC, as long as it is to be kept."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sql.streams.asking import Connection, drain, live, one
from tests.sql.streams.meeting import waiting_for
from tests.sql.streams.versions import insert

pytestmark = pytest.mark.usefixtures("stream")

TODAY = "(now() AT TIME ZONE 'UTC')::date"
PARTITIONS = """
    SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'predict.s_log'::regclass AND c.relname <> 's_log_default' ORDER BY 1
"""


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture(autouse=True)
def far_east(connection: Connection) -> None:
    """Sessions may be anywhere; where the day begins 14 hours earlier, say."""
    connection.execute("SET timezone = 'Pacific/Kiritimati'")


@pytest.fixture
def stream(connection: Connection, mode: str, far_east: None) -> None:
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s)", [mode]
    )


def partition(connection: Connection, days: int) -> str:
    """The name of the partition of a day, counted from today."""
    return str(one(connection, f"SELECT 's_log_' || to_char({TODAY} + {days}, 'YYYYMMDD')"))


def partitions(connection: Connection) -> list[str]:
    return [name for (name,) in connection.execute(PARTITIONS)]


def maintain(connection: Connection) -> list[str]:
    return [told for (told,) in connection.execute("SELECT pgpredict.maintain('s')")]


def drop(connection: Connection, days: int) -> str:
    """Drop the partition of a day."""
    name = partition(connection, days)
    connection.execute(f"DROP TABLE predict.{name}")
    return name


def count(connection: Connection, table: str) -> int:
    return int(one(connection, f"SELECT count(*) FROM predict.{table}"))


def test_there_is_a_partition_for_today_and_the_days_to_come(connection: Connection) -> None:
    assert partitions(connection) == [partition(connection, days) for days in range(4)]
    connection.execute("SET timezone = 'UTC'")
    assert one(
        connection,
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = %s",
        [partition(connection, 1)],
    ) == one(
        connection,
        f"SELECT format('FOR VALUES FROM (%%L) TO (%%L)', ({TODAY} + 1) || ' 00:00:00+00',"
        f" ({TODAY} + 2) || ' 00:00:00+00')",
        [],
    )
    insert(connection, 1, 10)
    drain(connection)
    assert count(connection, partition(connection, 0)) == 10
    assert count(connection, "s_log_default") == 0


def test_the_log_keeps_what_was_said_of_rows_that_changed_and_went(connection: Connection) -> None:
    insert(connection, 1, 2)
    drain(connection)
    connection.execute("UPDATE payments SET amount = 500 WHERE id = 1")
    drain(connection)
    connection.execute("TRUNCATE payments")
    drain(connection)
    assert live(connection) == []
    assert connection.execute(
        "SELECT id, count(*), count(DISTINCT probability), max(at) > min(at)"
        " FROM predict.s_log GROUP BY id ORDER BY id"
    ).fetchall() == [(1, 2, 2, True), (2, 1, 1, False)]


def test_rows_of_a_day_without_a_partition_are_moved_to_it_later(connection: Connection) -> None:
    today = drop(connection, 0)
    insert(connection, 1, 10)
    drain(connection)
    assert count(connection, "s_log_default") == 10
    assert maintain(connection) == []
    assert count(connection, "s_log_default") == 0
    assert count(connection, today) == count(connection, "s_log") == 10


def test_rows_of_days_past_are_moved_to_theirs_or_are_past_their_time(
    connection: Connection,
) -> None:
    insert(connection, 1, 10)
    drain(connection)
    connection.execute("UPDATE predict.s_log SET at = at - id * interval '5 days'")
    assert count(connection, "s_log_default") == 10
    assert maintain(connection) == []
    assert count(connection, "s_log_default") == 0
    assert count(connection, "s_log") == 6  # of 30 days
    assert partition(connection, -30) in partitions(connection)
    assert count(connection, partition(connection, -5)) == 1


def test_the_partition_of_today_is_made_while_rows_arrive(
    connection: Connection, another: Callable[[], Connection], mode: str
) -> None:
    """Whoever writes to the log meanwhile is waited for, and keeps nothing from it."""
    today = drop(connection, 0)
    insert(connection, 1, 5)
    drain(connection)
    busy = another()
    busy.execute("BEGIN")
    insert(busy, 6, 10)
    if mode == "queue":
        busy.execute("SELECT pgpredict.work('s')")
    connection.execute("ALTER FUNCTION pgpredict.maintain(text) SET lock_timeout = '10s'")
    connection.execute("ALTER FUNCTION pgpredict.keep_log(text) SET lock_timeout = '10s'")
    with waiting_for(busy, connection, lambda: maintain(connection)):
        pass
    drain(connection)
    assert count(connection, "s_log_default") == 0
    assert count(connection, today) == 10


def test_what_fails_of_maintenance_undoes_nothing_else(connection: Connection) -> None:
    connection.execute("DROP SEQUENCE pgpredict.s_wake")
    connection.execute("DROP TABLE predict.s_log CASCADE")
    told = maintain(connection)
    assert told[0] == "the queue was gone, and is made anew"
    assert "s_log" in told[1]
    assert one(connection, "SELECT to_regclass('pgpredict.s_wake') IS NOT NULL")


def test_days_past_their_time_are_dropped(connection: Connection) -> None:
    for days in (-29, -30, -31, -32, -400):
        connection.execute(f"SELECT pgpredict.add_log_partition('s', {TODAY} + {days})")
    assert maintain(connection) == []
    kept = [partition(connection, days) for days in (-30, -29, 0, 1, 2, 3)]
    assert partitions(connection) == kept
    connection.execute("SELECT pgpredict.set_retention('s', '1 day')")
    assert partitions(connection) == [partition(connection, days) for days in range(4)]


@pytest.mark.parametrize("retention", ["NULL", "'0'"])
def test_a_log_that_is_kept_for_ever_and_one_that_is_not_written(
    connection: Connection, retention: str
) -> None:
    insert(connection, 1, 5)
    drain(connection)
    connection.execute(f"SELECT pgpredict.add_log_partition('s', {TODAY} - 4000)")
    connection.execute(f"SELECT pgpredict.set_retention('s', {retention})")
    assert maintain(connection) == []
    insert(connection, 6, 10)
    drain(connection)
    assert len(live(connection)) == 10
    assert count(connection, "s_log") == (10 if retention == "NULL" else 5)
    assert partitions(connection)[0] == partition(connection, -4000)


def test_a_stream_without_a_log_has_none_to_keep(connection: Connection, mode: str) -> None:
    connection.execute(
        "SELECT pgpredict.create_stream('quiet', 'risk', 'payments', mode => %s, retention => '0')",
        [mode],
    )
    insert(connection, 1, 5)
    drain(connection, "quiet")
    assert len(live(connection, "quiet")) == 5
    assert count(connection, "quiet_log") == 0


def test_a_reader_of_the_log_is_in_nobody_s_way_and_nobody_in_his(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    connection.execute(f"SELECT pgpredict.add_log_partition('s', {TODAY} - 40)")
    old = partition(connection, -40)
    today = drop(connection, 0)
    reader = another()
    with reader.transaction():
        assert count(reader, "s_log") == 0
        connection.execute("SET statement_timeout = '10s'")
        assert maintain(connection) == []  # without waiting for him; another time
        assert old in partitions(connection)
        insert(connection, 1, 10)
        drain(connection)
        assert count(reader, "s_log") == 10
    assert maintain(connection) == []
    assert old not in partitions(connection)
    assert count(connection, today) == 10

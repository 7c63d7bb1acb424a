"""Rows that cannot be predicted: tried again, ever later, then dead letters, never in the way."""

from __future__ import annotations

import pytest

from tests.sql.streams.asking import Connection, agrees, drain, live, one, work
from tests.sql.streams.fates import hurry
from tests.sql.streams.faults import PROMOTE, RAISES

FAILURES = "SELECT key ->> 'id', attempts, not_before IS NULL FROM pgpredict.failure ORDER BY key"
# How long after its last attempt the next one is.
DELAY = "SELECT extract(epoch FROM not_before - last_at)::int"


@pytest.fixture
def raising(connection: Connection, stream: str) -> str:
    """The stream `s`, whose model raises for negative amounts."""
    connection.execute(RAISES)
    return stream


@pytest.fixture
def one_bad_row(connection: Connection, raising: str) -> str:
    connection.execute("INSERT INTO payments VALUES (1, -1, 3, 'south')")
    return raising


def state(connection: Connection) -> tuple[int, int, bool | None]:
    """Depth, dead letters, and whether something has waited for a while."""
    row = connection.execute(
        "SELECT depth, dead_letters, oldest_age > '0' FROM pgpredict.streams WHERE name = 's'"
    ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1]), row[2]


@pytest.mark.usefixtures("one_bad_row")
def test_the_time_to_the_next_attempt_grows_until_there_is_none(connection: Connection) -> None:
    work(connection)
    delays = []
    for _ in range(4):
        assert state(connection) == (1, 0, True)
        delays.append(one(connection, f"{DELAY} FROM pgpredict.failure"))
        assert work(connection) == 0  # it is not time yet
        assert one(connection, "SELECT count(*) FROM pgpredict.ready_streams()") == 0
        hurry(connection)
        assert one(connection, "SELECT pgpredict.ready_streams()") == "s"
        assert work(connection) == 1
    assert delays == [1, 4, 16, 64]
    assert state(connection) == (0, 1, None)
    assert connection.execute(
        "SELECT stream, key, error, sqlstate, attempts, first_at < last_at"
        " FROM pgpredict.dead_letters"
    ).fetchall() == [("s", {"id": 1}, "no risk below zero: -1", "23514", 5, True)]
    hurry(connection)
    assert drain(connection) == 0


def test_a_stream_says_how_often_it_tries(connection: Connection, mode: str) -> None:
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s, attempts => 1)", [mode]
    )
    connection.execute(RAISES)
    connection.execute("INSERT INTO payments VALUES (1, -1, 3, 'south')")
    drain(connection)
    assert connection.execute(FAILURES).fetchall() == [("1", 1, True)]


@pytest.mark.usefixtures("raising")
def test_one_bad_row_among_a_thousand_keeps_no_other_back(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO payments SELECT n, CASE n WHEN 500 THEN -1 ELSE n END, 1, 'west'"
        " FROM generate_series(1, 1000) AS n"
    )
    work(connection)
    assert len(live(connection)) == 999
    assert connection.execute(FAILURES).fetchall() == [("500", 1, False)]
    connection.execute("INSERT INTO payments VALUES (1001, 7, 3, 'south')")
    work(connection)
    assert len(live(connection)) == 1000


@pytest.mark.usefixtures("one_bad_row")
def test_a_later_good_prediction_of_the_row_takes_its_failure_away(connection: Connection) -> None:
    drain(connection)
    assert connection.execute(FAILURES).fetchall() == [("1", 1, False)]
    connection.execute("UPDATE payments SET amount = 1")
    drain(connection)
    assert connection.execute(FAILURES).fetchall() == []
    assert live(connection, columns="id, prediction") == [(1, "safe")]


@pytest.mark.usefixtures("one_bad_row")
def test_so_does_a_dead_letter_of_a_row_that_is_deleted(connection: Connection) -> None:
    connection.execute("UPDATE pgpredict.stream SET attempts = 1")
    drain(connection)
    hurry(connection)
    drain(connection)
    assert state(connection)[1] == 1
    connection.execute("DELETE FROM payments")
    drain(connection)
    assert connection.execute(FAILURES).fetchall() == []


@pytest.mark.usefixtures("one_bad_row")
def test_a_row_that_fails_again_after_a_change_is_tried_again(connection: Connection) -> None:
    drain(connection)
    connection.execute("UPDATE payments SET amount = -2")
    drain(connection)
    assert connection.execute(FAILURES).fetchall() == [("1", 2, False)]
    assert one(connection, "SELECT error FROM pgpredict.failure") == "no risk below zero: -2"


@pytest.mark.usefixtures("raising")
def test_retry_dead_begins_anew(connection: Connection, mode: str) -> None:
    connection.execute("UPDATE pgpredict.stream SET attempts = 1")
    connection.execute("INSERT INTO payments VALUES (1, -1, 3, 'south'), (2, -2, 3, 'south')")
    drain(connection)
    assert connection.execute(FAILURES).fetchall() == [("1", 1, True), ("2", 1, True)]
    connection.execute("UPDATE pgpredict.stream SET attempts = 3")
    assert one(connection, "SELECT pgpredict.retry_dead('s')") == 2
    assert one(connection, "SELECT pgpredict.retry_dead('s')") == 0
    drain(connection)
    assert connection.execute(FAILURES).fetchall() == [("1", 1, False), ("2", 1, False)]
    assert state(connection)[:2] == (2, 0)

    connection.execute("UPDATE pgpredict.failure SET not_before = NULL")
    connection.execute(PROMOTE)
    assert one(connection, "SELECT pgpredict.retry_dead('s')") == 2
    if mode == "transaction":  # done at once: there need not be a worker
        assert agrees(connection) == 2
    drain(connection)
    assert agrees(connection) == 2
    assert state(connection) == (0, 0, None)


@pytest.mark.usefixtures("raising")
def test_failures_of_one_stream_are_none_of_another(connection: Connection) -> None:
    connection.execute("SELECT pgpredict.create_stream('other', 'risk', 'payments')")
    connection.execute("INSERT INTO payments VALUES (1, -1, 3, 'south')")
    for stream in ("s", "other"):
        drain(connection, stream)
    assert one(connection, "SELECT array_agg(stream ORDER BY stream) FROM pgpredict.failure") == [
        "other",
        "s",
    ]
    connection.execute("UPDATE pgpredict.failure SET not_before = NULL")
    assert one(connection, "SELECT pgpredict.retry_dead('other')") == 1
    assert state(connection)[:2] == (0, 1)
    connection.execute("SELECT pgpredict.drop_stream('other')")
    assert connection.execute(FAILURES).fetchall() == [("1", 1, True)]

"""The view pgpredict.streams: what waits, for how long, how fast it goes, what failed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sql.streams.asking import Connection, drain, one, work
from tests.sql.streams.faults import RAISES
from tests.sql.streams.versions import insert

pytestmark = pytest.mark.usefixtures("stream")


def see(connection: Connection, columns: str) -> object:
    """These columns of the stream `s`, one or several."""
    row = connection.execute(f"SELECT {columns} FROM pgpredict.streams WHERE name = 's'").fetchone()
    assert row is not None
    return row[0] if len(row) == 1 else row


def test_what_a_stream_is(connection: Connection, mode: str) -> None:
    assert see(
        connection,
        "model, version, source, key, mode, state, shadows, level, notify, retention = '30 days',"
        " attempts, created_at < now(), created_by = session_user",
    ) == ("risk", 1, "public.payments", ["id"], mode, "running", [], "statement", True, True, 5,
          True, True)  # fmt: skip


def test_options_that_are_null_are_the_usual_ones(connection: Connection, mode: str) -> None:
    connection.execute(
        "SELECT pgpredict.create_stream('other', 'risk', 'payments', mode => %s, key => NULL,"
        " backfill => NULL, notify => NULL, publish => NULL, retention => NULL)",
        [mode],
    )
    assert connection.execute(
        "SELECT key, backfill, notify, retention FROM pgpredict.streams WHERE name = 'other'"
    ).fetchall() == [(["id"], None, True, None)]
    assert one(connection, "SELECT count(*) FROM pg_publication") == 0


def test_nothing_has_happened_yet(connection: Connection) -> None:
    numbers = "depth, oldest_age, rate, dead_letters, lag, last_at, rows, backfill, backfill_rows"
    assert see(connection, numbers) == (0, None, 0, 0, None, None, 0, None, 0)


def test_rows_that_wait(connection: Connection, mode: str) -> None:
    insert(connection, 1, 250)
    insert(connection, 251, 260)
    if mode == "transaction":
        assert see(connection, "depth, oldest_age") == (0, None)
        return
    connection.execute("UPDATE pgpredict.queue SET enqueued_at = enqueued_at - interval '1 minute'")
    insert(connection, 261, 270)
    assert see(connection, "depth, oldest_age > '1 minute', oldest_age < '2 minutes'") == (
        270,
        True,
        True,
    )
    work(connection, batch=100)
    assert see(connection, "depth, lag > '1 minute', lag < '2 minutes', rows") == (
        170,
        True,
        True,
        100,
    )
    drain(connection)
    assert see(connection, "depth, oldest_age, rows") == (0, None, 270)


def test_how_fast_it_goes(connection: Connection) -> None:
    """Rows a second, of this minute and the one before."""
    insert(connection, 1, 300)
    drain(connection)
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    drain(connection)
    rows = see(connection, "rows")
    assert isinstance(rows, int)
    assert rows >= 300
    rate = see(connection, "rate")
    assert isinstance(rate, float)
    assert rows / 120 - 0.1 <= rate <= rows / 60 + 0.1
    assert see(connection, "last_at > now() - interval '1 minute'")
    connection.execute(
        "UPDATE pgpredict.worker SET minute = minute - interval '2 minutes',"
        " at = at - interval '2 minutes'"
    )
    assert see(connection, "rate, rows") == (0, rows)


def test_several_workers_are_counted_together(
    connection: Connection, mode: str, another: Callable[[], Connection]
) -> None:
    insert(connection, 1, 30)
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    drain(connection)
    done = one(connection, "SELECT rows FROM pgpredict.streams")
    insert(connection, 31, 60)
    drain(another())
    assert see(connection, "rows") == done + (30 if mode == "queue" else 0)
    assert one(connection, "SELECT count(*) FROM pgpredict.worker") == (2 if mode == "queue" else 1)
    connection.execute("UPDATE pgpredict.worker SET at = at - interval '2 days'")
    connection.execute("SELECT pgpredict.maintain('s')")
    assert one(connection, "SELECT count(*) FROM pgpredict.worker") == 0


def test_rows_that_failed_wait_too_until_they_are_dead(connection: Connection) -> None:
    connection.execute(RAISES)
    connection.execute("INSERT INTO payments VALUES (1, -1, 1, 'west'), (2, -2, 1, 'west')")
    drain(connection)
    assert see(connection, "depth, dead_letters, oldest_age > '0'") == (2, 0, True)
    connection.execute("UPDATE pgpredict.failure SET not_before = NULL WHERE key ->> 'id' = '1'")
    assert see(connection, "depth, dead_letters") == (1, 1)


@pytest.mark.parametrize("queue", ["s_queue", "s_wake"])
def test_streams_are_seen_whatever_became_of_their_parts(
    connection: Connection, queue: str
) -> None:
    kind = "TABLE" if queue == "s_queue" else "SEQUENCE"
    connection.execute("SELECT pgpredict.create_stream('other', 'risk', 'payments')")
    connection.execute(f"DROP {kind} pgpredict.{queue}")
    insert(connection, 1, 5)
    assert see(connection, "state") == "running"
    assert "other" in {s for (s,) in connection.execute("SELECT pgpredict.ready_streams()")}
    drain(connection, "other")
    connection.execute("SELECT pgpredict.drop_stream('s')")

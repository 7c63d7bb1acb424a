"""Pause and resume: rows wait, none is lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import pgpredict
from tests.sql.streams.asking import Connection, agrees, drain, live, one, waiting
from tests.sql.streams.meeting import waiting_for
from tests.sql.streams.versions import by_version, insert

pytestmark = pytest.mark.usefixtures("stream")


def pause(connection: Connection) -> bool:
    return bool(one(connection, "SELECT pgpredict.pause_stream('s')"))


def resume(connection: Connection) -> bool:
    return bool(one(connection, "SELECT pgpredict.resume_stream('s')"))


def test_rows_wait_while_a_stream_is_paused(connection: Connection, mode: str) -> None:
    insert(connection, 1, 5)
    drain(connection)
    assert pause(connection)
    assert not pause(connection)
    insert(connection, 6, 10)
    connection.execute("UPDATE payments SET amount = 77 WHERE id = 1")
    connection.execute("DELETE FROM payments WHERE id = 2")
    connection.execute("UPDATE payments SET id = 30 WHERE id = 3")
    assert drain(connection) == 0
    assert one(connection, "SELECT count(*) FROM pgpredict.ready_streams()") == 0
    assert connection.execute("SELECT state, depth FROM pgpredict.streams").fetchall() == [
        ("paused", 9)
    ]
    assert live(connection) == [(1,), (2,), (3,), (4,), (5,)]

    assert resume(connection)
    assert not resume(connection)
    if mode == "transaction":  # at once: there need not be a worker
        assert agrees(connection) == 9
    else:
        assert drain(connection) == 9
    assert agrees(connection) == 9
    assert connection.execute("SELECT state, depth FROM pgpredict.streams").fetchall() == [
        ("running", 0)
    ]
    insert(connection, 11, 12)
    drain(connection)
    assert agrees(connection) == 11


def test_who_paused_a_stream_is_recorded(connection: Connection) -> None:
    pause(connection)
    pause(connection)
    resume(connection)
    assert connection.execute(
        "SELECT what, detail ->> 'stream' FROM pgpredict.events WHERE detail ? 'stream' ORDER BY at"
    ).fetchall() == [("create_stream", "s"), ("pause_stream", "s"), ("resume_stream", "s")]


def test_writers_who_are_at_it_when_somebody_resumes(
    connection: Connection, another: Callable[[], Connection], mode: str
) -> None:
    """Their triggers leave the rows in the queue; in the mode `transaction` he waits for them."""
    writer = another()
    pause(connection)
    writer.execute("BEGIN")
    insert(writer, 1, 10)
    if mode == "queue":
        assert resume(connection)
        writer.execute("COMMIT")
        assert drain(connection) == 10
    else:
        with waiting_for(writer, connection, lambda: resume(connection)):
            insert(writer, 11, 20)
    assert waiting(connection) == 0
    assert agrees(connection) == (10 if mode == "queue" else 20)


def test_writers_who_take_too_long_for_whoever_pauses_or_resumes(
    connection: Connection, another: Callable[[], Connection], mode: str
) -> None:
    """Their rows are predicted by the worker, whatever the mode, at the latest."""
    connection.execute(
        "ALTER FUNCTION pgpredict.put_stream_triggers(text) SET lock_timeout = '50ms'"
    )
    told: list[str] = []
    connection.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
    before, during = another(), another()
    with before.transaction():
        insert(before, 1, 10)
        with during.transaction():
            assert pause(connection)
            insert(during, 11, 20)
            assert resume(connection)
            insert(during, 21, 30)
    insert(connection, 31, 40)
    assert len(told) == (1 if mode == "transaction" else 0)
    assert all("writing to public.payments now wait for a worker" in line for line in told)
    drain(connection)
    assert agrees(connection) == 40
    assert waiting(connection) == 0


def test_a_promotion_while_a_stream_is_paused(
    db: pgpredict.Database, connection: Connection
) -> None:
    insert(connection, 1, 5)
    drain(connection)
    pause(connection)
    insert(connection, 6, 10)
    db.promote("risk", 2)
    insert(connection, 11, 15)
    assert len(live(connection)) == 5
    resume(connection)
    drain(connection)
    assert by_version(connection) == {1: 5, 2: 10}


def test_a_backfill_waits_too(connection: Connection) -> None:
    insert(connection, 1, 5)
    pause(connection)
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    assert drain(connection) == 0
    assert one(connection, "SELECT backfill FROM pgpredict.streams") == "running"
    resume(connection)
    drain(connection)
    assert one(connection, "SELECT backfill FROM pgpredict.streams") == "finished"
    assert one(connection, "SELECT count(*) FROM predict.s_log") == 10

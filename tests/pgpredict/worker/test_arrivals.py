"""Rows that come are predicted: whoever wrote them, whichever stream they are for."""

from __future__ import annotations

import signal
from collections.abc import Callable

import psycopg

from tests.pgpredict.worker.conftest import Shop
from tests.pgpredict.worker.processes import Process, until
from tests.pgpredict.worker.shops import arrive, predicted, predictions_per_row, waiting, wrong

Start = Callable[..., Process]
NewStream = Callable[..., str]


def test_what_waited_and_what_comes_is_predicted_as_the_model_says(
    shop: Shop, new_stream: NewStream, start: Start
) -> None:
    new_stream(backfill=True)
    arrive(shop, 30)
    worker = start()
    until(lambda: predicted(shop) == 230)

    arrive(shop, 20)
    shop.execute("UPDATE customers SET tenure = tenure + 30 WHERE id <= 10")
    shop.execute("DELETE FROM customers WHERE id BETWEEN 101 AND 105")
    until(lambda: predicted(shop) == 245 and waiting(shop) == 0)

    assert wrong(shop) == 0
    assert worker.stop() == 0
    told = sum(event["rows"] for event in worker.events if event["event"] == "worked")
    assert told == worker.events[-1]["rows"] >= 265


def test_a_notification_wakes_it(shop: Shop, new_stream: NewStream, start: Start) -> None:
    new_stream()
    worker = start("--poll", 3_600)
    assert worker.event("connected")["listening"]

    arrive(shop, 1)

    until(lambda: predicted(shop) == 1)


def test_a_row_whose_notification_was_swallowed_is_found_soon(
    shop: Shop, dsn: str, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    start("--poll", 3_600).event("connected")
    with psycopg.connect(dsn) as late:
        arrive(shop, 1)
        # Too soon after that one for a notification of its own.
        late.execute("INSERT INTO customers VALUES (1000, 1, 1)")
        until(lambda: predicted(shop) == 1)
        late.commit()

    until(lambda: predicted(shop) == 2)


def test_a_stream_that_is_created_while_it_runs_is_picked_up_and_a_dropped_one_forgotten(
    shop: Shop, new_stream: NewStream, start: Start
) -> None:
    worker = start()
    assert worker.event("connected")["streams"] == []

    new_stream("s")
    arrive(shop, 5)
    worker.event("stream_added", stream="s")
    until(lambda: predicted(shop) == 5)
    shop.execute("SELECT pgpredict.drop_stream('s')")
    worker.event("stream_dropped", stream="s")
    new_stream("s", backfill=True)

    until(lambda: predicted(shop) == 205)
    assert worker.stop() == 0
    assert "failing" not in worker.names


def test_it_leaves_streams_alone_that_are_not_named(
    shop: Shop, new_stream: NewStream, start: Start
) -> None:
    new_stream("ours")
    new_stream("theirs")
    arrive(shop, 5)
    worker = start("ours")

    until(lambda: predicted(shop, "ours") == 5)

    worker.stop()
    assert worker.events[-1]["rows"] == 5
    assert waiting(shop, "theirs") == 5


def test_a_paused_stream_waits_until_it_is_resumed(
    shop: Shop, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    worker = start()
    worker.event("connected")

    shop.execute("SELECT pgpredict.pause_stream('s')")
    worker.event("paused", stream="s")
    arrive(shop, 5)
    assert waiting(shop) == 5
    shop.execute("SELECT pgpredict.resume_stream('s')")

    until(lambda: predicted(shop) == 5)
    worker.event("resumed", stream="s")


def test_a_busy_stream_keeps_no_other_waiting(
    shop: Shop, new_stream: NewStream, start: Start
) -> None:
    new_stream("a_busy")
    arrive(shop, 5_000)
    new_stream("b_small")
    arrive(shop, 1)
    start("--batch", 5)

    until(lambda: predicted(shop, "b_small") == 1)

    assert waiting(shop, "a_busy") > 2_500


def test_two_workers_share_the_work_and_do_no_row_twice(
    shop: Shop, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    workers = [start("--batch", 50) for _ in range(2)]
    for worker in workers:
        worker.event("connected")
    arrive(shop, 5_000)

    until(lambda: waiting(shop) == 0)

    assert [worker.stop() for worker in workers] == [0, 0]
    assert sum(worker.events[-1]["rows"] for worker in workers) == 5_000
    assert predictions_per_row(shop) == {1}


def test_what_a_killed_worker_had_in_hand_the_next_one_does(
    shop: Shop, dsn: str, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    with psycopg.connect(dsn) as other:
        other.execute("LOCK TABLE predict.s_live IN SHARE MODE")
        arrive(shop, 50)
        killed = start()
        until(lambda: _waits_for_a_lock(shop))
        killed.send(signal.SIGKILL)
        assert killed.end() == -signal.SIGKILL
        # A backend that waits for a lock does not notice that its client is gone.
        shop.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database()"
        )

    start()

    until(lambda: predicted(shop) == 50)
    assert predictions_per_row(shop) == {1}


def _waits_for_a_lock(shop: Shop) -> bool:
    return bool(
        shop.execute(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            "AND datname = current_database()"
        ).fetchone()
    )

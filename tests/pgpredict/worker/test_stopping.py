"""How a worker ends: after the batch in hand, or at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from pgpredict.worker import Worker
from tests.pgpredict.worker.conftest import Shop
from tests.pgpredict.worker.processes import Process, until
from tests.pgpredict.worker.shops import arrive, predicted, waiting

Start = Callable[..., Process]
NewStream = Callable[..., str]


@contextmanager
def busy(shop: Shop, dsn: str) -> Iterator[psycopg.Connection]:
    """Whoever predicts now waits, until the block ends."""
    with psycopg.connect(dsn) as other:
        other.execute("LOCK TABLE predict.s_live IN SHARE MODE")
        yield other


def has_a_batch_in_hand(shop: Shop) -> bool:
    query = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'predict.s_live'::regclass"
    )
    row = shop.execute(query).fetchone()
    return row is not None and row[0] > 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_it_finish_the_batch_in_hand(
    number: signal.Signals, shop: Shop, dsn: str, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    arrive(shop, 30)
    with busy(shop, dsn):
        worker = start("--batch", 20)
        until(lambda: has_a_batch_in_hand(shop))

        worker.send(number)

        worker.event("stopping", reason=number.name)  # while it still waits for the lock
    assert worker.end() == 0
    assert worker.events[-1]["event"] == "stopped"
    assert worker.events[-1]["rows"] == predicted(shop) == 20
    assert waiting(shop) == 10


def test_a_second_signal_undoes_it(
    shop: Shop, dsn: str, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    arrive(shop, 30)
    with busy(shop, dsn):
        worker = start()
        until(lambda: has_a_batch_in_hand(shop))
        worker.send(signal.SIGTERM)
        worker.event("stopping")

        worker.send(signal.SIGTERM)

        assert worker.end() == 130
        assert waiting(shop) == 30
    assert predicted(shop) == 0


def test_one_that_waits_stops_at_once(new_stream: NewStream, start: Start) -> None:
    new_stream()
    worker = start("--poll", 3_600)
    worker.event("connected")

    assert worker.stop() == 0


def test_one_without_a_server_stops_too(dsn: str, shop: Shop, start: Start) -> None:
    worker = start()
    worker.event("connected")
    with forbidden(shop):
        worker.event("reconnecting")

        assert worker.stop() == 0


@contextmanager
def forbidden(shop: Shop) -> Iterator[None]:
    """Nobody else may connect, and who is connected is sent away."""
    name = shop.info.dbname
    shop.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0'.encode())
    shop.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    try:
        yield
    finally:
        shop.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1'.encode())


def test_a_thread_of_another_program_can_run_one_and_stop_it(
    shop: Shop, dsn: str, new_stream: NewStream
) -> None:
    new_stream()
    arrive(shop, 5)
    worker = Worker(dsn)
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(worker.run()))
    thread.start()
    until(lambda: predicted(shop) == 5)

    worker.stop()

    thread.join(30)
    assert done == [5]


def test_once_does_what_waits_and_ends(shop: Shop, dsn: str, new_stream: NewStream) -> None:
    new_stream("a", backfill=True)
    new_stream("b")
    arrive(shop, 50)

    assert Worker(dsn, once=True, batch=30).run() >= 250 + 50

    assert (predicted(shop, "a"), predicted(shop, "b")) == (250, 50)
    assert Worker(dsn, once=True).run() == 0

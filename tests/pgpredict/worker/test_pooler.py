"""Behind a pooler in transaction mode, which takes a LISTEN and loses the notifications."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.pgpredict.worker.conftest import Shop
from tests.pgpredict.worker.pooler import PROGRAM, pooler
from tests.pgpredict.worker.processes import Process, until
from tests.pgpredict.worker.shops import arrive, predicted, predictions_per_row, wrong

Start = Callable[..., Process]
NewStream = Callable[..., str]

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="pgbouncer is not installed (on Debian: apt-get install pgbouncer)"
)


@pytest.fixture
def through(dsn: str) -> Iterator[str]:
    with pooler(dsn) as through:
        yield through


def test_it_finds_out_that_notifications_are_lost_and_polls(
    shop: Shop, through: str, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    worker = start("--poll", 3_600, dsn=through)

    assert not worker.event("connected")["listening"]
    assert worker.event("polling")["poll_seconds"] == 0.1
    arrive(shop, 5)

    until(lambda: predicted(shop) == 5)
    assert worker.stop() == 0
    assert worker.names.count("polling") == 1


def test_workers_share_its_connections(
    shop: Shop, through: str, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    workers = [start("--batch", 20, dsn=through) for _ in range(3)]
    for worker in workers:
        worker.event("connected")

    for _ in range(5):
        arrive(shop, 100)

    until(lambda: predicted(shop) == 500)
    assert [worker.stop() for worker in workers] == [0, 0, 0]
    assert sum(worker.events[-1]["rows"] for worker in workers) == 500
    assert wrong(shop) == 0
    assert predictions_per_row(shop) == {1}


def test_a_pooler_that_restarts_is_a_lost_connection(
    shop: Shop, dsn: str, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    with pooler(dsn) as through:
        worker = start(dsn=through)
        worker.event("connected")
    worker.event("reconnecting")

    assert worker.stop() == 0

"""Learners in `pgpredict worker`: woken by writers, killed at any moment, each row learnt once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import Semaphore

import numpy as np
import pytest

import pgpredict
from tests.pgpredict.worker.processes import Process, until
from tests.sql.learners.asking import Connection, batches, drain, learnt, one, parameters
from tests.sql.learners.payments import create, estimator, insert, label, rows

pytestmark = pytest.mark.usefixtures("fraud")

ROWS = 3000
# Rows come as kills do, so that each finds somebody at work.
PORTION = 300
# Of the worker's process, or of its backend: a process takes a second to stand again.
KILLS = (False, True, False, False, True, False, False, False)
QUICK = ("--batch", 17, "--poll", 0.05)


@pytest.fixture
def start(installed_dsn: str) -> Iterator[Callable[..., Process]]:
    """Starts workers; they are killed when the test ends."""
    with ExitStack() as until_the_end:
        yield lambda *options: until_the_end.enter_context(
            Process("--dsn", installed_dsn, *options)
        )


def test_rows_are_learnt_as_they_come(
    db: pgpredict.Database, connection: Connection, start: Callable[..., Process]
) -> None:
    worker = start("--poll", 60)
    assert worker.event("connected")["streams"] == ["fraud"]
    insert(connection, 1, 20)
    until(lambda: db.learner("fraud").rows == 20)
    insert(connection, 21, 40, labelled=False)
    label(connection, 21, 30)
    until(lambda: db.learner("fraud").rows == 30)
    assert worker.stop() == 0


def test_rows_in_quarantine_are_told(connection: Connection, start: Callable[..., Process]) -> None:
    worker = start("--poll", 0.05)
    worker.event("connected")
    connection.execute("INSERT INTO payments (id, amount, is_fraud) VALUES (1, NULL, true)")
    told = worker.event("quarantined", stream="fraud")
    assert (told["new"], told["quarantined"]) == (1, 1)
    assert worker.stop() == 0


def test_once_ends_when_nothing_waits(
    db: pgpredict.Database, connection: Connection, start: Callable[..., Process]
) -> None:
    create(db, "paused")
    db.pause_learner("paused")
    insert(connection, 1, 250)
    worker = start("--once", "--batch", 100)
    assert worker.end() == 0
    assert [len(keys) for keys in batches(connection)] == [100, 100, 50]
    assert db.learner("paused").depth == 250


def test_a_learner_that_is_created_and_dropped_while_a_worker_runs(
    db: pgpredict.Database, connection: Connection, start: Callable[..., Process]
) -> None:
    worker = start("--poll", 0.05)
    worker.event("connected")
    create(db, "second")
    insert(connection, 1, 10)
    until(lambda: db.learner("second").rows == 10)
    db.drop_learner("second")
    insert(connection, 11, 20)
    until(lambda: db.learner("fraud").rows == 20)
    assert worker.stop() == 0


def has_learnt_more(db: pgpredict.Database, rows_before: int) -> bool:
    return db.learner("fraud").rows > rows_before


def terminate_its_backend(connection: Connection) -> None:
    connection.execute(
        "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity AS a"
        " WHERE a.datname = current_database() AND a.query LIKE '%pgpredict.work(%'"
        "   AND a.pid <> pg_backend_pid()"
    )


def test_kills_while_rows_come(
    db: pgpredict.Database,
    connection: Connection,
    another: Callable[[], Connection],
    start: Callable[..., Process],
) -> None:
    """The state equals that of an undisturbed run over the same batches, bit for bit.

    `make faults` is the long one: 100 kills, those of the server too.
    """
    may_write = Semaphore(2)

    def write(to: Connection) -> None:
        for first in range(1, ROWS, 30):
            if first % PORTION == 1:
                may_write.acquire()
            insert(to, first, first + 29, labelled=first % 60 == 1)
            label(to, first, first + 29)

    with ThreadPoolExecutor() as pool, ExitStack() as whatever_happens:
        whatever_happens.callback(may_write.release, ROWS)
        writing = pool.submit(write, another())
        worker = start(*QUICK)
        for by_signal in KILLS:
            before = db.learner("fraud").rows
            may_write.release()
            until(partial(has_learnt_more, db, before))
            if by_signal:
                worker.send(signal.SIGKILL)
                worker.end()
                worker = start(*QUICK)
            else:
                terminate_its_backend(connection)
        worker.send(signal.SIGKILL)
        worker.end()
        writing.result()
    drain(connection, 170)
    assert sorted(learnt(connection)) == [*range(1, ROWS + 1)]
    assert one(connection, "SELECT count(*) FROM pgpredict.quarantine") == 0
    model = estimator()
    X, y = rows(1, ROWS)
    for keys in batches(connection):
        places = np.array(keys) - 1
        model.partial_fit(X.iloc[places], y[places], classes=[False, True])
    exported = db.export_learner("fraud")
    assert (exported.coef_ == model.coef_).all()
    assert exported.intercept_ == model.intercept_
    assert np.isfinite(parameters(connection)).all()

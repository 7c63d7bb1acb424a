"""Learners that scikit-learn teaches in `pgpredict worker`: killed at any moment, of any state."""

from __future__ import annotations

import io
import random
import signal
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial

import psycopg
import pytest
import sklearn
from sklearn.neural_network import MLPClassifier

import pgpredict
from pgpredict.errors import UnreadableModel
from tests.pgpredict.worker.processes import Process, until
from tests.sql.learners.asking import Connection, learnt, one
from tests.sql.learners.outside import (
    assert_knows_its_batches,
    assert_same_numbers,
    create_outside,
    drain_outside,
    taught,
)
from tests.sql.learners.payments import create, insert, label
from tests.sql.streams.roles import some_roles

KILLS, ROWS = 4, 600
NETWORK = MLPClassifier((4,), learning_rate_init=0.01)


@pytest.fixture
def start(installed_dsn: str) -> Iterator[Callable[..., Process]]:
    """Starts workers; they are killed when the test ends."""
    with ExitStack() as until_the_end:
        yield lambda *options: until_the_end.enter_context(
            Process("--dsn", installed_dsn, *options)
        )


def has_learnt_more(db: pgpredict.Database, rows_before: int, writing: Future[None]) -> bool:
    return writing.done() or db.learner("pupil").rows > rows_before


def test_kills_while_rows_come(
    db: pgpredict.Database,
    connection: Connection,
    another: Callable[[], Connection],
    start: Callable[..., Process],
) -> None:
    """The state equals that of an undisturbed run over the same batches, bit for bit."""
    create_outside(db, NETWORK)
    chance = random.Random(3)

    def write(to: Connection) -> None:
        for first in range(1, ROWS, 30):
            insert(to, first, first + 29, labelled=first % 60 == 1)
            label(to, first, first + 29)

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write, another())
        for kill in range(KILLS):
            worker = start("--batch", 17, "--poll", 0.05)
            worker.event("connected")
            until(partial(has_learnt_more, db, db.learner("pupil").rows, writing))
            until(lambda: chance.random() < 0.2)
            if kill % 2:
                connection.execute(
                    "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity AS a"
                    " WHERE a.application_name = 'pgpredict worker'"
                    "   AND a.datname = current_database()"
                )
            worker.send(signal.SIGKILL)
            worker.end()
        writing.result()
    drain_outside(db, 170)
    assert sorted(learnt(connection, "pupil")) == [*range(1, ROWS + 1)]
    assert one(connection, "SELECT count(*) FROM pgpredict.quarantine") == 0
    assert_knows_its_batches(db, connection, NETWORK)


def test_both_kinds_in_one_worker(
    db: pgpredict.Database, connection: Connection, start: Callable[..., Process]
) -> None:
    create(db)
    create_outside(db, NETWORK)
    worker = start("--poll", 60)
    worker.event("connected")
    insert(connection, 1, 40)
    until(lambda: [db.learner(name).rows for name in ("fraud", "pupil")] == [40, 40])
    insert(connection, 41, 60)
    until(lambda: [db.learner(name).rows for name in ("fraud", "pupil")] == [60, 60])
    assert worker.stop() == 0
    assert_knows_its_batches(db, connection, NETWORK)


def test_another_worker_taught_it_meanwhile(
    db: pgpredict.Database, connection: Connection, start: Callable[..., Process]
) -> None:
    """What a worker remembers of a learner counts for that very state alone."""
    create_outside(db, NETWORK)
    worker = start("--poll", 60)
    worker.event("connected")
    insert(connection, 1, 20)
    until(lambda: db.learner("pupil").rows == 20)
    db.pause_learner("pupil")
    insert(connection, 21, 40)
    with connection.transaction(force_rollback=True):
        undone = pgpredict.connect(connection)
        undone.resume_learner("pupil")
        assert undone.learn("pupil") == 20
    db.resume_learner("pupil")
    until(lambda: db.learner("pupil").rows == 40)
    db.rollback_learner("pupil", 1)
    insert(connection, 41, 50)
    until(lambda: db.learner("pupil").rows == 30)
    assert worker.stop() == 0
    assert_same_numbers(
        taught(NETWORK, [[*range(1, 21)], [*range(41, 51)]]), db.export_learner("pupil")
    )


def of_release(content: bytes, release: str) -> bytes:
    """A model file as another release of scikit-learn would have written it."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "schema.json":
                assert sklearn.__version__.encode() in text
                text = text.replace(sklearn.__version__.encode(), release.encode())
            new.writestr(name, text)
    return changed.getvalue()


def test_a_worker_that_cannot_read_the_state(
    db: pgpredict.Database, connection: Connection, start: Callable[..., Process]
) -> None:
    create_outside(db, NETWORK)
    insert(connection, 1, 20)
    drain_outside(db)
    model = one(connection, "SELECT pgpredict.model_at('pupil', 1)")
    put = "UPDATE pgpredict.learner_state SET model = %s, at = clock_timestamp() WHERE state = 1"
    insert(connection, 21, 40)
    connection.execute(put, [b"no file of skops"])
    with pytest.raises(UnreadableModel, match="this Python cannot read the state of learner pupil"):
        db.learn("pupil")
    connection.execute(put, [of_release(model, "0.1.2")])
    worker = start("--poll", 0.05)
    told = worker.event("failing", stream="pupil")
    assert "was taught by scikit-learn 0.1.2" in told["error"]
    assert worker.stop() == 0
    assert (db.learner("pupil").depth, db.learner("pupil").rows) == (20, 20)
    db.import_learner("pupil", db.export_learner("pupil"))
    assert db.learn("pupil") == 20


def test_rights_of_a_worker(
    db: pgpredict.Database, connection: Connection, installed_dsn: str, admin_dsn: str
) -> None:
    create_outside(db, NETWORK)
    insert(connection, 1, 20)
    with some_roles(installed_dsn, admin_dsn) as roles:
        role = roles.make("worker")
        connection.execute(f"GRANT USAGE ON SCHEMA pgpredict TO {role}")
        connection.execute(f"GRANT SELECT ON pgpredict.schema_version TO {role}")
        worker = roles.connect(role)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            worker.execute("SELECT pgpredict.claim_batch('pupil', 10)")
        connection.execute(
            "GRANT EXECUTE ON FUNCTION pgpredict.claim_batch, pgpredict.taught_outside,"
            f" pgpredict.model_at, pgpredict.keep_batch, pgpredict.hold_batch TO {role}"
        )
        assert pgpredict.connect(worker).learn("pupil") == 20
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            worker.execute("SELECT pgpredict.pupil_claim(10)")
        analyst = roles.make("analyst")
        connection.execute(f"GRANT USAGE ON SCHEMA predict TO {analyst}")
        for call in ("pupil(1, 1)", "pupil_proba(1, 1)", "pupil_at(1, 1, 1)", "pupil_state()"):
            assert one(roles.connect(analyst), f"SELECT predict.{call}") is not None
    assert_knows_its_batches(db, connection, NETWORK)

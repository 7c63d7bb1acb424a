"""Drift of a learner: its errors are fed to river's ADWIN, each once, and what it finds is done."""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from river.drift import ADWIN
from sklearn.linear_model import SGDClassifier, SGDRegressor

import pgpredict
from pgpredict.database import detectors
from pgpredict.errors import InvalidLearner, PgpredictError, UnknownLearner
from pgpredict.worker import Worker
from pgpredict.worker.events import Event, Silence
from tests.sql.learners.asking import Connection, drain, insert_numbers, one, state
from tests.sql.learners.payments import create


@pytest.fixture
def steady(db: pgpredict.Database) -> None:
    """A learner that knows after a few hundred rows what they have in common."""
    create(db, estimator=SGDClassifier("log_loss", learning_rate="constant", eta0=0.01))


def come(connection: Connection, first: int, last: int, turned: bool = False) -> None:
    """Rows of which one in ten has the wrong label, or of which nine have."""
    draw = np.random.default_rng(first)
    X = np.round(draw.normal(size=(last - first + 1, 2)) * 3)
    y = (X.sum(axis=1) > 0) ^ (draw.random(len(X)) < 0.1) ^ turned
    insert_numbers(connection, first, X, y)


def found(db: pgpredict.Database) -> list[dict[str, Any]]:
    return [dict(e.detail) for e in db.events("fraud") if e.what == "drift_detected"]


@pytest.mark.usefixtures("steady")
def test_a_shift_is_found_and_nothing_where_there_is_none(
    db: pgpredict.Database, connection: Connection, another: Callable[[], Connection]
) -> None:
    listener = another()
    listener.execute("LISTEN pgpredict_fraud")
    come(connection, 1, 500)
    drain(connection, 100)
    assert db.set_learner_drift("fraud", "alert") is False
    come(connection, 501, 3500)
    drain(connection, 100)
    assert db.feed_drift("fraud") is None
    (watched,) = db.learner_drift("fraud")
    assert (watched.fed_rows, watched.behind, watched.found) == (3000, 0, 0)
    assert watched.width == 3000
    come(connection, 4001, 4300, turned=True)
    drain(connection, 20)
    assert db.feed_drift("fraud") == "alert"
    event = found(db)[0]
    assert 36 <= event["state"] <= 42  # the shift comes with state 36, of 20 rows each
    assert event["after"] > event["before"] + 0.05
    told = next(listener.notifies(timeout=5, stop_after=1))
    assert json.loads(told.payload) == event | {"event": "drift_detected"}
    assert db.learner("fraud").status == "learning"
    assert db.learner_drift()[0].found == len(found(db)) > 0


@pytest.mark.usefixtures("steady")
def test_the_detector_sees_what_adwin_sees_in_one_piece(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.set_learner_drift("fraud", "alert", delta=0.01)
    for first in range(1, 1200, 300):
        come(connection, first, first + 299)
        drain(connection, 70)
        db.feed_drift("fraud")
        db.feed_drift("fraud")
    wrong = connection.execute(
        "SELECT ((p > 0.5) <> (l = 1))::integer FROM pgpredict.learner_batch AS b,"
        " unnest(b.labels, b.predicted) WITH ORDINALITY AS r (l, p, i) ORDER BY b.state, i"
    ).fetchall()
    alone = ADWIN(delta=0.01)
    for (error,) in wrong:
        alone.update(error)
    (watched,) = db.learner_drift()
    assert len(wrong) == watched.fed_rows == 1200
    assert (watched.error, watched.width) == (alone.estimation, alone.width)


@pytest.mark.usefixtures("steady")
def test_a_learner_that_is_paused_by_drift_says_why(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.set_learner_drift("fraud", "pause")
    come(connection, 1, 1000)
    come(connection, 1001, 1300, turned=True)
    drain(connection, 50)
    assert db.feed_drift("fraud") == "pause"
    learner = db.learner("fraud")
    assert (learner.status, (learner.why or "")[:21]) == ("paused", "its errors grew from ")
    db.resume_learner("fraud")
    assert db.learner("fraud").why is None


@pytest.mark.usefixtures("steady")
def test_a_reset_goes_back_to_the_last_checkpoint_before_it(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.set_learner_drift("fraud", "reset")
    come(connection, 1, 1000)
    drain(connection, 100)
    kept = db.checkpoint("fraud")
    come(connection, 1001, 1300, turned=True)
    drain(connection, 50)
    db.checkpoint("fraud")
    assert db.feed_drift("fraud") == "reset"
    assert found(db)[0]["back_to"] == kept == 10
    last = db.learner_states("fraud")[0]
    assert (last.made_by, last.came_from, last.rows) == ("rolled back", 10, 1000)
    (watched,) = db.learner_drift()
    assert (watched.behind, watched.width, watched.fed_state) == (0, None, state(connection))
    come(connection, 2001, 2100)
    drain(connection)
    assert db.feed_drift("fraud") is None
    assert db.learner_drift()[0].width == 100


def test_the_errors_of_numbers_and_of_classes(
    db: pgpredict.Database, connection: Connection
) -> None:
    for kind, expected in [("number", [1.5, 0.5]), ("classes", [1, 0]), ("two classes", [1, 0])]:
        assert (
            one(connection, "SELECT pgpredict.errors_of(%s, '{1,1,1}', %s)",
                [kind, [2.5, None, 0.5] if kind == "number" else [0, None, 1]])
            == expected
        )  # fmt: skip
    db.create_learner(
        "size", SGDRegressor(), source="payments", target="amount", features=["hours"]
    )
    db.set_learner_drift("size", "alert")
    come(connection, 1, 50)
    drain(connection, learner="size")
    db.feed_drift("size")
    (watched,) = db.learner_drift("size")
    assert watched.error == pytest.approx(db.learner_states("size")[0].mae)


class Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.path),))


@pytest.mark.usefixtures("steady")
def test_a_pickle_that_is_no_detector_is_refused_and_runs_nothing(
    db: pgpredict.Database, connection: Connection, tmp_path: Path
) -> None:
    db.set_learner_drift("fraud", "alert")
    come(connection, 1, 100)
    drain(connection)
    assert detectors.read(detectors.write(ADWIN(delta=0.5))).delta == 0.5
    evil = tmp_path / "evil"
    for content, says in [
        (pickle.dumps(Evil(evil)), r"it names posix.mkdir|it names nt.mkdir"),
        (pickle.dumps([1, 2]), "it is list"),
        (pickle.dumps(ADWIN)[:-1] + b".", "it is type"),
        (b"no pickle", ""),
        (b"." * 200_000, "it has 200,000 bytes"),
    ]:
        connection.execute("UPDATE pgpredict.learner_detector SET detector = %s", [content])
        with pytest.raises(PgpredictError, match="no detector of drift that can be read") as error:
            db.feed_drift("fraud")
        assert says in str(error.value) or "|" in says
    assert not evil.exists()
    assert db.learner_drift()[0].fed_rows == 0
    assert db.set_learner_drift("fraud", "alert") is True


@pytest.mark.usefixtures("steady")
def test_what_cannot_be_watched_is_refused(db: pgpredict.Database) -> None:
    with pytest.raises(InvalidLearner, match="there is no action shout"):
        db.set_learner_drift("fraud", "shout")
    with pytest.raises(InvalidLearner, match="delta is 2: it is between 0 and 1"):
        db.set_learner_drift("fraud", "alert", delta=2)
    with pytest.raises(UnknownLearner):
        db.set_learner_drift("other", "alert")
    with pytest.raises(UnknownLearner):
        db.feed_drift("other")
    assert db.feed_drift("fraud") is None
    assert db.learner_drift("fraud") == []


class Told(Silence):
    """Keeps what a worker tells."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def tell(self, event: Event) -> None:
        self.events.append(event)

    def facts(self, name: str) -> dict[str, Any]:
        (event,) = [event for event in self.events if event.name == name]
        return dict(event.facts)


@pytest.mark.usefixtures("steady")
def test_the_worker_watches(
    db: pgpredict.Database, connection: Connection, installed_dsn: str
) -> None:
    db.set_learner_drift("fraud", "pause")
    come(connection, 1, 1000)
    come(connection, 1001, 1300, turned=True)
    told = Told()
    assert Worker(installed_dsn, batch=100, once=True, screen=told).run() == 1300
    assert told.facts("drifted") == {"learner": "fraud", "action": "pause"}
    assert db.learner("fraud").status == "paused"


@pytest.mark.usefixtures("steady")
def test_without_river_the_worker_says_so_and_learns_on(
    db: pgpredict.Database,
    connection: Connection,
    installed_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    db.set_learner_drift("fraud", "pause")
    come(connection, 1, 200)
    told = Told()
    with monkeypatch.context() as patched:
        patched.setitem(sys.modules, "river.drift", None)
        Worker(installed_dsn, batch=100, once=True, screen=told).run()
    assert told.facts("unwatched")["error"] == (
        "drift is found by river, which is not installed;"
        " pip install 'pgpredict[drift]' where pgpredict worker runs"
    )
    assert db.learner("fraud").rows == 200
    assert db.learner_drift()[0].behind == 2
    assert Worker(installed_dsn, once=True).run() == 0
    assert db.learner_drift()[0].fed_rows == 200

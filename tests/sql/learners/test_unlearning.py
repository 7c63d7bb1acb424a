"""Poisoned rows taken out again: the numbers of a model that never saw them, difference 0.0."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import pgpredict
from pgpredict.errors import InvalidLearner
from tests.sql.learners.asking import Connection, batches, drain, learn, one, parameters, state
from tests.sql.learners.payments import estimator, insert, label, rows

pytestmark = pytest.mark.usefixtures("fraud")


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


class Reader:
    """Asks for predictions over and over, and waits for no lock longer than a moment.

    Attributes:
        answers: when each was asked for, when it came, and what it was.
    """

    QUESTION = "SELECT predict.fraud_parameters(), predict.fraud_proba(1, 1), predict.fraud(1, 1)"

    def __init__(self, connection: Connection) -> None:
        connection.execute("SET lock_timeout = '20ms'")
        self._connection = connection
        self.answers: list[tuple[float, float, Any]] = []
        self.reading, self.done = threading.Event(), threading.Event()

    def read(self) -> None:
        while not self.done.is_set():
            asked = time.monotonic()
            answer = self._connection.execute(self.QUESTION).fetchone()
            self.answers.append((asked, time.monotonic(), answer))
            self.reading.set()


def test_poison_among_ten_thousand_rows_while_readers_predict(
    db: pgpredict.Database, connection: Connection, another: Callable[[], Connection]
) -> None:
    poisoned = set(range(2000, 7000, 50))
    insert(connection, 1, 10_000)
    connection.execute(
        "UPDATE payments SET amount = -50, is_fraud = true WHERE id = ANY (%s)", [sorted(poisoned)]
    )
    drain(connection, 200)
    with_poison = connection.execute(Reader.QUESTION).fetchone()
    readers = [Reader(another()), Reader(another())]
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(reader.read) for reader in readers]
        try:
            assert all(reader.reading.wait(30) for reader in readers)
            began = time.monotonic()
            assert db.unlearn("fraud", poisoned) == 100
            ended = time.monotonic()
        finally:
            for reader in readers:
                reader.done.set()
        for each in running:
            each.result()
    model = estimator()
    for first in range(1, 10_001, 200):
        X, y = rows(first, first + 199)
        clean = np.array([n not in poisoned for n in range(first, first + 200)])
        model.partial_fit(X[clean], y[clean], classes=[False, True])
    exported = db.export_learner("fraud")
    assert np.abs(exported.coef_ - model.coef_).max() == 0.0
    assert np.abs(exported.intercept_ - model.intercept_).max() == 0.0
    assert exported.t_ == model.t_
    assert db.learner("fraud").rows == 9900
    # Each reader went on meanwhile, with the state before or after, and nothing in between.
    without = connection.execute(Reader.QUESTION).fetchone()
    assert with_poison != without
    for reader in readers:
        assert all(answer in (with_poison, without) for *_, answer in reader.answers)
        assert reader.answers[0][2] == with_poison
        middle = (began + ended) / 2
        for start, end in ((began, middle), (middle, ended)):
            assert sum(start < asked and came < end for asked, came, _ in reader.answers) > 0


def test_batches_before_are_not_learnt_again(
    db: pgpredict.Database, connection: Connection
) -> None:
    insert(connection, 1, 50)
    drain(connection, 10)
    assert db.unlearn("fraud", [33, 34]) == 2
    made = [(s.state, s.came_from, s.made_by, s.rows) for s in db.learner_states("fraud", 4)]
    assert made == [
        (8, 7, "unlearnt", 48),
        (7, 6, "unlearnt", 38),
        (6, 3, "unlearnt", 30),
        (5, 4, "learnt", 50),
    ]
    assert batches(connection)[-2:] == [[31, 32, *range(35, 41)], [*range(41, 51)]]


def test_unlearning_again_and_learning_on(db: pgpredict.Database, connection: Connection) -> None:
    insert(connection, 1, 40)
    drain(connection, 10)
    db.unlearn("fraud", [15])
    insert(connection, 41, 50)
    drain(connection)
    db.rollback_learner("fraud", state(connection))
    assert db.unlearn("fraud", [5, 45]) == 2
    assert db.unlearn("fraud", [5, 15, 45]) == 0
    model = estimator()
    for first in range(1, 51, 10):
        X, y = rows(first, first + 9)
        clean = np.array([n not in (5, 15, 45) for n in range(first, first + 10)])
        model.partial_fit(X[clean], y[clean], classes=[False, True])
    assert (db.export_learner("fraud").coef_ == model.coef_).all()


def test_a_whole_batch(db: pgpredict.Database, connection: Connection) -> None:
    insert(connection, 1, 30)
    drain(connection, 10)
    assert db.unlearn("fraud", range(11, 21)) == 10
    model = estimator()
    for first in (1, 21):
        model.partial_fit(*rows(first, first + 9), classes=[False, True])
    assert (db.export_learner("fraud").coef_ == model.coef_).all()


def test_everything(db: pgpredict.Database, connection: Connection) -> None:
    insert(connection, 1, 30)
    drain(connection, 10)
    assert db.unlearn("fraud", range(1, 31)) == 30
    assert parameters(connection).tolist() == one(connection, "SELECT predict.fraud_parameters(0)")


def test_rows_that_were_not_learnt(db: pgpredict.Database, connection: Connection) -> None:
    insert(connection, 1, 10)
    drain(connection)
    insert(connection, 11, 20)
    assert db.unlearn("fraud", [15, 99]) == 0
    assert db.unlearn("fraud", []) == 0
    assert state(connection) == 1


@pytest.mark.parametrize("spelling", ["7", " 7", "007"])
def test_spelling_of_a_key(connection: Connection, spelling: str) -> None:
    insert(connection, 1, 10)
    drain(connection)
    assert one(connection, "SELECT pgpredict.unlearn('fraud', ARRAY[%s])", [spelling]) == 1


@pytest.mark.parametrize(
    ("kind", "learnt", "named"),
    [
        ("numeric(10, 2)", "1", "1"),
        ("numeric", "1.00", "1"),
        ("float8", "-0", "0"),
        ("interval", "24:00", "1 day"),
    ],
)
def test_keys_that_are_equal_and_written_otherwise(
    db: pgpredict.Database, connection: Connection, kind: str, learnt: str, named: str
) -> None:
    connection.execute(
        f"CREATE TABLE visits (nr {kind}, n integer, x float8, y boolean, UNIQUE (nr, n));"
        f"ALTER TABLE visits ALTER nr SET NOT NULL, ALTER n SET NOT NULL;"
        f"CREATE TABLE calls (nr {kind} PRIMARY KEY, x float8, y boolean)".encode()
    )
    for source, key in (("visits", ["nr", "n"]), ("calls", ["nr"])):
        db.create_learner(
            *(source, estimator()),
            source=source,
            key=key,
            features=["x"],
            target="y",
            classes=[False, True],
        )
    connection.execute("INSERT INTO visits VALUES (%s, 1, 1, true)", [learnt])
    connection.execute("INSERT INTO calls VALUES (%s, 1, true)", [learnt])
    for source in ("visits", "calls"):
        drain(connection, learner=source)
    assert db.unlearn("visits", [{"nr": named, "n": 1}]) == 1
    assert db.unlearn("calls", [named]) == 1
    assert (db.learner("visits").rows, db.learner("calls").rows) == (0, 0)


@pytest.mark.parametrize("keys", [["seven"], [None], [7, None]])
def test_what_is_no_key(db: pgpredict.Database, connection: Connection, keys: list[Any]) -> None:
    insert(connection, 1, 10)
    drain(connection)
    with pytest.raises(InvalidLearner, match="these are no keys of learner fraud"):
        db.unlearn("fraud", keys)
    assert state(connection) == 1


@pytest.mark.parametrize("keys", ["10", 10, {"id": 10}])
def test_a_key_that_is_no_list_of_keys(
    db: pgpredict.Database, connection: Connection, keys: Any
) -> None:
    insert(connection, 1, 10)
    drain(connection)
    with pytest.raises(InvalidLearner, match="are not several keys"):
        db.unlearn("fraud", keys)
    assert state(connection) == 1


def test_a_key_of_several_columns(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE visits (shop text, day date, n float8, y boolean, PRIMARY KEY (shop, day))"
    )
    db.create_learner(
        "visit", estimator(), source="visits", features=["n"], target="y", classes=[False, True]
    )
    connection.execute("INSERT INTO visits VALUES ('a', '2026-01-01', 1, true)")
    connection.execute("INSERT INTO visits VALUES ('b', '2026-01-01', 2, false)")
    drain(connection, learner="visit")
    assert db.unlearn("visit", [{"day": "2026-1-1", "shop": "a"}]) == 1
    assert one(connection, "SELECT keys FROM pgpredict.learner_batch ORDER BY state DESC") == [
        '{"day": "2026-01-01", "shop": "b"}'
    ]
    for key in ("a", {"shop": "b"}, {"shop": "b", "day": None}):
        with pytest.raises(InvalidLearner, match="no keys of learner visit"):
            db.unlearn("visit", [key])


def test_a_learner_that_learns_meanwhile(
    db: pgpredict.Database, connection: Connection, another: Callable[[], Connection]
) -> None:
    """The batch waits for the unlearning, and comes on top of it."""
    insert(connection, 1, 30)
    drain(connection, 10)
    insert(connection, 31, 40, labelled=False)
    slow = another()
    with slow.transaction(), ThreadPoolExecutor() as pool:
        slow.execute("SELECT pgpredict.unlearn('fraud', '{5}')")
        label(connection, 31, 40)
        learning = pool.submit(learn, connection)
        slow.execute("SELECT pg_sleep(0.1)")
        assert not learning.done()
        slow.execute("COMMIT; BEGIN")
        assert learning.result() == 10
    model = estimator()
    for first in range(1, 41, 10):
        X, y = rows(first, first + 9)
        clean = np.array([n != 5 for n in range(first, first + 10)])
        model.partial_fit(X[clean], y[clean], classes=[False, True])
    assert (db.export_learner("fraud").coef_ == model.coef_).all()

"""MiniBatchKMeans in the database is scikit-learn's, as long as no center moves at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest
from sklearn.base import clone
from sklearn.cluster import MiniBatchKMeans

from pgpredict_transpiler.errors import InvalidLearner, UnsupportedEstimator
from pgpredict_transpiler.learning.registry import learning_program
from tests.transpiler.learning.answering import assert_never_raises, frame, names
from tests.transpiler.learning.bench import Floats, Learner, taught

UNEVEN = (10, 7, 1000, 300, 11, 4096, 800, 3000, 5000, 5776)
SMALL = (20, 8, 9, 100, 17, 146)


def rows(count: int, features: int, blobs: int) -> Floats:
    random = np.random.default_rng(0)
    centers = random.normal(size=(blobs, features)) * 3.0
    return centers[random.integers(0, blobs, size=count)] + random.normal(size=(count, features))


def starting_at(centers: Floats) -> MiniBatchKMeans:
    return MiniBatchKMeans(len(centers), init=centers, n_init=1, reassignment_ratio=0)


def assert_same(learnt: Any, oracle: Any) -> None:
    assert np.array_equal(learnt._counts, oracle._counts)
    assert learnt.n_steps_ == oracle.n_steps_
    given, wanted = learnt.cluster_centers_, oracle.cluster_centers_
    assert (np.abs(given - wanted) <= 1e-12 * np.abs(wanted)).all()


@pytest.mark.parametrize(("features", "clusters"), [(1, 3), (4, 1), (4, 5), (90, 5), (3, 150)])
def test_shapes(connection: psycopg.Connection, features: int, clusters: int) -> None:
    X = rows(300 if clusters < 100 else 900, features, 6)
    sizes = SMALL if clusters < 100 else (300, 200, 400)
    estimator = starting_at(X[:clusters] + 0.1)
    learner = Learner(connection, learning_program(estimator, names(X)))
    parameters = learner.after(X, np.zeros(len(X)), sizes)
    oracle = taught(clone(estimator), frame(X), np.zeros(len(X)), sizes)
    assert_same(learner.program.export(parameters), oracle)
    assert learner.answers("prediction", parameters, X) == oracle.predict(frame(X)).tolist()


def test_twenty_thousand_rows_in_uneven_batches(connection: psycopg.Connection) -> None:
    X = rows(20_000, 20, 8)
    estimator = starting_at(X[:8])
    learner = Learner(connection, learning_program(estimator, names(X)))
    learnt = learner.learn(X, np.zeros(len(X)), UNEVEN)
    assert_same(learnt, taught(clone(estimator), frame(X), np.zeros(len(X)), UNEVEN))


def test_goes_on_from_a_fitted_estimator_and_back(connection: psycopg.Connection) -> None:
    X = rows(300, 4, 5)
    options = {"n_init": 1, "reassignment_ratio": 0, "random_state": 0}
    fitted = MiniBatchKMeans(5, **options).fit(frame(X[:100]))
    learner = Learner(connection, learning_program(fitted, names(X)))
    exported = learner.learn(X[100:200], np.zeros(100), [100]).partial_fit(frame(X[200:]))
    assert_same(exported, fitted.partial_fit(frame(X[100:200])).partial_fit(frame(X[200:])))


def test_a_batch_smaller_than_the_number_of_centers(connection: psycopg.Connection) -> None:
    learner = Learner(connection, learning_program(starting_at(np.eye(3)), ["a", "b", "c"]))
    learnt = learner.learn(np.array([[0.9, 0.0, 0.0]]), np.zeros(1), [1])
    assert learnt.cluster_centers_.tolist() == [[0.9, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]


def test_no_row_makes_an_answer_raise(connection: psycopg.Connection) -> None:
    X = rows(100, 2, 3)
    learner = Learner(connection, learning_program(starting_at(X[:3]), names(X)))
    usual = learner.after(X, np.zeros(100), [100])
    thin = learning_program(starting_at(X[:3] * [1e-200, 1e150]), names(X)).initial
    assert_never_raises(learner, usual, thin)


def test_centers_too_small_to_be_squared(connection: psycopg.Connection) -> None:
    X = rows(100, 3, 3) * 1e-200
    learner = Learner(connection, learning_program(starting_at(X[:3]), names(X)))
    learnt = learner.learn(X, np.zeros(100), [50, 50])
    oracle = taught(starting_at(X[:3]), frame(X), np.zeros(100), [50, 50])
    assert_same(learnt, oracle)


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (MiniBatchKMeans(2), "moves centers to rows drawn at random"),
        (MiniBatchKMeans(2, reassignment_ratio=0), "draws its first centers from the rows"),
        (MiniBatchKMeans(0, reassignment_ratio=0), "'n_clusters' parameter"),
    ],
    ids=repr,
)
def test_options_that_are_refused(estimator: Any, reason: str) -> None:
    with pytest.raises(UnsupportedEstimator, match=reason):
        learning_program(estimator, ["a", "b"])


def test_centers_of_another_shape_are_refused() -> None:
    with pytest.raises(InvalidLearner, match="shape"):
        learning_program(starting_at(np.zeros((2, 3))), ["a", "b"])

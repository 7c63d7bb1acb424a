"""Spark's streaming algorithms in the database are those of `streaming`, and do what Spark says."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest
from sklearn.base import clone

from pgpredict_transpiler import (
    StreamingKMeans,
    StreamingLinearRegressionWithSGD,
)
from pgpredict_transpiler.errors import UnsupportedEstimator
from pgpredict_transpiler.learning.registry import learning_program
from tests.transpiler.learning.answering import assert_never_raises, frame, names
from tests.transpiler.learning.bench import Floats, Learner, taught

UNEVEN = (10, 7, 1000, 300, 11, 4096, 800, 3000, 5000, 5776)
SMALL = (20, 8, 9, 100, 17, 146)
ATTRIBUTES = ("cluster_centers_", "cluster_weights_", "coef_")


def rows(count: int, features: int, blobs: int = 6) -> Floats:
    random = np.random.default_rng(0)
    centers = random.normal(size=(blobs, features)) * 3.0
    return centers[random.integers(0, blobs, size=count)] + random.normal(size=(count, features))


def assert_same(learnt: Any, oracle: Any) -> None:
    found = [name for name in ATTRIBUTES if hasattr(oracle, name)]
    assert found
    for name in found:
        given, wanted = getattr(learnt, name), getattr(oracle, name)
        assert (np.abs(given - wanted) <= 1e-12 * np.abs(wanted)).all(), name


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"decay_factor": 0.0},
        {"decay_factor": 0.7, "initial_weight": [1.0, 0.0, 5.0, 100.0]},
        {"half_life": 3.0},
        {"half_life": 40.0, "time_unit": "points", "initial_weight": 2.0},
        {"half_life": 0.01, "time_unit": "points"},
        {"random_state": 0, "init": "random"},
    ],
    ids=str,
)
@pytest.mark.parametrize("features", [1, 4])
def test_configurations_of_kmeans(
    connection: psycopg.Connection, options: dict[str, Any], features: int
) -> None:
    X = rows(300, features)
    estimator = StreamingKMeans(4, **{"init": X[:4] + 0.1, **options})
    learner = Learner(connection, learning_program(estimator, names(X)))
    parameters = learner.after(X, np.zeros(len(X)), SMALL)
    oracle = taught(clone(estimator), frame(X), np.zeros(len(X)), SMALL)
    assert_same(learner.program.export(parameters), oracle)
    given, wanted = learner.answers("prediction", parameters, X), oracle.predict(frame(X))
    assert given == wanted.tolist()


def test_forgetting() -> None:
    """Spark's rule: c' = (c * n * a + x * m) / (n * a + m), and n' = n * a + m."""
    model = StreamingKMeans(1, half_life=2, init=[[1.0]], initial_weight=8.0)
    model.partial_fit([[3.0]]).partial_fit([[5.0]])
    half = 0.5**0.5
    first = (1.0 * 8.0 * half + 3.0) / (8.0 * half + 1.0)
    weight = (8.0 * half + 1.0) * half + 1.0
    assert model.cluster_weights_ == pytest.approx([weight])
    assert model.cluster_centers_[0] == pytest.approx([(first * (weight - 1.0) + 5.0) / weight])


def test_a_dying_cluster_takes_half_of_the_largest() -> None:
    model = StreamingKMeans(2, init=[[0.0], [100.0]])
    model.partial_fit([[1.0], [3.0]])
    assert model.cluster_weights_.tolist() == [1.0, 1.0]
    assert model.cluster_centers_.ravel() == pytest.approx([2.0, 2.0], rel=1e-13)
    assert model.cluster_centers_[0, 0] > model.cluster_centers_[1, 0]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"step_size": 0.02, "n_iterations": 3, "initial_weights": [1.0, -1.0, 0.5]},
        {"convergence_tol": 0.0, "n_iterations": 20},
        {"convergence_tol": 0.2},
    ],
    ids=str,
)
def test_configurations_of_regression(
    connection: psycopg.Connection, options: dict[str, Any]
) -> None:
    X = rows(300, 3) * 0.3
    y = X @ [1.0, -2.0, 0.5] + np.random.default_rng(1).normal(size=300)
    estimator = StreamingLinearRegressionWithSGD(**options)
    learner = Learner(connection, learning_program(estimator, names(X)))
    parameters = learner.after(X, y, SMALL)
    oracle = taught(clone(estimator), frame(X), y, SMALL)
    assert_same(learner.program.export(parameters), oracle)
    given = learner.answers("prediction", parameters, X)
    assert given == pytest.approx(oracle.predict(frame(X)).tolist(), rel=1e-9, abs=1e-12)


def test_descent_goes_the_way_of_the_gradient() -> None:
    """Spark's rule: w - step / sqrt(i) * (the mean of x * (w * x - y)), until it hardly moves."""
    model = StreamingLinearRegressionWithSGD(step_size=0.5, n_iterations=2)
    model.partial_fit([[1.0], [2.0]], [1.0, 4.0])
    first = 0.0 - 0.5 * (-1.0 - 8.0) / 2
    second = first - 0.5 / 2**0.5 * ((first - 1.0) + 2.0 * (2.0 * first - 4.0)) / 2
    assert model.coef_ == pytest.approx([second])


def test_twenty_thousand_rows_in_uneven_batches(connection: psycopg.Connection) -> None:
    X = rows(20_000, 20)
    estimator = StreamingKMeans(6, half_life=5.0, init=X[:6])
    learner = Learner(connection, learning_program(estimator, names(X)))
    learnt = learner.learn(X, np.zeros(len(X)), UNEVEN)
    assert_same(learnt, taught(clone(estimator), frame(X), np.zeros(len(X)), UNEVEN))


def test_twenty_thousand_rows_of_regression(connection: psycopg.Connection) -> None:
    X = rows(20_000, 4) * 0.2
    y = X @ [1.0, -2.0, 0.5, 3.0]
    estimator = StreamingLinearRegressionWithSGD(n_iterations=10)
    learner = Learner(connection, learning_program(estimator, names(X)))
    assert_same(learner.learn(X, y, UNEVEN), taught(clone(estimator), frame(X), y, UNEVEN))


def test_both_go_on_from_where_they_stood(connection: psycopg.Connection) -> None:
    X = rows(300, 3) * 0.3
    y = X.sum(axis=1)
    for number, estimator in enumerate(
        [StreamingKMeans(3, init=X[:3], decay_factor=0.9), StreamingLinearRegressionWithSGD()]
    ):
        with connection.transaction(force_rollback=number == 0):
            begun = clone(estimator).partial_fit(frame(X[:100]), y[:100])
            learner = Learner(connection, learning_program(begun, names(X)))
            exported = learner.learn(X[100:200], y[100:200], [100])
            exported.partial_fit(frame(X[200:]), y[200:])
        assert_same(exported, taught(estimator, frame(X), y, [100, 100, 100]))


def test_no_row_makes_an_answer_raise(connection: psycopg.Connection) -> None:
    X = rows(100, 2) * 0.3
    learner = Learner(connection, learning_program(StreamingLinearRegressionWithSGD(), names(X)))
    usual = learner.after(X, X[:, 0], [100])
    assert_never_raises(learner, usual, np.array([1e-200, 1e200, 0.0, 0.0]))


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (StreamingKMeans(time_unit="days"), "'time_unit' parameter"),
        (StreamingKMeans(init=[[1.0, 2.0]]), "2 centers of 2 finite numbers"),
        (StreamingKMeans(initial_weight=[1.0]), "one weight, or 2"),
        (StreamingLinearRegressionWithSGD(step_size=-1.0), "'step_size' parameter"),
        (StreamingLinearRegressionWithSGD(initial_weights=[1.0]), "2 finite numbers"),
    ],
    ids=repr,
)
def test_options_that_are_refused(estimator: Any, reason: str) -> None:
    with pytest.raises(UnsupportedEstimator, match=reason):
        learning_program(estimator, ["a", "b"])

"""GaussianNB in the database is scikit-learn's: here even bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest
from sklearn.base import clone
from sklearn.naive_bayes import GaussianNB

from pgpredict_transpiler.errors import UnsupportedEstimator
from pgpredict_transpiler.learning.registry import learning_program
from tests.transpiler.learning.answering import (
    assert_classifies_as,
    assert_never_raises,
    frame,
    names,
)
from tests.transpiler.learning.bench import Floats, Learner, taught

UNEVEN = (1, 7, 1000, 300, 2, 4096, 800, 3000, 5000, 5794)
SMALL = (20, 2, 1, 100, 17, 180)


def rows(count: int, features: int, classes: int) -> tuple[Floats, Floats]:
    """Features of different sizes around a mean of each class; the last class comes late."""
    random = np.random.default_rng(0)
    y = random.integers(0, classes, size=count)
    y[: count // 4] %= classes - 1
    means = random.normal(size=(classes, features)) * 2.0
    X = (means[y] + random.normal(size=(count, features))) * np.geomspace(0.01, 30.0, features)
    return X, y.astype(float)


def oracle_of(estimator: Any, X: Floats, y: Floats, sizes: tuple[int, ...]) -> Any:
    # numpy adds the rows of a column in order only if the rows lie one after the other
    learner = taught(clone(estimator), np.ascontiguousarray(X), y, sizes, classes=np.unique(y))
    learner.feature_names_in_ = np.array(names(X), dtype=object)
    return learner


def assert_same(learnt: Any, oracle: Any) -> None:
    for name in ("class_count_", "theta_", "var_", "epsilon_", "class_prior_"):
        given, wanted = getattr(learnt, name), getattr(oracle, name)
        assert np.array_equal(given, wanted), name


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("var_smoothing", [1e-9, 0.5, 0.0])
@pytest.mark.parametrize("priors", [None, True])
def test_configurations(
    connection: psycopg.Connection, classes: int, var_smoothing: float, priors: bool | None
) -> None:
    shares = {2: [0.25, 0.75], 3: [0.0, 0.5, 0.5]}[classes] if priors else None
    estimator = GaussianNB(var_smoothing=var_smoothing, priors=shares)
    X, y = rows(sum(SMALL), 4, classes)
    learner = Learner(connection, learning_program(estimator, names(X), range(classes)))
    parameters = learner.after(X, y, SMALL)
    oracle = oracle_of(estimator, X, y, SMALL)
    assert_same(learner.program.export(parameters), oracle)
    assert_classifies_as(oracle, learner, parameters, X)


def test_twenty_thousand_rows_in_uneven_batches(connection: psycopg.Connection) -> None:
    X, y = rows(20_000, 20, 3)
    learner = Learner(connection, learning_program(GaussianNB(), names(X), [0, 1, 2]))
    assert_same(learner.learn(X, y, UNEVEN), oracle_of(GaussianNB(), X, y, UNEVEN))


def test_goes_on_from_a_fitted_estimator_and_back(connection: psycopg.Connection) -> None:
    X, y = rows(300, 4, 3)
    halfway = GaussianNB().fit(frame(X[:150]), y[:150])
    learner = Learner(connection, learning_program(halfway, names(X)))
    assert_classifies_as(halfway, learner, learner.program.initial, X)
    exported = learner.learn(X[150:200], y[150:200], [50])
    oracle = clone(GaussianNB()).fit(frame(X[:150]), y[:150])
    oracle.partial_fit(frame(X[150:200]), y[150:200])
    for name in ("theta_", "var_"):
        assert getattr(exported, name) == pytest.approx(getattr(oracle, name), rel=1e-12, abs=0.0)
    exported.partial_fit(frame(X[200:]), y[200:])
    oracle.partial_fit(frame(X[200:]), y[200:])
    assert exported.var_ == pytest.approx(oracle.var_, rel=1e-12, abs=0.0)


def test_there_is_no_answer_while_a_variance_is_zero(connection: psycopg.Connection) -> None:
    learner = Learner(connection, learning_program(GaussianNB(), ["a", "b"], ["no", "yes"]))
    X, y = np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 0.0]]), np.array([0.0, 0.0, 1.0])
    one_row = learner.step(learner.program.initial, X[:1], y[:1])
    assert np.isfinite(one_row).all()
    assert learner.answers("prediction", one_row, X) == [None] * 3
    all_rows = learner.step(one_row, X[1:], y[1:])
    assert learner.answers("prediction", all_rows, X) == [0, 0, 1]


def test_a_class_that_no_row_has_shown_is_never_the_answer(
    connection: psycopg.Connection,
) -> None:
    X, y = rows(200, 3, 2)
    learner = Learner(connection, learning_program(GaussianNB(), names(X), [0, 1, 2]))
    parameters = learner.after(X, y, [200])
    assert np.isfinite(parameters).all()
    shares = np.array(learner.answers("probability", parameters, X))
    assert (shares[:, 2] < 1e-300).all()
    assert shares.sum(axis=1) == pytest.approx(1.0)


def test_squares_too_small_for_a_float(connection: psycopg.Connection) -> None:
    X, y = rows(100, 3, 2)
    X[:, 1] *= 1e-170
    learner = Learner(connection, learning_program(GaussianNB(), names(X), [0, 1]))
    parameters = learner.after(X, y, [60, 40])
    assert_same(learner.program.export(parameters), oracle_of(GaussianNB(), X, y, (60, 40)))
    assert None not in learner.answers("prediction", parameters, X)


def test_more_classes_than_are_compared_in_pairs(connection: psycopg.Connection) -> None:
    X, y = rows(400, 3, 12)
    learner = Learner(connection, learning_program(GaussianNB(), names(X), range(13)))
    parameters = learner.after(X, y, [400])
    oracle = GaussianNB().partial_fit(frame(X), y, classes=range(13))
    assert_classifies_as(oracle, learner, parameters, X)
    assert_never_raises(learner, parameters)


@pytest.mark.parametrize("classes", [2, 3])
def test_no_row_makes_an_answer_raise(connection: psycopg.Connection, classes: int) -> None:
    X, y = rows(100, 2, classes)
    learner = Learner(connection, learning_program(GaussianNB(), names(X), range(classes)))
    usual = learner.after(X, y, [100])
    thin = learner.after(X * [1e-90, 1e90], y, [100])
    assert_never_raises(learner, usual, thin)


def test_priors_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UnsupportedEstimator, match="priors that sum to 1"):
        learning_program(GaussianNB(priors=[0.5, 0.6]), ["a"], [0, 1])

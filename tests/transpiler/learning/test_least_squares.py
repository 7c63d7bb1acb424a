"""Least squares from exact sums: rows come, change and go, and leave no trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, Ridge

from pgpredict_transpiler.errors import UnsupportedEstimator
from pgpredict_transpiler.learning.registry import sums_program
from tests.transpiler.learning.answering import frame, names
from tests.transpiler.learning.bench import Floats
from tests.transpiler.learning.summing import Sums


def rows(count: int, features: int) -> tuple[Floats, Floats]:
    """Features of different sizes, not around zero."""
    random = np.random.default_rng(0)
    X = random.normal(size=(count, features)) * np.geomspace(0.5, 2.0, features) + 0.5
    return X, X @ np.linspace(-1.0, 2.0, features) + 3.0 + random.normal(size=count)


def assert_fitted_as(estimator: Any, sums: Sums, state: list[Any], X: Floats, y: Floats) -> None:
    learnt, oracle = sums.fitted(state), estimator.fit(frame(X), y)
    assert (np.abs(learnt.coef_ - oracle.coef_) <= 1e-12 * np.abs(oracle.coef_)).all()
    assert learnt.intercept_ == pytest.approx(oracle.intercept_, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("estimator", [LinearRegression(), Ridge(0.5), Ridge(10)], ids=repr)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("features", [1, 5])
def test_configurations(
    connection: psycopg.Connection, estimator: Any, fit_intercept: bool, features: int
) -> None:
    estimator = clone(estimator).set_params(fit_intercept=fit_intercept)
    X, y = rows(200, features)
    sums = Sums(connection, sums_program(estimator, names(X)))
    state = sums.add(sums.empty, X, y)
    assert_fitted_as(estimator, sums, state, X, y)
    given = sums.answers("prediction", sums.solve(state), X)
    assert given == pytest.approx(estimator.predict(frame(X)).tolist(), rel=1e-11)


def test_twenty_thousand_rows_some_of_which_change_and_go(connection: psycopg.Connection) -> None:
    X, y = rows(20_000, 8)
    sums = Sums(connection, sums_program(LinearRegression(), names(X)))
    state = sums.empty
    for part in np.array_split(np.arange(20_000), [1, 8, 1000, 9000]):
        state = sums.add(state, X[part], y[part])
    X_after, y_after = X.copy(), y.copy()
    X_after[::50] *= 1.5
    state = sums.take(state, X[::50], y[::50])
    state = sums.add(state, X_after[::50], y_after[::50])
    state = sums.take(state, X_after[15_000:], y_after[15_000:])
    assert state == sums.add(sums.empty, X_after[:15_000], y_after[:15_000])
    assert_fitted_as(LinearRegression(), sums, state, X_after[:15_000], y_after[:15_000])


def test_huge_and_tiny_rows_leave_no_trace(connection: psycopg.Connection) -> None:
    X, y = rows(50, 3)
    sums = Sums(connection, sums_program(LinearRegression(), names(X)))
    before = sums.add(sums.empty, X, y)
    poison = np.array([[1.7e308, -5e-324, 0.1], [1e-300, 1e300, -1e16]])
    state = sums.add(before, poison, np.array([1e-320, -1.7e308]))
    assert state != before
    after = sums.take(state, poison, np.array([1e-320, -1.7e308]))
    assert (after, [str(number) for number in after]) == (before, [str(n) for n in before])


def test_features_without_a_say(connection: psycopg.Connection) -> None:
    """A constant feature, and one that is twice another: predictions are scikit-learn's."""
    X, y = rows(40, 4)
    X[:, 1] = 7.0
    X[:, 3] = 2.0 * X[:, 2]
    sums = Sums(connection, sums_program(LinearRegression(), names(X)))
    state = sums.add(sums.empty, X, y)
    oracle = LinearRegression().fit(X, y)
    assert sums.fitted(state).coef_[1] == 0.0
    given = sums.answers("prediction", sums.solve(state), X)
    assert given == pytest.approx(oracle.predict(X).tolist(), rel=1e-9)


def test_few_rows_and_none(connection: psycopg.Connection) -> None:
    X, y = rows(2, 3)
    sums = Sums(connection, sums_program(LinearRegression(), names(X)))
    assert sums.answers("prediction", sums.solve(sums.empty), X) == [None, None]
    assert not hasattr(sums.fitted(sums.empty), "coef_")
    one = sums.add(sums.empty, X[:1], y[:1])
    assert sums.answers("prediction", sums.solve(one), X) == pytest.approx([y[0]] * 2)
    both = sums.add(one, X[1:], y[1:])
    assert sums.answers("prediction", sums.solve(both), X) == pytest.approx(y.tolist())
    assert sums.take(sums.take(both, X[:1], y[:1]), X[1:], y[1:]) == sums.empty


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (LinearRegression(positive=True), "must not be negative"),
        (Ridge(alpha=[1.0, 2.0]), "one penalty"),
        (Ridge(alpha=-1.0), "'alpha' parameter"),
    ],
    ids=repr,
)
def test_options_that_are_refused(estimator: Any, reason: str) -> None:
    with pytest.raises(UnsupportedEstimator, match=reason):
        sums_program(estimator, ["a", "b"])


def test_too_many_features_are_refused() -> None:
    with pytest.raises(UnsupportedEstimator, match="sums for 61 features"):
        sums_program(Ridge(), [f"x{j}" for j in range(61)])

"""Losses are written in Python and in SQL; scikit-learn is the judge of both."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor

from pgpredict_transpiler.learning.losses import loss

SCORES = (-800.0, -745.2, -37.5, -37.0, -1.0, -0.3, 0.0, 0.1, 1.0, 1.3, 36.0, 745.1, 745.2, 800.0)
NAMES = sorted(SGDClassifier.loss_functions)


def oracle(name: str, y: float, p: float, epsilon: float) -> float:
    """The gradient by a single step of scikit-learn: with eta 1 it leaves the intercept."""
    estimator = SGDRegressor if name in SGDRegressor.loss_functions else SGDClassifier
    model = estimator(
        loss=name, epsilon=epsilon, penalty=None, learning_rate="constant", eta0=1.0, shuffle=False
    )
    X = np.zeros((1, 1))
    if estimator is SGDRegressor:
        model.partial_fit(X, [0.0])
        model.intercept_ = np.array([p])
        model.partial_fit(X, [y])
    else:
        model.partial_fit(X, [1], classes=[0, 1])
        model.intercept_ = np.array([p])
        model.partial_fit(X, [int(y > 0)])
    return p - float(model.intercept_[0])


@pytest.mark.parametrize("name", NAMES)
def test_gradients(connection: psycopg.Connection, name: str) -> None:
    made = loss(name, 0.1)
    connection.execute(
        "CREATE FUNCTION gradient (y float8, p float8) RETURNS float8 LANGUAGE plpgsql AS $body$"
        f"DECLARE z float8; dloss float8; BEGIN {made.gradient} RETURN dloss; END$body$".encode()
    )
    for y in (1.0, made.negative):
        for p in SCORES:
            row = connection.execute("SELECT gradient(%s, %s)", [y, p]).fetchone()
            assert row == (made.derivative(y, p),)
            assert p - (p - row[0]) == pytest.approx(oracle(name, y, p, 0.1), rel=1e-9, abs=1e-300)

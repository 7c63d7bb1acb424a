"""SGD in the database is scikit-learn's, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
from sklearn.base import clone
from sklearn.linear_model import SGDClassifier

from pgpredict_transpiler.learning.registry import learning_program
from tests.transpiler.learning.bench import Floats, Learner, taught

UNEVEN = (1, 7, 1000, 300, 2, 4096, 800, 3000, 5000, 5794)


def rows(count: int = 600, features: int = 5, seed: int = 0) -> tuple[Floats, Floats]:
    """Features of different sizes, one constant, and a target that depends on them."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(count, features)) * np.geomspace(0.1, 3.0, features)
    X[:, 1] = 1.0
    noise = random.normal(size=count)
    return X, X @ np.linspace(-1.0, 1.0, features) + noise


def names(X: Floats) -> list[str]:
    return [f"x{j}" for j in range(X.shape[1])]


def assert_same(learnt: Any, oracle: Any) -> None:
    for name in ("coef_", "intercept_", "t_"):
        assert np.array_equal(getattr(learnt, name), getattr(oracle, name)), name


def test_twenty_thousand_rows_in_uneven_batches(connection: psycopg.Connection) -> None:
    X, target = rows(20_000, 20)
    y = (target > 0.5).astype(float)
    estimator = SGDClassifier(loss="log_loss", random_state=0)
    learner = Learner(connection, learning_program(estimator, names(X), [0, 1]))
    assert sum(UNEVEN) == len(X)
    learnt = learner.learn(X, y, UNEVEN)
    assert_same(learnt, taught(clone(estimator), X, y, UNEVEN, classes=[0, 1]))


def test_answers_are_those_of_the_exported_estimator(connection: psycopg.Connection) -> None:
    X, target = rows()
    estimator = SGDClassifier(loss="log_loss", random_state=0)
    learner = Learner(connection, learning_program(estimator, names(X), ["high", "low"]))
    parameters = learner.step(learner.program.initial, X, (target < 0.0).astype(float))
    exported = learner.program.export(parameters)
    expected = pd.DataFrame(X, columns=names(X))
    places = learner.answers("prediction", parameters, X)
    assert [learner.program.classes[place] for place in places] == list(exported.predict(expected))
    assert learner.answers("probability", parameters, X) == pytest.approx(
        exported.predict_proba(expected)[:, 1], rel=1e-12
    )


def test_no_row_makes_an_answer_raise(connection: psycopg.Connection) -> None:
    estimator = SGDClassifier(loss="log_loss", random_state=0)
    estimator.partial_fit([[1.0, 2.0], [-1.0, 0.5]], [1, 0], classes=[0, 1])
    learner = Learner(connection, learning_program(estimator, ["a", "b"]))
    sizes = [0.0, 5e-324, 1e-300, 1e-9, 3.0, 1e200, np.inf, 1.7e308, np.nan]
    X = np.array([(a, s * b) for a in sizes for b in sizes for s in (1, -1)])
    for weights in ([3.0, -2.0], [1e-300, 1e300], [5e-324, 0.0]):
        estimator.coef_ = np.array([weights])
        parameters = learning_program(estimator, ["a", "b"]).initial
        finite = np.isfinite(X).all(axis=1)
        within = (np.abs(X[finite]) < 1e300).all(axis=1)  # elsewhere numpy has inf - inf
        with np.errstate(all="ignore"):
            expected = estimator.predict_proba(X[finite][within])[:, 1]
        given = np.array(learner.answers("probability", parameters, X), dtype=float)
        assert np.isnan(given[~finite]).all()
        assert given[finite][within] == pytest.approx(expected, rel=1e-9, abs=1e-300)
        classes = learner.answers("prediction", parameters, X)
        assert [c is None for c in classes] == (~finite).tolist()

"""A learner goes on where a fitted estimator stands, and scikit-learn where a learner stands."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor

from pgpredict_transpiler.learning.registry import learning_program
from tests.transpiler.learning.bench import Learner
from tests.transpiler.learning.data import in_classes, names, rows

CLASSIFIERS = [
    (SGDClassifier(loss="log_loss", random_state=0), 2),
    (SGDClassifier(average=True, random_state=0), 2),
    (SGDClassifier(average=True, random_state=0), 3),
    (SGDClassifier(average=1500, random_state=0), 3),
    (Perceptron(), 3),
    (SGDRegressor(average=1500, eta0=0.001, random_state=0), 0),
    (SGDRegressor(random_state=0), 0),
]


@pytest.mark.parametrize(("estimator", "classes"), CLASSIFIERS, ids=str)
def test_from_a_fitted_estimator_and_back(
    connection: psycopg.Connection, estimator: Any, classes: int
) -> None:
    X, y = rows(900)
    frame = pd.DataFrame(X, columns=names(X))
    if classes:
        y = np.array(["high", "low", "mid"])[in_classes(y, classes).astype(int)]
    fitted = copy.deepcopy(estimator).fit(frame[:300], y[:300])
    learner = Learner(connection, learning_program(fitted, names(X)))
    labels = np.array([learner.program.classes.index(label) for label in y]) if classes else y
    learnt = learner.learn(X[300:600], labels[300:600], (100, 200))

    for part in (slice(300, 400), slice(400, 600), slice(600, 900)):
        fitted.partial_fit(frame[part], y[part])
    learnt.partial_fit(frame[600:], y[600:])

    assert np.array_equal(learnt.coef_, fitted.coef_)
    assert np.array_equal(learnt.intercept_, fitted.intercept_)
    assert list(learnt.predict(frame)) == list(fitted.predict(frame))


def test_the_given_estimator_stays_as_it_was(connection: psycopg.Connection) -> None:
    X, y = rows(40)
    fitted = SGDRegressor(average=True, random_state=0).partial_fit(X, y)
    before = copy.deepcopy(fitted)
    learner = Learner(connection, learning_program(fitted, names(X)))
    learner.learn(X, y, (40,)).partial_fit(pd.DataFrame(X, columns=names(X)), y)
    for name, value in vars(before).items():
        assert np.array_equal(getattr(fitted, name), value), name

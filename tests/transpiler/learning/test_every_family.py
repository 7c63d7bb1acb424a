"""What holds for every family of learners, on every version of Postgres."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest
from sklearn.base import clone, is_classifier
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import LinearRegression, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB

from pgpredict_transpiler import StreamingKMeans, StreamingLinearRegressionWithSGD
from pgpredict_transpiler.learning.registry import learning_program, sums_program
from tests.transpiler.learning.answering import frame, names
from tests.transpiler.learning.bench import Floats, Learner
from tests.transpiler.learning.summing import Sums

CENTERS = np.array([[1.0, 1.0], [3.0, 2.0]])
FAMILIES = [
    SGDClassifier(loss="log_loss", random_state=0),
    MultinomialNB(),
    ComplementNB(),
    BernoulliNB(binarize=1.5),
    GaussianNB(),
    MiniBatchKMeans(2, init=CENTERS, n_init=1, reassignment_ratio=0),
    StreamingKMeans(2, init=CENTERS, half_life=3, time_unit="points"),
    StreamingLinearRegressionWithSGD(),
]


def rows(count: int = 30) -> tuple[Floats, Floats]:
    """Counts, and classes that depend on them."""
    X = np.random.default_rng(0).poisson(2.0, size=(count, 2)).astype(float)
    return X, (X[:, 0] > X[:, 1]).astype(float)


def learner_of(connection: psycopg.Connection, estimator: Any) -> Learner:
    classes = [0, 1] if is_classifier(estimator) else None
    return Learner(connection, learning_program(estimator, ["x0", "x1"], classes))


@pytest.mark.parametrize("estimator", FAMILIES, ids=lambda each: type(each).__name__)
def test_an_empty_batch_changes_nothing(connection: psycopg.Connection, estimator: Any) -> None:
    learner = learner_of(connection, estimator)
    nothing = learner.step(learner.program.initial, np.zeros((0, 2)), np.zeros(0))
    assert np.array_equal(nothing, learner.program.initial)
    X, y = rows()
    parameters = learner.after(X, y, [30])
    assert np.array_equal(learner.step(parameters, np.zeros((0, 2)), np.zeros(0)), parameters)


@pytest.mark.parametrize("estimator", FAMILIES, ids=lambda each: type(each).__name__)
def test_what_overflows_raises_or_is_finite(connection: psycopg.Connection, estimator: Any) -> None:
    learner = learner_of(connection, estimator)
    X, y = rows()
    X[7:9] = 1.7e308
    try:
        parameters = learner.after(X, y, [30])
    except psycopg.errors.NumericValueOutOfRange:
        return
    assert isinstance(estimator, (BernoulliNB, SGDClassifier))
    assert np.isfinite(parameters).all()


def test_on_every_version_of_postgres(every_connection: psycopg.Connection) -> None:
    X, y = rows()
    for estimator in FAMILIES:
        with every_connection.transaction(force_rollback=True):
            learner = learner_of(every_connection, estimator)
            parameters = learner.after(X, y, [20, 10])
            oracle = clone(estimator)
            first = {"classes": [0, 1]} if is_classifier(estimator) else {}
            oracle.partial_fit(frame(X[:20]), y[:20], **first).partial_fit(frame(X[20:]), y[20:])
            given = learner.answers("prediction", parameters, X)
            assert given == pytest.approx(oracle.predict(frame(X)).tolist(), rel=1e-12)
    sums = Sums(every_connection, sums_program(LinearRegression(), names(X)))
    state = sums.take(sums.add(sums.empty, X, y), X[20:], y[20:])
    assert sums.fitted(state).coef_ == pytest.approx(LinearRegression().fit(X[:20], y[:20]).coef_)

"""The running metrics of learners beside scikit-learn's, of the predictions that were stored.

Some rows had no prediction: what predicts them overflows, what learns them does not.
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import SGDRegressor
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    mean_absolute_error,
    roc_auc_score,
    root_mean_squared_error,
)
from sklearn.naive_bayes import GaussianNB

import pgpredict
from tests.sql.learners.asking import Connection, one

Floats = NDArray[np.float64]
WINDOW = 100
SIZES = [*itertools.islice(itertools.cycle([3, 2, 40, 7, 1, 90, 3]), 117)]
ENDS = np.cumsum(SIZES)
FEATURES = ["a", "b", "c", "d"]


class Told(NamedTuple):
    """Labels and predictions of the rows of the window that had a prediction, and the metrics."""

    labels: Floats
    predicted: Floats
    metrics: dict[str, Any]


def drawn() -> tuple[Floats, Floats]:
    """Features of shape (n_rows, 4) and a number that depends on them, less and less."""
    random = np.random.default_rng(0)
    X = random.normal(size=(ENDS[-1], 4)) * 0.01
    noise = random.normal(size=len(X)) * np.linspace(0.01, 0.1, len(X))
    return X, X @ [2.0, -3.0, 1.0, 0.5] + noise


def learn(
    db: pgpredict.Database,
    connection: Connection,
    estimator: Any,
    X: Floats,
    y: NDArray[Any],
    **options: Any,
) -> Told:
    """Let a learner in the worker learn uneven batches of these rows."""
    kind = "boolean" if y.dtype == bool else "float8"
    connection.execute(
        f"CREATE TABLE measure (id int PRIMARY KEY, a float8, b float8, c float8, d float8,"
        f" y {kind})".encode()
    )
    db.create_learner(
        "pupil", estimator, source="measure", features=FEATURES, target="y", place="worker",
        **options,
    )  # fmt: skip
    with connection.cursor().copy("COPY measure FROM STDIN") as copy:
        for number, (row, label) in enumerate(zip(X.tolist(), y.tolist(), strict=True)):
            copy.write_row([number, *row, label])
    assert [db.learn("pupil", size) for size in SIZES] == SIZES
    assert db.quarantine("pupil") == []
    rows = connection.execute(
        "SELECT r.label, r.predicted FROM pgpredict.learner_batch AS b,"
        " unnest(b.labels, b.predicted) AS r (label, predicted) WHERE b.state > %s",
        [len(SIZES) - WINDOW],
    ).fetchall()
    found = one(connection, "SELECT to_jsonb(m) FROM pgpredict.learner_metrics AS m")
    assert (found["batches"], found["rows"]) == (WINDOW, sum(SIZES[-WINDOW:]))
    labels, predicted = np.array(rows, dtype=float).T
    answered = np.isfinite(predicted)
    assert 0.5 < answered.mean() < 0.99
    return Told(labels[answered], predicted[answered], found)


def test_of_a_classifier(db: pgpredict.Database, connection: Connection) -> None:
    X, number = drawn()
    for j, batch in enumerate((30, 40, 58, 103)):  # the first such rows of a feature alone
        X[ENDS[batch] - SIZES[batch] : ENDS[batch] : 2, j] = 1e153
    told = learn(
        db, connection, GaussianNB(var_smoothing=0.0), X, number > 0, classes=[False, True]
    )
    labels, shares, found = told
    assert found["log_loss"] == pytest.approx(log_loss(labels, shares), rel=1e-12)
    assert found["accuracy"] == pytest.approx(accuracy_score(labels, shares > 0.5), rel=1e-12)
    assert found["auc"] == pytest.approx(roc_auc_score(labels, shares), rel=1e-12)
    assert (found["mae"], found["rmse"]) == (None, None)


def test_of_a_regressor(db: pgpredict.Database, connection: Connection) -> None:
    # So slow that a row of 1e308 moves a weight by 1e-5.
    model = SGDRegressor(
        loss="epsilon_insensitive", penalty=None, learning_rate="constant", eta0=1e-313
    ).partial_fit([[0.0] * 4], [0.0])
    model.coef_[:] = [2.0, -3.0, 1.0, 0.5]
    X, number = drawn()
    X[::7, 0] = 1e308
    labels, numbers, found = learn(db, connection, model, X, number)
    assert found["mae"] == pytest.approx(mean_absolute_error(labels, numbers), rel=1e-12)
    assert found["rmse"] == pytest.approx(root_mean_squared_error(labels, numbers), rel=1e-12)
    assert (found["log_loss"], found["accuracy"], found["auc"]) == (None, None, None)

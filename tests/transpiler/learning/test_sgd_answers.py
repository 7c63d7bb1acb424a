"""Predictions of linear learners are those of the exported estimator, and never raise."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor

from pgpredict_transpiler.learning.registry import learning_program
from tests.transpiler.learning.bench import Learner
from tests.transpiler.learning.data import in_classes, names, rows


@pytest.mark.parametrize("classes", [2, 3, 6])
@pytest.mark.parametrize(
    "estimator",
    [
        SGDClassifier(loss="log_loss", random_state=0),
        SGDClassifier(loss="modified_huber", average=True, random_state=0),
        SGDClassifier(random_state=0),
        Perceptron(),
    ],
    ids=str,
)
def test_classes_and_probabilities(
    connection: psycopg.Connection, estimator: Any, classes: int
) -> None:
    X, target = rows(600)
    labels = ["high", "low", "mid", "none", "one", "two"][:classes]
    learner = Learner(connection, learning_program(estimator, names(X), labels))
    parameters = learner.step(learner.program.initial, X, in_classes(target, classes))
    exported, frame = learner.program.export(parameters), pd.DataFrame(X, columns=names(X))

    places = learner.answers("prediction", parameters, X)
    assert [learner.program.classes[place] for place in places] == list(exported.predict(frame))

    assert (learner.program.probability is not None) == hasattr(exported, "predict_proba")
    if learner.program.probability:
        given = np.array(learner.answers("probability", parameters, X))
        expected = exported.predict_proba(frame)
        assert given == pytest.approx(expected[:, 1] if classes == 2 else expected, rel=1e-9)


def test_numbers(connection: psycopg.Connection) -> None:
    X, y = rows(600)
    learner = Learner(connection, learning_program(SGDRegressor(random_state=0), names(X)))
    parameters = learner.step(learner.program.initial, X, y)
    exported = learner.program.export(parameters)
    assert learner.answers("prediction", parameters, X) == pytest.approx(
        exported.predict(pd.DataFrame(X, columns=names(X))), rel=1e-12
    )


def test_before_the_first_row_every_class_is_as_likely(connection: psycopg.Connection) -> None:
    estimator = SGDClassifier(loss="modified_huber")
    learner = Learner(connection, learning_program(estimator, ["x"], ["a", "b", "c", "d"]))
    asked = (learner.program.initial, np.array([[1.0]]))
    assert learner.answers("prediction", *asked) == [0]
    assert learner.answers("probability", *asked) == [[0.25] * 4]


SIZES = (0.0, 5e-324, 1e-300, 1e-9, 3.0, 1e200, 1.7e308, np.inf, np.nan)
HOSTILE = np.array([(a, s * b) for a in SIZES for b in SIZES for s in (1, -1)])


@pytest.mark.parametrize("weights", [(3.0, -2.0), (1e-300, 1e300), (5e-324, 0.0), (1e-99, 1e99)])
def test_no_row_makes_an_answer_raise(
    connection: psycopg.Connection, weights: tuple[float, float]
) -> None:
    estimator = SGDClassifier(loss="log_loss", random_state=0)
    estimator.partial_fit([[1.0, 2.0], [-1.0, 0.5]], [1, 0], classes=[0, 1])
    estimator.coef_ = np.array([weights])
    learner = Learner(connection, learning_program(estimator, ["a", "b"]))
    given = learner.answers("probability", learner.program.initial, HOSTILE)
    chosen = learner.answers("prediction", learner.program.initial, HOSTILE)

    finite = np.isfinite(HOSTILE).all(axis=1)
    assert [answer is not None for answer in given] == finite.tolist()
    assert [answer is not None for answer in chosen] == finite.tolist()
    with np.errstate(all="ignore"):
        products = HOSTILE * weights
        expected = estimator.predict_proba(np.where(finite[:, None], HOSTILE, 0.0))[:, 1]
    agree = finite & (np.isfinite(products).sum(axis=1) > 0) & (np.abs(HOSTILE).max(axis=1) < 1e300)
    assert np.array(given, dtype=float)[agree] == pytest.approx(
        expected[agree], rel=1e-9, abs=1e-300
    )


def test_weights_that_learning_made_tiny(connection: psycopg.Connection) -> None:
    """Each row of zeros halves the weights."""
    estimator = SGDClassifier(alpha=0.5, learning_rate="constant", eta0=1.0, random_state=0)
    learner = Learner(connection, learning_program(estimator, ["x"], [0, 1]))
    parameters = learner.step(learner.program.initial, np.ones((1, 1)), np.ones(1))
    parameters = learner.step(parameters, np.zeros((1000, 1)), np.ones(1000))
    assert 0.0 < parameters[0] < 1e-290
    assert learner.answers("prediction", parameters, np.array([[1e-60], [1e60]])) == [1, 1]


def test_a_missing_feature_has_no_answer(connection: psycopg.Connection) -> None:
    program = learning_program(SGDClassifier(loss="log_loss"), ["a", "b"], [1, 2, 3])
    learner = Learner(connection, program)
    query = "SELECT prediction(%s, 1, NULL), probability(%s, NULL, 1)"
    initial = program.initial.tolist()
    assert connection.execute(query, [initial, initial]).fetchone() == (None, None)
    del learner


def test_functions_of_predictions_are_inlined(connection: psycopg.Connection) -> None:
    Learner(connection, learning_program(SGDClassifier(loss="log_loss"), ["a", "b"], [1, 2]))
    plan = connection.execute(
        "EXPLAIN (VERBOSE, FORMAT TEXT) SELECT prediction(p, a, b), probability(p, a, b) "
        "FROM (VALUES (ARRAY[0.5::float8], 1::float8, 2::float8)) AS rows (p, a, b)"
    ).fetchall()
    text = "\n".join(line for (line,) in plan)
    assert "prediction(" not in text
    assert "probability(" not in text

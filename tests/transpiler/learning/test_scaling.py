"""A StandardScaler before a linear learner: both learn, in this order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
from sklearn.base import clone
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from pgpredict_transpiler.errors import UnsupportedEstimator
from pgpredict_transpiler.learning.registry import learning_program
from tests.transpiler.learning.bench import Floats, Learner, spans
from tests.transpiler.learning.data import (
    FOUR_HUNDRED,
    TWENTY_THOUSAND,
    in_classes,
    names,
    rows,
)


def taught_by_hand(pipeline: Any, X: Any, y: Any, sizes: tuple[int, ...], **first: Any) -> Any:
    """What a pipeline would do if it had a partial_fit."""
    scaler, learner = pipeline[0], pipeline[-1]
    for start, end in spans(sizes):
        scaler.partial_fit(X[start:end])
        learner.partial_fit(scaler.transform(X[start:end]), y[start:end], **first)
    return pipeline


def assert_same(learnt: Pipeline, oracle: Pipeline) -> None:
    for name in ("mean_", "var_", "scale_", "n_samples_seen_"):
        assert np.array_equal(getattr(learnt[0], name), getattr(oracle[0], name)), name
    for name in ("coef_", "intercept_", "t_"):
        assert np.array_equal(getattr(learnt[-1], name), getattr(oracle[-1], name)), name


def shifted(count: int) -> tuple[Floats, Floats]:
    """Features far from zero, one of them constant, one constant but for rounding."""
    X, y = rows(count, 6)
    X = X * [1e-3, 1.0, 1e3, 5.0, 1.0, 0.2] + [0.3, 7.1, -1e4, 2.0, 0.0, 1e6]
    X[:, 4] = 0.1 + 1e-17 * y
    return X, y


@pytest.mark.parametrize(
    ("learner", "classes"),
    [
        (SGDClassifier(loss="log_loss", random_state=0), 2),
        (SGDClassifier(penalty="l1", average=True, random_state=0), 3),
        (SGDRegressor(random_state=0), 0),
        (Perceptron(), 2),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "options", [{}, {"with_mean": False}, {"with_std": False}, {"with_mean": 0, "with_std": 0}]
)
def test_pipelines(
    connection: psycopg.Connection, learner: Any, classes: int, options: dict[str, Any]
) -> None:
    X, y = shifted(sum(FOUR_HUNDRED))
    if options:
        X = X / 1e6  # without its scaler a regressor would overflow
    if classes:
        y = in_classes(y, classes)
    labels = range(classes) if classes else None
    options = {name: bool(value) for name, value in options.items()}
    pipeline = make_pipeline(StandardScaler(**options), learner)
    learnt = Learner(connection, learning_program(pipeline, names(X), labels)).learn(
        X, y, FOUR_HUNDRED
    )
    first = {"classes": labels} if classes else {}
    assert_same(learnt, taught_by_hand(clone(pipeline), X, y, FOUR_HUNDRED, **first))


def test_twenty_thousand_rows(connection: psycopg.Connection) -> None:
    X, target = rows(20_000, 20)
    y = in_classes(target, 2)
    pipeline = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0))
    learner = Learner(connection, learning_program(pipeline, names(X), [0, 1]))
    learnt = learner.learn(X, y, TWENTY_THOUSAND)
    oracle = taught_by_hand(clone(pipeline), X, y, TWENTY_THOUSAND, classes=[0, 1])
    assert_same(learnt, oracle)


def test_of_a_single_feature_the_last_digits_differ(connection: psycopg.Connection) -> None:
    X, y = rows(1000)
    X = X[:, :1] + 3.0
    pipeline = make_pipeline(StandardScaler(), SGDRegressor(random_state=0))
    learner = Learner(connection, learning_program(pipeline, ["x"]))
    learnt = learner.learn(X, y, (10, 990))
    oracle = taught_by_hand(clone(pipeline), X, y, (10, 990))
    assert learnt[0].mean_ == pytest.approx(oracle[0].mean_, rel=1e-12, abs=0.0)
    assert learnt[0].var_ == pytest.approx(oracle[0].var_, rel=1e-12, abs=0.0)
    assert learnt[-1].coef_ == pytest.approx(oracle[-1].coef_, rel=1e-12, abs=0.0)


def test_products_that_underflow(connection: psycopg.Connection) -> None:
    """Postgres raises where a variance underflows; the kernel does what Python does."""
    X, target = rows(90, 4)
    X, y = X * [1e-170, 1.0, 1e-310, 1e-155], in_classes(target, 2)
    pipeline = make_pipeline(StandardScaler(), SGDClassifier(penalty="l1", random_state=0))
    learner = Learner(connection, learning_program(pipeline, names(X), [0, 1]))
    learnt = learner.learn(X, y, (30, 60))
    assert_same(learnt, taught_by_hand(clone(pipeline), X, y, (30, 60), classes=[0, 1]))


def test_from_a_fitted_pipeline_and_back(connection: psycopg.Connection) -> None:
    X, y = rows(900)
    frame = pd.DataFrame(X, columns=names(X))
    pipeline = Pipeline(
        [("scale", StandardScaler()), ("off", "passthrough"), ("learn", SGDRegressor())]
    )
    pipeline.set_params(learn__random_state=0).fit(X[:300], y[:300])
    learner = Learner(connection, learning_program(pipeline, names(X)))
    assert [block.name for block in learner.program.blocks][-3:] == [
        "learn__intercept",
        "learn__t",
        "learn__ordinary",
    ]
    parameters = learner.step(learner.program.initial, X[300:], y[300:])
    learnt = learner.program.export(parameters)

    pipeline[0].partial_fit(X[300:])
    pipeline[-1].partial_fit(pipeline[0].transform(X[300:]), y[300:])
    assert_same(learnt, pipeline)
    assert learnt.steps[1] == ("off", "passthrough")
    assert learner.answers("prediction", parameters, X) == pytest.approx(
        learnt.predict(frame), rel=1e-9
    )


def test_answers_of_unusual_rows(connection: psycopg.Connection) -> None:
    X, target = shifted(300)
    pipeline = make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0))
    learner = Learner(connection, learning_program(pipeline, names(X), [0, 1]))
    parameters = learner.step(learner.program.initial, X, in_classes(target, 2))
    asked = np.repeat(X[:1], 6, axis=0)
    asked[1:, 2] = [1e-200, -1e150, 1e306, np.inf, np.nan]
    exported = learner.program.export(parameters)
    expected = exported.predict_proba(pd.DataFrame(asked[:4], columns=names(X)))[:, 1]
    given = learner.answers("probability", parameters, asked)
    assert given[:4] == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert given[4:] == [None, None]


@pytest.mark.parametrize(
    "steps",
    [
        (MinMaxScaler(), SGDClassifier()),
        (StandardScaler(), GaussianNB()),
        (StandardScaler(), StandardScaler(), SGDClassifier()),
        (SGDClassifier(),),
    ],
    ids=str,
)
def test_other_pipelines_are_refused(steps: tuple[Any, ...]) -> None:
    with pytest.raises(UnsupportedEstimator, match="others can learn in the worker"):
        learning_program(make_pipeline(*steps), ["x"], [0, 1])


def test_a_refusal_says_which_step() -> None:
    pipeline = make_pipeline(StandardScaler(), SGDClassifier(early_stopping=True))
    with pytest.raises(UnsupportedEstimator, match=r"at pipeline\['sgdclassifier'\]"):
        learning_program(pipeline, ["x"], [0, 1])

"""Gradient boosting of scikit-learn: sums of trees, and the link between a sum and an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pgpredict_transpiler import arithmetic
from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.arithmetic import Number
from pgpredict_transpiler.columns import Column
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.lowering.histogram import histogram_scores
from pgpredict_transpiler.lowering.linear import softmax
from pgpredict_transpiler.lowering.trees import sum_of_trees
from pgpredict_transpiler.prediction import Prediction, first_greatest, label, labels_of
from pgpredict_transpiler.scope import Scope


def gradient_boosting_regressor(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The sum of the stages."""
    (score,) = _stages(model, columns, scope)
    return Prediction(score, _describe(model, model.n_estimators_))


def gradient_boosting_classifier(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """Two classes: the sign of one sum, zero included. More: the greatest of several sums."""
    labels = labels_of(model.classes_, scope)
    scores = [scope.let("score", score) for score in _stages(model, columns, scope)]
    description = _describe(model, model.n_estimators_)
    if len(scores) > 1:
        shares = softmax(scores, scope, finite=True)
        winner = first_greatest(scores, labels, scope)
        return Prediction(winner, description, labels, shares, tuple(scores))
    winner = sql.case(
        [(sql.greater_equal(scores[0], sql.number(0.0)), label(labels[1]))], label(labels[0])
    )
    steepness = 2.0 if model.loss == "exponential" else 1.0
    second = arithmetic.logistic(arithmetic.scale(Number(scores[0]), steepness).expression)
    shares = (sql.subtract(sql.number(1.0), second), second)
    return Prediction(winner, description, labels, shares, tuple(scores))


def histogram_regressor(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The inverse link of the sum: the exponential for the losses poisson and gamma."""
    (score,) = histogram_scores(model, columns, scope)
    description = _describe(model, model.n_iter_)
    link = type(model._loss.link).__name__
    if link == "LogLink":
        return Prediction(
            arithmetic.exponential(Number(scope.let("score", score))).expression, description
        )
    if link != "IdentityLink":
        scope.refuse(f"its link {link} has no SQL form", "loss")
    return Prediction(score, description)


def histogram_classifier(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """Two classes: the sign of one sum, zero excluded. More: the greatest of several sums."""
    labels = labels_of(model.classes_, scope)
    scores = [scope.let("score", score) for score in histogram_scores(model, columns, scope)]
    description = _describe(model, model.n_iter_)
    if len(scores) > 1:
        shares = softmax(scores, scope, finite=True)
        winner = first_greatest(scores, labels, scope)
        return Prediction(winner, description, labels, shares, tuple(scores))
    winner = sql.case(
        [(sql.greater(scores[0], sql.number(0.0)), label(labels[1]))], label(labels[0])
    )
    second = arithmetic.logistic(scores[0])
    shares = (sql.subtract(sql.number(1.0), second), second)
    return Prediction(winner, description, labels, shares, tuple(scores))


def _stages(model: Any, columns: Sequence[Column], scope: Scope) -> list[Expression]:
    if model.init_ != "zero" and type(model.init_).__name__ not in (
        "DummyRegressor",
        "DummyClassifier",
    ):
        scope.refuse(
            "it starts from another model's predictions: use the default or 'zero'",
            "init",
        )
    # The start is the same for every row, so Python itself can tell it.
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))[0]
    return [
        sum_of_trees(
            list(model.estimators_[:, k]),
            columns,
            scope,
            float(start[k]),
            float(model.learning_rate),
        )
        for k in range(model.estimators_.shape[1])
    ]


def _describe(model: Any, iterations: int) -> str:
    name = (
        "histogram gradient boosting"
        if type(model).__name__.startswith("Hist")
        else "gradient boosting"
    )
    return f"{name}, {iterations} trees"

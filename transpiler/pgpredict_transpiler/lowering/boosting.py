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
from pgpredict_transpiler.lowering.links import inverse_link, softmax, two
from pgpredict_transpiler.lowering.trees import sum_of_trees
from pgpredict_transpiler.prediction import Prediction, first_greatest, label, labels_of
from pgpredict_transpiler.scope import Scope


def gradient_boosting_regressor(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The sum of the stages."""
    (score,) = _stages(model, columns, scope)
    return Prediction(score, _describe(model))


def gradient_boosting_classifier(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """Two classes: the sign of one sum, zero included. More: the greatest of several sums."""
    scores = [scope.let("score", score) for score in _stages(model, columns, scope)]
    steepness = 2.0 if model.loss == "exponential" else 1.0
    steeper = arithmetic.scale(Number(scores[0]), steepness).expression
    positive = sql.greater_equal(scores[0], sql.number(0.0))
    return _classified(model, scores, positive, steeper, scope)


def histogram_regressor(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The inverse link of the sum: the exponential for the losses poisson and gamma."""
    (score,) = histogram_scores(model, columns, scope)
    value = inverse_link(model._loss.link, Number(score), scope, "loss")
    return Prediction(value, _describe(model))


def histogram_classifier(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """Two classes: the sign of one sum, zero excluded. More: the greatest of several sums."""
    scores = [scope.let("score", score) for score in histogram_scores(model, columns, scope)]
    positive = sql.greater(scores[0], sql.number(0.0))
    return _classified(model, scores, positive, scores[0], scope)


def _classified(
    model: Any, scores: list[Expression], positive: Expression, log_odds: Expression, scope: Scope
) -> Prediction:
    """The label and the probabilities that follow from the sums.

    Args:
        model: the classifier.
        scores: one sum for two classes, else one for each class.
        positive: of two classes: whether it is the second.
        log_odds: of two classes: the logarithm of the odds of the second.
        scope: names shared values.
    """
    labels = labels_of(model.classes_, scope)
    if len(scores) > 1:
        winner = first_greatest(scores, labels, scope)
        shares = softmax(scores, scope, finite=True)
    else:
        winner = sql.case([(positive, label(labels[1]))], label(labels[0]))
        shares = two(arithmetic.logistic(log_odds))
    return Prediction(winner, _describe(model), labels, shares, tuple(scores))


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


def _describe(model: Any) -> str:
    if type(model).__name__.startswith("Hist"):
        return f"histogram gradient boosting, {model.n_iter_} trees"
    return f"gradient boosting, {model.n_estimators_} trees"

"""Linear models: a weighted sum, and what is made of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from pgpredict_transpiler import arithmetic
from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Column
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.lowering.dot import dot
from pgpredict_transpiler.lowering.links import inverse_link, normalized, softmax, two
from pgpredict_transpiler.prediction import Prediction, first_greatest, label, labels_of
from pgpredict_transpiler.scope import Scope

REGRESSORS = (
    "ARDRegression",
    "BayesianRidge",
    "ElasticNet",
    "ElasticNetCV",
    "HuberRegressor",
    "Lars",
    "LarsCV",
    "Lasso",
    "LassoCV",
    "LassoLars",
    "LassoLarsCV",
    "LassoLarsIC",
    "LinearRegression",
    "LinearSVR",
    "OrthogonalMatchingPursuit",
    "OrthogonalMatchingPursuitCV",
    "PassiveAggressiveRegressor",
    "QuantileRegressor",
    "Ridge",
    "RidgeCV",
    "SGDRegressor",
    "TheilSenRegressor",
)
GENERALIZED = ("GammaRegressor", "PoissonRegressor", "TweedieRegressor")
CLASSIFIERS = (
    "LinearSVC",
    "PassiveAggressiveClassifier",
    "Perceptron",
    "RidgeClassifier",
    "RidgeClassifierCV",
)


def regressor(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """X @ coef + intercept."""
    return Prediction(_score(model, columns, scope).expression, _describe(model))


def generalized(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """A generalized linear model: the inverse of its link over the sum."""
    score = _score(model, columns, scope)
    value = inverse_link(model._get_loss().link, score, scope, "link")
    return Prediction(value, _describe(model))


def ransac(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """RANSACRegressor answers as the estimator that it chose."""
    return scope.predict(model.estimator_, columns, ".estimator_")


def classifier(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The sign of one score, or the greatest of several."""
    labels, scores = _class_scores(model, columns, scope)
    description = _describe(model)
    winner = _winner(scores, labels, scope)
    return Prediction(winner, description, labels, scores=tuple(scores))


def logistic_regression(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """Binary: the logistic function of one score. More classes: softmax."""
    labels, scores = _class_scores(model, columns, scope)
    probabilities: tuple[Expression, ...]
    if len(labels) == 2:
        probabilities = two(arithmetic.logistic(scores[0]))
    else:
        probabilities = softmax(scores, scope, finite=False)
    winner = _winner(scores, labels, scope)
    return Prediction(winner, _describe(model), labels, probabilities, tuple(scores))


def sgd_classifier(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """A linear classifier; probabilities for the losses log_loss and modified_huber."""
    labels, scores = _class_scores(model, columns, scope)
    shares = {"log_loss": arithmetic.logistic, "modified_huber": _modified_huber}.get(model.loss)
    probabilities: tuple[Expression, ...] = ()
    if shares:
        parts = [shares(score) for score in scores]
        probabilities = (
            two(parts[0]) if len(labels) == 2 else normalized(parts, scope, none=1.0 / len(parts))
        )
    winner = _winner(scores, labels, scope)
    return Prediction(winner, _describe(model), labels, probabilities, tuple(scores))


def _modified_huber(score: Expression) -> Expression:
    cut = sql.greatest([sql.number(-1.0), sql.least([sql.number(1.0), score])])
    return sql.divide(sql.add(cut, sql.number(1.0)), sql.number(2.0))


def _score(model: Any, columns: Sequence[Column], scope: Scope) -> arithmetic.Number:
    numbers = scope.numbers(columns)
    scope.require_finite(numbers)
    weights = np.asarray(model.coef_, dtype=np.float64)
    if weights.ndim == 2 and weights.shape[0] > 1:
        scope.refuse("it predicts several targets at once: deploy one model for each")
    intercept = np.ravel(np.asarray(model.intercept_, dtype=np.float64))
    return dot(numbers, weights.ravel(), float(intercept[0]) if len(intercept) else 0.0, scope)


def _class_scores(
    model: Any, columns: Sequence[Column], scope: Scope
) -> tuple[tuple[Any, ...], list[Expression]]:
    numbers = scope.numbers(columns)
    scope.require_finite(numbers)
    labels = labels_of(model.classes_, scope)
    weights = np.atleast_2d(np.asarray(model.coef_, dtype=np.float64))
    intercepts = np.broadcast_to(
        np.ravel(np.asarray(model.intercept_, dtype=np.float64)), (len(weights),)
    )
    if len(weights) not in (1, len(labels)):
        scope.refuse("it predicts several labels at once: deploy one model for each")
    scores = [dot(numbers, w, float(b), scope) for w, b in zip(weights, intercepts, strict=True)]
    return labels, [scope.let("score", score.expression) for score in scores]


def _winner(scores: Sequence[Expression], labels: Sequence[Any], scope: Scope) -> Expression:
    if len(scores) > 1:
        return first_greatest(scores, labels, scope)
    positive = sql.greater(scores[0], sql.number(0.0))
    return sql.case([(positive, label(labels[1]))], label(labels[0]))


def _describe(model: Any) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(model).__name__).lower()
    weights = np.size(model.coef_)
    return f"{words}, {weights} weight{'s' if weights > 1 else ''}"

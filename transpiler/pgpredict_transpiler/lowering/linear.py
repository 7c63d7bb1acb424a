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
    return Prediction(_score(model, columns, scope).expression, _describe(model, columns))


def generalized(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """A generalized linear model: the inverse of its link over the sum."""
    link = type(model._get_loss().link).__name__
    score = _score(model, columns, scope)
    if link == "LogLink":
        named = arithmetic.Number(scope.let("score", score.expression), score.range)
        return Prediction(arithmetic.exponential(named).expression, _describe(model, columns))
    if link != "IdentityLink":
        scope.refuse(f"its link {link} has no SQL form", "link")
    return Prediction(score.expression, _describe(model, columns))


def ransac(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """RANSACRegressor answers as the estimator that it chose."""
    from pgpredict_transpiler.lowering.registry import lower

    result = lower(model.estimator_, columns, scope, ".estimator_")
    assert isinstance(result, Prediction)
    return result


def classifier(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The sign of one score, or the greatest of several."""
    labels, scores = _class_scores(model, columns, scope)
    description = _describe(model, columns)
    winner = _winner(scores, labels, scope)
    return Prediction(winner, description, labels, scores=tuple(scores))


def logistic_regression(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """Binary: the logistic function of one score. More classes: softmax."""
    labels, scores = _class_scores(model, columns, scope)
    probabilities: tuple[Expression, ...]
    if len(labels) == 2:
        probabilities = _two(arithmetic.logistic(scores[0]))
    else:
        probabilities = softmax(scores, scope, finite=False)
    winner = _winner(scores, labels, scope)
    return Prediction(winner, _describe(model, columns), labels, probabilities, tuple(scores))


def sgd_classifier(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """A linear classifier; probabilities for the losses log_loss and modified_huber."""
    labels, scores = _class_scores(model, columns, scope)
    shares = {"log_loss": arithmetic.logistic, "modified_huber": _modified_huber}.get(model.loss)
    probabilities: tuple[Expression, ...] = ()
    if shares:
        parts = [shares(score) for score in scores]
        probabilities = _two(parts[0]) if len(labels) == 2 else normalized(parts, scope)
    winner = _winner(scores, labels, scope)
    return Prediction(winner, _describe(model, columns), labels, probabilities, tuple(scores))


def softmax(scores: Sequence[Expression], scope: Scope, *, finite: bool) -> tuple[Expression, ...]:
    """exp(score) over the sum of all.

    Args:
        scores: one a class, none of them NULL.
        scope: names the scores and their powers.
        finite: whether the scores are known to be finite; where they are not, numpy gives NaN and
            we give NULL.
    """
    named = [scope.let("score", score) for score in scores]
    best = scope.let("best", sql.greatest(named))
    powers = [scope.let("power", sql.exponential(_below(score, best))) for score in named]
    whole = scope.let("whole", sql.total(powers))
    shares = [sql.divide(power, whole) for power in powers]
    return tuple(shares if finite else [sql.null_if(share, sql.nan()) for share in shares])


def _below(score: Expression, best: Expression) -> Expression:
    """score - best, and -700 at least; cut first, since the difference could overflow."""
    limit = sql.number(arithmetic.EXPONENT_LIMIT)
    near = sql.greater_equal(score, sql.subtract(best, limit))
    return sql.case([(near, sql.subtract(score, best))], sql.number(-arithmetic.EXPONENT_LIMIT))


def normalized(parts: Sequence[Expression], scope: Scope) -> tuple[Expression, ...]:
    """Shares of the sum; equal ones where all parts are zero, as in scikit-learn's one-vs-rest."""
    named = [scope.let("share", part) for part in parts]
    whole = scope.let("whole", sql.total(named))
    equal = sql.number(1.0 / len(named))
    none = sql.equal(whole, sql.number(0.0))
    return tuple(sql.case([(none, equal)], sql.divide(part, whole)) for part in named)


def _modified_huber(score: Expression) -> Expression:
    cut = sql.greatest([sql.number(-1.0), sql.least([sql.number(1.0), score])])
    return sql.divide(sql.add(cut, sql.number(1.0)), sql.number(2.0))


def _two(second: Expression) -> tuple[Expression, Expression]:
    return sql.subtract(sql.number(1.0), second), second


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


def _describe(model: Any, columns: Sequence[Column]) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(model).__name__).lower()
    return f"{words}, {len(columns)} weights"

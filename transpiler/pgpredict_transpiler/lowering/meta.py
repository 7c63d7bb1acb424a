"""Estimators around other estimators: searches, one-vs-rest, targets that were transformed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sklearn.base import is_regressor

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Chain, Column
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.lowering import functions
from pgpredict_transpiler.lowering.links import normalized
from pgpredict_transpiler.lowering.scaling import scaled, shifted, unscaled
from pgpredict_transpiler.prediction import Prediction, first_greatest, label, labels_of
from pgpredict_transpiler.scope import Scope

SEARCHES = (
    "GridSearchCV",
    "HalvingGridSearchCV",
    "HalvingRandomSearchCV",
    "RandomizedSearchCV",
)


def search(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column] | Prediction:
    """The best estimator that was found."""
    if not hasattr(model, "best_estimator_"):
        scope.refuse("it kept no estimator: search with refit=True", "refit=False")
    return scope.lower(model.best_estimator_, columns, ".best_estimator_")


# One-vs-rest


def one_vs_rest(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The class whose own estimator is the surest; of equals the first."""
    if model.multilabel_:
        scope.refuse("it predicts several labels at once: deploy one model for each")
    labels = labels_of(model.classes_, scope)
    if len(labels) == 1:
        scope.refuse("it was fitted on one class only")
    parts = [
        scope.predict(estimator, columns, f".estimators_[{i}]")
        for i, estimator in enumerate(model.estimators_)
    ]
    scores = [_score(e, part) for e, part in zip(model.estimators_, parts, strict=True)]
    description = f"one of {len(labels)} against the rest, each {parts[0].description}"
    shares = tuple(part.probabilities[1] for part in parts if part.probabilities)
    if len(scores) == 1:
        threshold = sql.number(0.0 if parts[0].scores else 0.5)
        winner = sql.case([(sql.greater(scores[0], threshold), label(labels[1]))], label(labels[0]))
        return Prediction(winner, description, labels, parts[0].probabilities, parts[0].scores)
    return Prediction(
        first_greatest(scores, labels, scope),
        description,
        labels,
        normalized(shares, scope, none=0.0) if len(shares) == len(labels) else (),
        tuple(scores) if all(part.scores for part in parts) else (),
    )


def _score(estimator: Any, prediction: Prediction) -> Expression:
    """How sure an estimator is: its decision function if it has one, else its probability."""
    if is_regressor(estimator):
        return prediction.value
    return prediction.scores[0] if prediction.scores else prediction.probabilities[1]


# A target that was transformed before the fit


def transformed_target(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The regressor's answer, transformed back."""
    if model._training_dim != 1:
        scope.refuse("it predicts several targets at once: deploy one model for each")
    inner = scope.predict(model.regressor_, columns, ".regressor_")
    value = scope.let("transformed", inner.value)
    column = Column(value, chain=Chain(value))
    back = _inverse(model.transformer_, column, scope.at(model.transformer_, ".transformer_"))
    return Prediction(back.expression, inner.description)


def _inverse(transformer: Any, column: Column, scope: Scope) -> Column:
    name = type(transformer).__name__
    if name == "Pipeline":
        for step, part in reversed(transformer.steps):
            if part not in (None, "passthrough"):
                column = _inverse(part, column, scope.at(part, f"[{step!r}]"))
        return column
    if name == "FunctionTransformer":
        return _inverse_function(transformer, column, scope)
    if name not in INVERSES:
        scope.refuse(
            f"its inverse has no SQL form; those of {', '.join(INVERSES)} and "
            "FunctionTransformer have one"
        )
    scope.require_finite([column], may_be_missing=True)
    return INVERSES[name](transformer, column)


def _inverse_function(transformer: Any, column: Column, scope: Scope) -> Column:
    if transformer.inv_kw_args:
        scope.refuse("its inverse takes further arguments, which have no SQL form", "inv_kw_args")
    if transformer.validate:
        scope.require_finite([column])
    if transformer.inverse_func is None:
        return column
    (result,) = functions.apply(transformer.inverse_func, [column], scope)
    return result


def _standard(scaler: Any, column: Column) -> Column:
    column = scaled(column, float(scaler.scale_[0])) if scaler.with_std else column
    return shifted(column, float(scaler.mean_[0])) if scaler.with_mean else column


def _robust(scaler: Any, column: Column) -> Column:
    column = scaled(column, float(scaler.scale_[0])) if scaler.with_scaling else column
    return shifted(column, float(scaler.center_[0])) if scaler.with_centering else column


def _min_max(scaler: Any, column: Column) -> Column:
    return unscaled(shifted(column, -float(scaler.min_[0])), float(scaler.scale_[0]))


INVERSES: dict[str, Callable[[Any, Column], Column]] = {
    "MaxAbsScaler": lambda scaler, column: scaled(column, float(scaler.scale_[0])),
    "MinMaxScaler": _min_max,
    "RobustScaler": _robust,
    "StandardScaler": _standard,
}

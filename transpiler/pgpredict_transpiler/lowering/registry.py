"""Every estimator that has a lowering: one line each.

A key is the package and the class, whichever module of the package the class hides in; so nothing
has to be imported to look an estimator up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sklearn.exceptions import NotFittedError
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils.validation import check_is_fitted

from pgpredict_transpiler.columns import Column
from pgpredict_transpiler.errors import NotFitted
from pgpredict_transpiler.lowering import (
    boosting,
    compose,
    dummy,
    encoding,
    functions,
    imputing,
    linear,
    meta,
    scaling,
    trees,
)
from pgpredict_transpiler.scope import Lowered, Scope

Lowering = Callable[[Any, Sequence[Column], Scope], Lowered]

REGISTRY: dict[str, Lowering] = {
    # composition
    "sklearn.Pipeline": compose.pipeline,
    "sklearn.ColumnTransformer": compose.column_transformer,
    "sklearn.FeatureUnion": compose.feature_union,
    **dict.fromkeys((f"sklearn.{name}" for name in meta.SEARCHES), meta.search),
    "sklearn.OneVsRestClassifier": meta.one_vs_rest,
    "sklearn.TransformedTargetRegressor": meta.transformed_target,
    # scaling
    "sklearn.StandardScaler": scaling.standard_scaler,
    "sklearn.MinMaxScaler": scaling.min_max_scaler,
    "sklearn.RobustScaler": scaling.robust_scaler,
    "sklearn.MaxAbsScaler": scaling.max_abs_scaler,
    # missing values
    "sklearn.SimpleImputer": imputing.simple_imputer,
    "sklearn.MissingIndicator": imputing.missing_indicator,
    # categories
    "sklearn.OneHotEncoder": encoding.one_hot_encoder,
    "sklearn.OrdinalEncoder": encoding.ordinal_encoder,
    # functions
    "sklearn.FunctionTransformer": functions.function_transformer,
    # linear models
    **dict.fromkeys((f"sklearn.{name}" for name in linear.REGRESSORS), linear.regressor),
    **dict.fromkeys((f"sklearn.{name}" for name in linear.GENERALIZED), linear.generalized),
    "sklearn.RANSACRegressor": linear.ransac,
    **dict.fromkeys((f"sklearn.{name}" for name in linear.CLASSIFIERS), linear.classifier),
    "sklearn.SGDClassifier": linear.sgd_classifier,
    "sklearn.LogisticRegression": linear.logistic_regression,
    "sklearn.LogisticRegressionCV": linear.logistic_regression,
    # constants
    "sklearn.DummyRegressor": dummy.dummy_regressor,
    "sklearn.DummyClassifier": dummy.dummy_classifier,
    # trees
    "sklearn.DecisionTreeRegressor": trees.tree_regressor,
    "sklearn.ExtraTreeRegressor": trees.tree_regressor,
    "sklearn.DecisionTreeClassifier": trees.tree_classifier,
    "sklearn.ExtraTreeClassifier": trees.tree_classifier,
    "sklearn.RandomForestRegressor": trees.forest_regressor,
    "sklearn.ExtraTreesRegressor": trees.forest_regressor,
    "sklearn.RandomForestClassifier": trees.forest_classifier,
    "sklearn.ExtraTreesClassifier": trees.forest_classifier,
    # boosting
    "sklearn.GradientBoostingRegressor": boosting.gradient_boosting_regressor,
    "sklearn.GradientBoostingClassifier": boosting.gradient_boosting_classifier,
    "sklearn.HistGradientBoostingRegressor": boosting.histogram_regressor,
    "sklearn.HistGradientBoostingClassifier": boosting.histogram_classifier,
}

COMPOSITES = (
    "Pipeline",
    "ColumnTransformer",
    "FeatureUnion",
    "OneVsRestClassifier",
    "RANSACRegressor",
    "TransformedTargetRegressor",
    *meta.SEARCHES,
)


def lower(estimator: Any, columns: Sequence[Column], scope: Scope, part: str = "") -> Lowered:
    """Lower a fitted estimator over its input columns.

    Args:
        estimator: a fitted estimator.
        columns: its inputs.
        scope: the scope of what the estimator is part of.
        part: what leads from there to the estimator: ``['scale']``.

    Returns:
        A transformer's output columns, or a predictor's prediction.

    Raises:
        UnsupportedEstimator: it has no lowering, or one of its options has none.
        NotFitted: it was never fitted.
        InvalidSample: the sample lacks one of its columns.
    """
    inside = scope.at(estimator, part)
    lowering = REGISTRY.get(
        f"{type(estimator).__module__.split('.')[0]}.{type(estimator).__name__}"
    )
    if lowering is None:
        inside.refuse(_why_unknown(estimator))
    _check_fitted(estimator, inside)
    if type(estimator).__name__ not in COMPOSITES:
        _check_width(estimator, columns, inside)
        inside.use(columns)
    return lowering(estimator, columns, inside)


def _why_unknown(estimator: Any) -> str:
    if not hasattr(estimator, "get_params"):
        return f"a {type(estimator).__name__} is not a scikit-learn estimator"
    return "no lowering to SQL is registered for it"


def _check_width(estimator: Any, columns: Sequence[Column], scope: Scope) -> None:
    """Refuse a step that does not fit the one before it: it was fitted again, or on its own."""
    expected = getattr(estimator, "n_features_in_", len(columns))
    if expected != len(columns):
        scope.refuse(f"it was fitted on {expected} columns, and gets {len(columns)} here")


def _check_fitted(estimator: Any, scope: Scope) -> None:
    if isinstance(estimator, (Pipeline, FeatureUnion)):
        return  # each step is asked itself, so that the message names the step
    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise NotFitted(scope.estimator, scope.path) from None
    except TypeError:  # a class, not an instance
        scope.refuse("it is not an estimator that was fitted, but a class or a function")

"""Estimators around other estimators, and those that answer the same whatever they are asked."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn import linear_model, preprocessing
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401  # scikit-learn asks for it
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.transpiler.parity.case import NUMBERS, Case, mixed_frame

Fitted = tuple[Any, pd.DataFrame]


def _fit(model: Any, target: str = "score", columns: list[str] = NUMBERS) -> Fitted:
    frame, score, label = mixed_frame()
    targets = {
        "score": score, "positive": score.abs() + 0.1, "label": label, "bool": score > 4,
        "int": (score > 4) * 3, "float": score.round(1) % 3,
    }  # fmt: skip
    return model.fit(frame[columns], targets[target]), frame[columns]


def _scaled(model: Any) -> Any:
    return make_pipeline(preprocessing.StandardScaler(), model)


def _mixed() -> Any:
    categories = preprocessing.OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer(
        (categories, ["plan", "region"]), remainder=preprocessing.StandardScaler()
    )
    return make_pipeline(columns, linear_model.LogisticRegression(max_iter=300))


def _target(regressor: Any, transformer: Any = None, **functions: Any) -> Any:
    return TransformedTargetRegressor(regressor, transformer=transformer, **functions)


def _two_texts() -> Fitted:
    frame, _, _ = mixed_frame()
    labels = np.where(frame["ratio"] > 0, "yes", "no")
    model = OneVsRestClassifier(DecisionTreeClassifier(max_depth=2))
    return model.fit(frame[NUMBERS], labels), frame[NUMBERS]


LEAVES = {"max_depth": [2, 4]}
SEARCHES: dict[str, Any] = {
    "GridSearchCV": lambda model, options: GridSearchCV(model, options, cv=2),
    "RandomizedSearchCV": lambda model, options: RandomizedSearchCV(model, options, n_iter=2, cv=2),
    "HalvingGridSearchCV": lambda model, options: HalvingGridSearchCV(
        model, options, min_resources=100, cv=2
    ),
    "HalvingRandomSearchCV": lambda model, options: HalvingRandomSearchCV(
        model, options, n_candidates=2, min_resources=100, cv=2
    ),
}
REST: dict[str, Any] = {
    "logistic": _scaled(linear_model.LogisticRegression()),
    "support vectors": _scaled(LinearSVC()),
    "trees": DecisionTreeClassifier(max_depth=3),
    "full trees": DecisionTreeClassifier(),
    "boosting": GradientBoostingClassifier(n_estimators=4),
    "a regressor": _scaled(linear_model.Ridge()),
    "a regression tree": DecisionTreeRegressor(max_depth=3),
    "modified huber": _scaled(linear_model.SGDClassifier(loss="modified_huber", random_state=0)),
}
TARGETS: dict[str, Any] = {
    "logarithm": _target(_scaled(linear_model.Ridge()), func=np.log, inverse_func=np.exp),
    "logarithm, raw": _target(linear_model.Ridge(), func=np.log, inverse_func=np.exp),
    "log1p, trees": _target(DecisionTreeRegressor(max_depth=4), func=np.log1p, inverse_func=np.expm1),
    "root, boosting": _target(HistGradientBoostingRegressor(max_iter=5), func=np.sqrt, inverse_func=np.square),
    "square": _target(linear_model.Ridge(), func=np.square, inverse_func=np.sqrt),
    "nothing": _target(linear_model.Ridge()),
    **{f"{type(scaler).__name__}": _target(linear_model.Ridge(), scaler) for scaler in (
        preprocessing.StandardScaler(), preprocessing.RobustScaler(), preprocessing.MinMaxScaler((1, 3)),
        preprocessing.MaxAbsScaler())},
    "bare scalers": _target(linear_model.Ridge(), make_pipeline(
        preprocessing.StandardScaler(with_mean=False), preprocessing.RobustScaler(with_scaling=False))),
    "a function": _target(linear_model.Ridge(), preprocessing.FunctionTransformer(np.log1p, np.expm1)),
}  # fmt: skip
CONSTANTS: dict[str, Any] = {
    "mean": DummyRegressor(),
    "median": DummyRegressor(strategy="median"),
    "quantile": DummyRegressor(strategy="quantile", quantile=0.9),
    "constant": DummyRegressor(strategy="constant", constant=7.25),
}

CASES = [
    *(Case(f"a tree, {name}", (f"sklearn.{name}",),
           partial(_fit, SEARCHES[name](DecisionTreeClassifier(random_state=0), LEAVES), "label"))
      for name in SEARCHES),
    Case("a pipeline", ("sklearn.GridSearchCV",),
         lambda: _fit(GridSearchCV(_mixed(), {"logisticregression__C": [0.1, 1]}, cv=2), "bool", [*NUMBERS, "plan", "region", "active"])),
    *(Case(f"{name}, {target}", ("sklearn.OneVsRestClassifier",),
           partial(_fit, OneVsRestClassifier(REST[name]), target))
      for name in REST for target in ("label", "bool")),
    Case("one-vs-rest of whole numbers", ("sklearn.OneVsRestClassifier",),
         lambda: _fit(OneVsRestClassifier(_scaled(linear_model.LogisticRegression())), "int")),
    Case("one-vs-rest of two texts", ("sklearn.OneVsRestClassifier",), _two_texts),
    *(Case(f"target, {name}", ("sklearn.TransformedTargetRegressor",), partial(_fit, TARGETS[name], "positive"))
      for name in TARGETS),
    *(Case(name, ("sklearn.DummyRegressor",), partial(_fit, CONSTANTS[name])) for name in CONSTANTS),
    *(Case(f"{strategy}, {target}", ("sklearn.DummyClassifier",),
           partial(_fit, DummyClassifier(strategy=strategy), target))
      for strategy in ("prior", "most_frequent") for target in ("label", "bool")),
    Case("constant", ("sklearn.DummyClassifier",), lambda: _fit(DummyClassifier(strategy="constant", constant="mid"), "label")),
    Case("constant of whole numbers", ("sklearn.DummyClassifier",), lambda: _fit(DummyClassifier(strategy="constant", constant=0), "int")),
]  # fmt: skip

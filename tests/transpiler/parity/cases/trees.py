"""Trees, forests and boosting, alone and behind scalers."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn import ensemble, tree
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from tests.transpiler.parity.case import NUMBERS, Case, mixed_frame

GAPPY = [*NUMBERS, "gap", "active"]


def _fit(
    model: Any, columns: list[str] = NUMBERS, target: str = "score"
) -> tuple[Any, pd.DataFrame]:
    frame, score, label = mixed_frame()
    targets = {
        "score": score,
        "positive": score.abs() + 0.1,
        "label": label,
        "bool": score > 4,
        "int": (score > 4) * 3,
    }
    return model.fit(frame[columns], targets[target]), frame[columns]


def _real(model: Any, load: Any) -> tuple[Any, pd.DataFrame]:
    frame, target = load(return_X_y=True, as_frame=True)
    return model.fit(frame, target), frame


def _categorical(model: Any, target: str = "score") -> tuple[Any, pd.DataFrame]:
    frame, score, label = mixed_frame()
    frame = frame.astype({"plan": "category", "region": "category"})
    return model.fit(frame, label if target == "label" else score), frame


def _array(model: Any) -> tuple[Any, pd.DataFrame]:
    frame, score, _ = mixed_frame()
    return model.fit(frame[NUMBERS].to_numpy(), score), frame[NUMBERS]


def _numeric_categories() -> tuple[Any, pd.DataFrame]:
    frame, score, _ = mixed_frame()
    frame = frame[["ratio", "count"]].assign(
        count=frame["count"].where(frame["count"] != 3, np.nan).astype(float)
    )
    model = ensemble.HistGradientBoostingRegressor(max_iter=10, categorical_features=["count"])
    return model.fit(frame, score), frame


REGRESSORS = ("DecisionTreeRegressor", "ExtraTreeRegressor")
CLASSIFIERS = ("DecisionTreeClassifier", "ExtraTreeClassifier")
FOREST_REGRESSORS = ("RandomForestRegressor", "ExtraTreesRegressor")
FOREST_CLASSIFIERS = ("RandomForestClassifier", "ExtraTreesClassifier")
SCALERS = (
    StandardScaler(),
    MinMaxScaler((-3, 7)),
    RobustScaler(),
    MaxAbsScaler(),
    MinMaxScaler(clip=True),
)

CASES = [
    *(Case(f"{name}, {columns}", (f"sklearn.{name}",),
           partial(_fit, getattr(tree, name)(random_state=0), columns))
      for name in REGRESSORS for columns in (NUMBERS, GAPPY)),
    *(Case(f"{name}, {target}, {columns}", (f"sklearn.{name}",),
           partial(_fit, getattr(tree, name)(random_state=0, max_depth=6), columns, target))
      for name in CLASSIFIERS for target in ("label", "bool") for columns in (NUMBERS, GAPPY)),
    *(Case(f"{name}, {columns}", (f"sklearn.{name}",),
           partial(_fit, getattr(ensemble, name)(n_estimators=12, random_state=0), columns))
      for name in FOREST_REGRESSORS for columns in (NUMBERS, GAPPY)),
    *(Case(f"{name}, {target}", (f"sklearn.{name}",),
           partial(_fit, getattr(ensemble, name)(n_estimators=11, max_depth=5, random_state=0), GAPPY, target))
      for name in FOREST_CLASSIFIERS for target in ("label", "bool", "int")),
    Case("iris, full depth", ("sklearn.RandomForestClassifier",),
         lambda: _real(ensemble.RandomForestClassifier(30, random_state=0), load_iris)),
    Case("a single leaf", ("sklearn.DecisionTreeClassifier",),
         lambda: _fit(tree.DecisionTreeClassifier(max_depth=1, min_samples_leaf=400), NUMBERS, "label")),
    Case("monotonic", ("sklearn.DecisionTreeRegressor",),
         lambda: _fit(tree.DecisionTreeRegressor(max_depth=4, monotonic_cst=[1, 0, 0, 0]))),
    Case("absolute error", ("sklearn.DecisionTreeRegressor",),
         lambda: _fit(tree.DecisionTreeRegressor(max_depth=4, criterion="absolute_error"))),
    *(Case(f"{loss}", ("sklearn.GradientBoostingRegressor",),
           partial(_fit, ensemble.GradientBoostingRegressor(loss=loss, n_estimators=20)))
      for loss in ("squared_error", "absolute_error", "huber", "quantile")),
    Case("diabetes, 120 trees", ("sklearn.GradientBoostingRegressor",),
         lambda: _real(ensemble.GradientBoostingRegressor(n_estimators=120), load_diabetes)),
    Case("from zero", ("sklearn.GradientBoostingRegressor",),
         lambda: _fit(ensemble.GradientBoostingRegressor(init="zero", n_estimators=5))),
    *(Case(f"{loss}, {target}", ("sklearn.GradientBoostingClassifier",),
           partial(_fit, ensemble.GradientBoostingClassifier(loss=loss, n_estimators=12), NUMBERS, target))
      for loss, target in (("log_loss", "bool"), ("exponential", "bool"), ("log_loss", "label"))),
    *(Case(f"histogram, {loss}", ("sklearn.HistGradientBoostingRegressor",),
           partial(_fit, ensemble.HistGradientBoostingRegressor(loss=loss, max_iter=15, **({"quantile": 0.3} if loss == "quantile" else {})), GAPPY, "positive"))
      for loss in ("squared_error", "absolute_error", "gamma", "poisson", "quantile")),
    *(Case(f"histogram, {target}", ("sklearn.HistGradientBoostingClassifier",),
           partial(_fit, ensemble.HistGradientBoostingClassifier(max_iter=10), GAPPY, target))
      for target in ("label", "bool")),
    Case("histogram, wine", ("sklearn.HistGradientBoostingClassifier",),
         lambda: _real(ensemble.HistGradientBoostingClassifier(max_iter=10), load_wine)),
    Case("histogram, breast cancer", ("sklearn.HistGradientBoostingClassifier",),
         lambda: _real(ensemble.HistGradientBoostingClassifier(max_iter=30), load_breast_cancer)),
    Case("histogram, categories of the frame", ("sklearn.HistGradientBoostingRegressor",),
         lambda: _categorical(ensemble.HistGradientBoostingRegressor(max_iter=15))),
    Case("histogram, categories, three classes", ("sklearn.HistGradientBoostingClassifier",),
         lambda: _categorical(ensemble.HistGradientBoostingClassifier(max_iter=8), "label")),
    Case("histogram, categories that are numbers", ("sklearn.HistGradientBoostingRegressor",), _numeric_categories),
    Case("fitted on an array", ("sklearn.GradientBoostingRegressor",),
         lambda: _array(ensemble.GradientBoostingRegressor(n_estimators=5))),
    *(Case(f"behind {scaler}", (f"sklearn.{type(scaler).__name__}",),
           partial(_fit, make_pipeline(scaler, ensemble.GradientBoostingRegressor(n_estimators=15))))
      for scaler in SCALERS),
    *(Case(f"histogram behind {scaler}", (f"sklearn.{type(scaler).__name__}",),
           partial(_fit, make_pipeline(scaler, ensemble.HistGradientBoostingRegressor(max_iter=15)), GAPPY))
      for scaler in SCALERS),
]  # fmt: skip

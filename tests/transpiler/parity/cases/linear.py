"""Linear models, regressors and classifiers."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import pandas as pd
from sklearn import linear_model, svm
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pgpredict_transpiler.lowering.linear import CLASSIFIERS, GENERALIZED, REGRESSORS
from tests.transpiler.parity.case import NUMBERS, Case, mixed_frame

SMALL = ["ratio", "count"]


def _model(name: str, **options: Any) -> Any:
    module = svm if hasattr(svm, name) else linear_model
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # some go away in later versions
        return getattr(module, name)(**options)


def _regressor(
    name: str, columns: list[str], scaled: bool, **options: Any
) -> tuple[Any, pd.DataFrame]:
    frame, target, _ = mixed_frame()
    model = _model(name, **options)
    return _fitted(
        make_pipeline(StandardScaler(), model) if scaled else model,
        frame[columns],
        target.abs() + 0.1,
    )


def _classifier(
    model: Any, classes: int, scaled: bool = True, labels: str = "text"
) -> tuple[Any, pd.DataFrame]:
    frame, score, label = mixed_frame()
    target: Any = label if classes == 3 else (score > 4)
    if labels == "int":
        target = (
            target.map({"high": 7, "mid": -2, "low": 10**12})
            if classes == 3
            else target.astype(int)
        )
    if labels == "float":
        target = target.astype(float) + 1
    return _fitted(
        make_pipeline(StandardScaler(), model) if scaled else model, frame[NUMBERS], target
    )


def _fitted(model: Any, frame: pd.DataFrame, target: Any) -> tuple[Any, pd.DataFrame]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        return model.fit(frame, target), frame


CASES = [
    *(Case(f"{name}, scaled", (f"sklearn.{name}", "sklearn.Pipeline", "sklearn.StandardScaler"),
           partial(_regressor, name, NUMBERS, True)) for name in REGRESSORS),
    *(Case(f"{name}, raw", (f"sklearn.{name}",), partial(_regressor, name, SMALL, False))
      for name in REGRESSORS + GENERALIZED),
    Case("no intercept", ("sklearn.LinearRegression",), lambda: _regressor("LinearRegression", NUMBERS, False, fit_intercept=False)),
    Case("all weights zero", ("sklearn.Lasso",), lambda: _regressor("Lasso", NUMBERS, True, alpha=1e6)),
    Case("identity link", ("sklearn.TweedieRegressor",), lambda: _regressor("TweedieRegressor", NUMBERS, True, power=0)),
    Case("ransac", ("sklearn.RANSACRegressor",), lambda: _regressor("RANSACRegressor", NUMBERS, True, random_state=0)),
    *(Case(f"{name}, {classes} classes", (f"sklearn.{name}",),
           partial(_classifier, _model(name), classes))
      for name in (*CLASSIFIERS, "LogisticRegression", "LogisticRegressionCV", "SGDClassifier") for classes in (2, 3)),
    *(Case(f"{loss}, {classes} classes", ("sklearn.SGDClassifier",),
           partial(_classifier, _model("SGDClassifier", loss=loss, random_state=1), classes))
      for loss in ("log_loss", "modified_huber", "hinge", "squared_error") for classes in (2, 3)),
    *(Case(f"labels {labels}, {classes} classes", ("sklearn.LogisticRegression",),
           partial(_classifier, _model("LogisticRegression"), classes, labels=labels))
      for labels, classes in (("int", 2), ("int", 3), ("float", 2))),
    Case("logistic, raw", ("sklearn.LogisticRegression",), lambda: _classifier(_model("LogisticRegression", max_iter=20), 3, scaled=False)),
]  # fmt: skip

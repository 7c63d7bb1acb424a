"""What has no SQL form is refused before anything is made, with the place and the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    PowerTransformer,
)
from sklearn.tree import DecisionTreeClassifier

from pgpredict_transpiler import InvalidSample, UnsupportedEstimator, transpile

X = pd.DataFrame({"amount": [1.0, 2.0, 4.0, 8.0], "count": [3.0, 1.0, 2.0, 2.0]})
Y = pd.Series([1.0, 3.0, 2.0, 5.0])
LABELS = pd.Series(["low", "high", "low", "high"])
DAYS = pd.DataFrame(
    {"day": pd.to_datetime(["2013-01-01", "2013-01-02", "2013-01-03", "2013-01-02"])}
)


def double(values: Any) -> Any:
    return values * 2


def _after(step: Any) -> Any:
    return make_pipeline(step, LinearRegression()).fit(X, Y)


def _both_labels() -> Any:
    both = np.array([[1, 0], [0, 1], [1, 1], [0, 0]])
    return OneVsRestClassifier(DecisionTreeClassifier()).fit(X, both)


def _target(transformer: Any) -> Any:
    return TransformedTargetRegressor(Ridge(), transformer=transformer).fit(X, Y)


REFUSED: dict[str, tuple[Callable[[], Any], str, str]] = {
    "a function of the user's own": (
        lambda: _after(FunctionTransformer(double)),
        "pipeline['functiontransformer']",
        "double is Python code and has no SQL form here; these functions of numpy have one: abs",
    ),
    "another function of numpy": (
        lambda: _after(FunctionTransformer(np.logical_not)),
        "pipeline['functiontransformer']",
        "logical_not of numpy has no SQL form",
    ),
    "arguments of a function": (
        lambda: _after(FunctionTransformer(np.round, kw_args={"decimals": 1})),
        "pipeline['functiontransformer']",
        "takes further arguments",
    ),
    "answers at random": (
        lambda: DummyClassifier(strategy="stratified").fit(X, LABELS),
        "pipeline",
        "answers at random",
    ),
    "several labels": (_both_labels, "pipeline", "several labels at once"),
    "a search that kept nothing": (
        lambda: GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2, refit=False).fit(X, Y),
        "pipeline",
        "search with refit=True",
    ),
    "an inverse without SQL": (
        lambda: _target(PowerTransformer()),
        "pipeline.transformer_",
        "its inverse has no SQL form",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_the_refusal_says_where_and_why(name: str) -> None:
    fit, path, reason = REFUSED[name]
    with pytest.raises(UnsupportedEstimator) as refusal:
        transpile(fit(), X)
    assert refusal.value.path == path
    assert reason in refusal.value.why


@pytest.mark.parametrize("step", [OneHotEncoder(), OrdinalEncoder()])
def test_timestamps_are_no_categories(step: Any) -> None:
    with pytest.raises(UnsupportedEstimator, match="is not supported") as refusal:
        transpile(step.fit(DAYS), DAYS)
    assert "its categories are timestamps" in refusal.value.why


def test_timestamps_are_not_imputed() -> None:
    frame = DAYS.assign(plan=["a", "b", "b", "b"])
    imputer = SimpleImputer(strategy="most_frequent").fit(frame)
    with pytest.raises(UnsupportedEstimator, match="is not supported") as refusal:
        transpile(imputer, frame)
    assert "it imputes timestamps" in refusal.value.why


def test_a_sample_of_another_type_than_the_categories() -> None:
    model = make_pipeline(OneHotEncoder(), Ridge()).fit(X[["count"]], Y)
    other = pd.DataFrame({"count": ["three", "one"]})
    with pytest.raises(InvalidSample, match="'count' of the sample is text, but OneHotEncoder"):
        transpile(model, other)


def test_text_where_numbers_are_imputed() -> None:
    model = make_pipeline(SimpleImputer(), Ridge()).fit(X, Y)
    with pytest.raises(InvalidSample, match="'count' of the sample is text"):
        transpile(model, X.assign(count="three"))


def test_steps_that_were_fitted_apart() -> None:
    model = make_pipeline(FunctionTransformer(np.negative), Ridge()).fit(X, Y)
    model[0].fit(X[["amount"]])  # another pipeline shares it
    with pytest.raises(UnsupportedEstimator, match="Ridge at") as refusal:
        transpile(model, X)
    assert refusal.value.why == "it was fitted on 2 columns, and gets 1 here"

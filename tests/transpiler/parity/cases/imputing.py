"""Imputers, each before a sum and before trees."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from tests.transpiler.parity.case import Case, mixed_frame

HEADS: dict[str, Callable[[], Any]] = {
    "sum": Ridge,
    "tree": lambda: DecisionTreeRegressor(max_depth=6, random_state=0),
    "histogram": lambda: HistGradientBoostingRegressor(max_iter=5),
}
FILLED = ("sum", "tree")  # where nothing is missing any more all trees are alike
NUMBERS = ["gap", "ratio", "count"]
TEXTS = ["plan", "region"]
COVERS = ("sklearn.SimpleImputer",)


def _frame() -> tuple[pd.DataFrame, pd.Series]:
    """The mixed frame with holes of several kinds."""
    frame, score, _ = mixed_frame()
    rng = np.random.default_rng(3)
    frame["ratio"] = frame["ratio"].where(rng.random(len(frame)) < 0.9)
    frame["coded"] = np.where(rng.random(len(frame)) < 0.2, -1.0, frame["amount"].round(1))
    frame["zeros"] = frame["count"].astype(float).where(frame["count"] > 3, 0.0)
    frame["empty"] = np.nan
    frame["marked"] = frame["region"].where(rng.random(len(frame)) < 0.8, "?")
    frame["blank"] = frame["region"].where(rng.random(len(frame)) < 0.8, "")
    unsure = frame["active"].astype(object)
    frame["unsure"] = unsure.where(rng.random(len(frame)) < 0.8, np.nan)
    return frame, score + frame["gap"].isna() * 2 + (frame["coded"] == -1) * 3


def _case(
    name: str, transformer: Any, columns: list[str], head: str, covers: tuple[str, ...] = COVERS
) -> Case:
    def fit() -> tuple[Any, pd.DataFrame]:
        frame, target = _frame()
        model = make_pipeline(transformer, HEADS[head]())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a column without any value
            return model.fit(frame[columns], target), frame[columns]

    return Case(f"{name}, {head}", covers, fit)


def _spread(values: np.ndarray) -> float:
    return float(np.max(values) - np.min(values))


def _with_none() -> tuple[Any, pd.DataFrame]:
    """Text whose missing values are None to Python, as pandas 2 reads them from a database."""
    frame, target = _frame()
    texts = frame[TEXTS].astype(object)
    texts["plan"] = texts["plan"].where(texts["plan"].notna(), None)
    imputer = SimpleImputer(missing_values=None, strategy="most_frequent")
    model = make_pipeline(imputer, OneHotEncoder(handle_unknown="ignore"), Ridge())
    return model.fit(texts, target), texts


def _array() -> tuple[Any, pd.DataFrame]:
    frame, target = _frame()
    model = make_pipeline(SimpleImputer(add_indicator=True), DecisionTreeRegressor(max_depth=5))
    return model.fit(frame[NUMBERS].to_numpy(), target), frame[NUMBERS]


ON_NUMBERS = {
    "mean": SimpleImputer(),
    "median": SimpleImputer(strategy="median"),
    "most frequent": SimpleImputer(strategy="most_frequent"),
    "constant": SimpleImputer(strategy="constant"),
    "constant -7.5": SimpleImputer(strategy="constant", fill_value=-7.5),
    "callable": SimpleImputer(strategy=_spread),
    "pandas.NA": SimpleImputer(missing_values=pd.NA),
    "indicator": SimpleImputer(add_indicator=True),
    "indicator, median": SimpleImputer(strategy="median", add_indicator=True),
}
ON_EMPTY = {
    "dropped": SimpleImputer(),
    "dropped, indicator": SimpleImputer(add_indicator=True),
    "kept": SimpleImputer(keep_empty_features=True),
    "kept, indicator": SimpleImputer(keep_empty_features=True, add_indicator=True),
    "constant": SimpleImputer(strategy="constant", fill_value=3.0),
    "constant, kept": SimpleImputer(strategy="constant", fill_value=3.0, keep_empty_features=True),
}
ON_MARKED = {
    "-1": (SimpleImputer(missing_values=-1), ["coded", "zeros"]),
    "-1, indicator": (SimpleImputer(missing_values=-1, add_indicator=True), ["coded", "zeros"]),
    "0": (SimpleImputer(missing_values=0, strategy="median"), ["coded", "zeros"]),
    "0, most frequent": (SimpleImputer(missing_values=0, strategy="most_frequent"), ["zeros"]),
}
ON_TEXT = {
    "most frequent": (SimpleImputer(strategy="most_frequent"), TEXTS),
    "missing_value": (SimpleImputer(strategy="constant"), TEXTS),
    "constant": (SimpleImputer(strategy="constant", fill_value="it's not there"), TEXTS),
    "?": (SimpleImputer(missing_values="?", strategy="most_frequent"), ["marked", "region"]),
    "empty text": (SimpleImputer(missing_values="", strategy="most_frequent"), ["blank", "marked"]),
    "numbers too": (SimpleImputer(strategy="most_frequent"), ["plan", "count", "active"]),
    "a text for numbers": (SimpleImputer(strategy="constant"), ["plan", "count"]),
    "booleans": (SimpleImputer(strategy="most_frequent"), ["unsure", "plan"]),
}
SCALED = make_pipeline(SimpleImputer(), StandardScaler())
SCALED_FIRST = make_pipeline(StandardScaler(), SimpleImputer(strategy="median"))
TWICE = make_pipeline(SimpleImputer(missing_values=np.nan), SimpleImputer(missing_values=0))
AFTER_CODES = make_pipeline(
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan),
    SimpleImputer(strategy="most_frequent", add_indicator=True),
)
MARKED_CODES = make_pipeline(
    OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1),
    SimpleImputer(missing_values=-1, strategy="mean", add_indicator=True),
)
INDICATORS = {
    "missing only": (MissingIndicator(error_on_new=False), [*NUMBERS, "coded"]),
    "raises on new ones": (MissingIndicator(), [*NUMBERS, "coded"]),
    "all": (MissingIndicator(features="all"), NUMBERS),
    "-1": (MissingIndicator(missing_values=-1), ["coded", "zeros"]),
    "text": (MissingIndicator(features="all"), ["plan", "gap"]),
}


def _beside(columns: list[str], indicator: Any) -> Any:
    """Indicators beside what they tell of."""
    values = SimpleImputer(missing_values=indicator.missing_values, strategy="most_frequent")
    return make_union(
        make_column_transformer((values, [c for c in columns if c != "plan"])), indicator
    )


CASES = [
    *(_case(name, imputer, NUMBERS, head) for name, imputer in ON_NUMBERS.items() for head in FILLED),
    *(_case(f"an empty column, {name}", imputer, ["gap", "empty", "ratio"], head)
      for name, imputer in ON_EMPTY.items() for head in FILLED),
    *(_case(f"missing is {name}", imputer, columns, head)
      for name, (imputer, columns) in ON_MARKED.items() for head in FILLED),
    *(_case(f"text, {name}", make_pipeline(imputer, OneHotEncoder(handle_unknown="ignore", sparse_output=False)), columns, head)
      for name, (imputer, columns) in ON_TEXT.items() for head in FILLED),
    *(_case(f"text, {name}, codes", make_pipeline(imputer, OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)), columns, "tree")
      for name, (imputer, columns) in ON_TEXT.items()),
    *(_case("text with indicators", make_pipeline(SimpleImputer(strategy="most_frequent", add_indicator=True), OneHotEncoder(handle_unknown="ignore", sparse_output=False)), TEXTS, head)
      for head in FILLED),
    *(_case("numbers of booleans", SimpleImputer(strategy="mean"), ["unsure", "gap"], head) for head in FILLED),
    *(_case("booleans filled", SimpleImputer(strategy="most_frequent"), ["unsure", "gap"], head) for head in FILLED),
    *(_case("then scaled", SCALED, NUMBERS, head) for head in FILLED),
    *(_case("scaled first", SCALED_FIRST, NUMBERS, head) for head in HEADS),
    *(_case("twice", TWICE, ["zeros", "gap"], head) for head in FILLED),
    *(_case("after codes", AFTER_CODES, TEXTS, head) for head in HEADS),
    *(_case("after marked codes", MARKED_CODES, TEXTS, head) for head in HEADS),
    *(_case(name, _beside(columns, indicator), columns, head, ("sklearn.MissingIndicator", "sklearn.FeatureUnion"))
      for name, (indicator, columns) in INDICATORS.items() for head in HEADS),
    Case("None for missing text", COVERS, _with_none),
    Case("fitted on an array", COVERS, _array),
]  # fmt: skip

"""Encoders of categories, each before a sum and before trees."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from tests.transpiler.parity.case import Case, mixed_frame

HEADS: dict[str, Callable[[], Any]] = {
    "sum": Ridge,
    "tree": lambda: DecisionTreeRegressor(max_depth=6, random_state=0),
    "histogram": lambda: HistGradientBoostingRegressor(max_iter=5),
}
FILLED = ("sum", "tree")  # where nothing is missing any more all trees are alike
TEXTS = ["plan", "region"]
OF_EVERY_TYPE = ["plan", "region", "count", "size", "active", "unsure"]


def _frame() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """The mixed frame with categories of every type, and one that is nearly always the same."""
    frame, score, label = mixed_frame()
    rng = np.random.default_rng(5)
    frame["size"] = rng.choice([0.1, 2.5, -0.0, 1e300, np.nan], len(frame))
    frame["rare"] = rng.choice(["x"] * 60 + ["y", "z"], len(frame))
    frame["sex"] = rng.choice(["f", "m"], len(frame))
    frame["unsure"] = frame["active"].astype(object).where(rng.random(len(frame)) < 0.8, None)
    score = score + frame["size"].fillna(1.0).clip(-3, 3) + (frame["rare"] == "y")
    return frame, score, label


def _case(name: str, encoder: Any, columns: list[str], head: str) -> Case:
    def fit() -> tuple[Any, pd.DataFrame]:
        frame, score, _ = _frame()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of unknown categories
            return make_pipeline(encoder, HEADS[head]()).fit(frame[columns], score), frame[columns]

    step = encoder[0] if isinstance(encoder, Pipeline) else encoder
    return Case(f"{name}, {head}", (f"sklearn.{type(step).__name__}",), fit)


def _one_hot(**options: Any) -> OneHotEncoder:
    return OneHotEncoder(sparse_output=False, **options)


def _heads(options: dict[str, Any]) -> list[str]:
    """A sum takes no missing value, so codes among which one is NaN go to trees alone."""
    return [head for head in HEADS if head != "sum" or "encoded_missing_value" in options]


def _with_none(encoder: Any) -> tuple[Any, pd.DataFrame]:
    """Text whose missing values are None to Python."""
    frame, score, _ = _frame()
    texts = frame[TEXTS].astype(object)
    texts["plan"] = texts["plan"].where(texts["plan"].notna(), None)
    return make_pipeline(encoder, DecisionTreeRegressor(max_depth=6)).fit(texts, score), texts


def _array(encoder: Any) -> tuple[Any, pd.DataFrame]:
    """Columns of several types in one array of objects: infinity is a category like any other."""
    frame, score, _ = _frame()
    columns = ["plan", "size", "count", "active"]
    return make_pipeline(encoder, Ridge()).fit(frame[columns].to_numpy(dtype=object), score), frame[
        columns
    ]


def _classifier(head: Any, columns: list[str]) -> tuple[Any, pd.DataFrame]:
    """A realistic one: categories and scaled numbers side by side."""
    frame, _, label = _frame()
    numbers = ["amount", "ratio"]
    side_by_side = make_column_transformer(
        (_one_hot(handle_unknown="infrequent_if_exist", min_frequency=12), columns),
        (StandardScaler(), numbers),
        (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["sex"]),
        remainder="passthrough",
    )
    sample = frame[[*columns, *numbers, "sex", "active"]]
    return make_pipeline(side_by_side, head).fit(sample, label), sample


GIVEN = [
    ["plus", "basic", "never seen", "Ünï", "it's", np.nan],
    [f"r{i:02d}" for i in range(29, -1, -1)],
]
ONE_HOT: dict[str, dict[str, Any]] = {
    "unknown raises": {},
    "unknown ignored": {"handle_unknown": "ignore"},
    "unknown warned of": {"handle_unknown": "warn"},
    "unknown infrequent, but none is": {"handle_unknown": "infrequent_if_exist"},
    "first dropped": {"drop": "first", "handle_unknown": "ignore"},
    "first dropped, unknown raises": {"drop": "first"},
    "rare ones": {"min_frequency": 15, "handle_unknown": "ignore"},
    "rare ones, unknown among them": {"min_frequency": 15, "handle_unknown": "infrequent_if_exist"},
    "rare ones, unknown warned of": {"min_frequency": 15, "handle_unknown": "warn"},
    "rare ones, a share": {"min_frequency": 0.05, "handle_unknown": "infrequent_if_exist"},
    "rare ones, unknown raises": {"min_frequency": 15},
    "at most 4": {"max_categories": 4, "handle_unknown": "infrequent_if_exist"},
    "at most 1": {"max_categories": 1, "handle_unknown": "infrequent_if_exist"},
    "at most 1, first dropped": {"max_categories": 2, "drop": "first", "handle_unknown": "infrequent_if_exist"},
    "given": {"categories": GIVEN, "handle_unknown": "ignore"},
    "given, unknown raises": {"categories": GIVEN},
    "some dropped": {"drop": ["plus", "r07"], "handle_unknown": "ignore"},
    "missing dropped": {"drop": [np.nan, "r07"], "handle_unknown": "ignore"},
    "rare ones, some dropped": {"drop": ["plus", "r07"], "min_frequency": 5, "handle_unknown": "infrequent_if_exist"},
    "whole numbers": {"dtype": np.int32, "handle_unknown": "ignore"},
}  # fmt: skip
ON_PAIRS: dict[str, dict[str, Any]] = {
    "if binary": {"drop": "if_binary"},
    "if binary, unknown ignored": {"drop": "if_binary", "handle_unknown": "ignore"},
    "if binary, rare ones": {"drop": "if_binary", "min_frequency": 40, "handle_unknown": "infrequent_if_exist"},
}  # fmt: skip
ORDINAL: dict[str, dict[str, Any]] = {
    "unknown raises": {},
    "unknown raises, missing is -1": {"encoded_missing_value": -1},
    "unknown is -1": {"handle_unknown": "use_encoded_value", "unknown_value": -1},
    "unknown is NaN": {"handle_unknown": "use_encoded_value", "unknown_value": np.nan},
    "unknown is 99, missing is -2": {"handle_unknown": "use_encoded_value", "unknown_value": 99, "encoded_missing_value": -2},
    "rare ones": {"min_frequency": 15, "handle_unknown": "use_encoded_value", "unknown_value": -1, "encoded_missing_value": -3},
    "at most 3": {"max_categories": 3, "handle_unknown": "use_encoded_value", "unknown_value": np.nan},
    "at most 3, unknown raises": {"max_categories": 3, "encoded_missing_value": 50},
    "given": {"categories": GIVEN, "handle_unknown": "use_encoded_value", "unknown_value": -1},
    "given, unknown raises": {"categories": GIVEN, "encoded_missing_value": -5},
    "whole numbers": {"dtype": np.int16, "handle_unknown": "use_encoded_value", "unknown_value": -1, "encoded_missing_value": -9},
}  # fmt: skip


def _short(encoder: Any) -> str:
    return " ".join(str(encoder).split())


WITH_NONE: list[Any] = [_one_hot(handle_unknown="ignore"), _one_hot(), OrdinalEncoder()]
OF_OBJECTS: list[Any] = [WITH_NONE[0], OrdinalEncoder(**ORDINAL["unknown is 99, missing is -2"])]

CASES = [
    *(_case(name, _one_hot(**options), TEXTS, head) for name, options in ONE_HOT.items() for head in FILLED),
    *(_case(f"pairs, {name}", _one_hot(**options), ["sex", "plan", "rare", "active"], head)
      for name, options in ON_PAIRS.items() for head in FILLED),
    *(_case(f"every type, unknown {unknown}", _one_hot(handle_unknown=unknown), OF_EVERY_TYPE, head)
      for unknown in ("error", "ignore") for head in FILLED),
    *(_case(f"every type, rare ones, {drop}", _one_hot(min_frequency=30, drop=drop, handle_unknown="infrequent_if_exist"), OF_EVERY_TYPE, head)
      for drop in (None, "first") for head in FILLED),
    *(_case(name, OrdinalEncoder(**options), TEXTS, head)
      for name, options in ORDINAL.items() for head in _heads(options)),
    *(_case(f"every type, {name}", OrdinalEncoder(**ORDINAL[name]), OF_EVERY_TYPE, head)
      for name in ("unknown raises", "unknown is NaN", "unknown is 99, missing is -2") for head in _heads(ORDINAL[name])),
    *(Case(f"None for missing text, {_short(encoder)}", (f"sklearn.{type(encoder).__name__}",), partial(_with_none, encoder))
      for encoder in WITH_NONE),
    *(Case(f"objects, {_short(encoder)}", (f"sklearn.{type(encoder).__name__}",), partial(_array, encoder))
      for encoder in OF_OBJECTS),
    Case("beside numbers, logistic", ("sklearn.OneHotEncoder", "sklearn.ColumnTransformer"), lambda: _classifier(LogisticRegression(max_iter=300), TEXTS)),
    Case("beside numbers, boosting", ("sklearn.OneHotEncoder", "sklearn.ColumnTransformer"), lambda: _classifier(GradientBoostingClassifier(n_estimators=8), TEXTS)),
    *(_case("codes scaled", make_pipeline(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1), StandardScaler()), TEXTS, head)
      for head in HEADS),
    *(_case("one-hot of codes", make_pipeline(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1), _one_hot(handle_unknown="ignore")), TEXTS, head)
      for head in FILLED),
]  # fmt: skip

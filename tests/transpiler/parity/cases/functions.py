"""FunctionTransformer with functions of numpy, before a sum and before trees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.tree import DecisionTreeRegressor

from pgpredict_transpiler.lowering.elementary import ELEMENTARY
from pgpredict_transpiler.lowering.functions import OTHERS
from tests.transpiler.parity.case import Case, mixed_frame

HEADS: dict[str, Callable[[], Any]] = {
    "sum": Ridge,
    "tree": lambda: DecisionTreeRegressor(max_depth=6, random_state=0),
    "histogram": lambda: HistGradientBoostingRegressor(max_iter=5),
}
COVERS = ("sklearn.FunctionTransformer",)
# The columns on which each function is finite; by default ratio, a number around zero, and share.
COLUMNS = {np.log: ["amount", "share"], np.log2: ["amount", "share"], np.log10: ["amount", "share"],
           np.log1p: ["amount", "share"], np.sqrt: ["amount", "share"], np.arcsin: ["share"],
           np.arccos: ["share"], np.arctanh: ["share"], np.arccosh: ["more"]}  # fmt: skip

# They rise and fall, and engines differ in their last bit: where a tree's threshold is one of their
# values, which side it falls to is up to the library that computes them.
WAVES = (np.sin, np.cos, np.tan)


def _heads(function: Any) -> list[str]:
    """NaN reaches the model, and tells one kind of trees from the other, outside a domain alone."""
    if function in WAVES:
        return ["sum"]
    return ["sum", "tree", "histogram"] if function in COLUMNS else ["sum", "tree"]


def _frame() -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """The mixed frame with a share between 0 and 1, and numbers above 1."""
    frame, score, label = mixed_frame()
    frame["share"] = frame["amount"].rank(pct=True) - 0.001
    frame["more"] = frame["amount"] + 1.0
    return frame, score + np.log(frame["amount"]) + frame["share"] * 3, label


def _case(name: str, steps: list[Any], columns: list[str], head: str) -> Case:
    def fit() -> tuple[Any, pd.DataFrame]:
        frame, score, _ = _frame()
        return make_pipeline(*steps, HEADS[head]()).fit(frame[columns], score), frame[columns]

    return Case(f"{name}, {head}", COVERS, fit)


def _classes() -> tuple[Any, pd.DataFrame]:
    frame, _, label = _frame()
    model = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression())
    return model.fit(frame[["amount", "share"]], label), frame[["amount", "share"]]


CHAINS: dict[str, tuple[list[Any], list[str]]] = {
    "imputed, then the logarithm": ([SimpleImputer(), FunctionTransformer(np.log1p)], ["amount", "share"]),
    "scaled, then the logarithm": ([MinMaxScaler((0.5, 9)), FunctionTransformer(np.log)], ["amount", "share"]),
    "the logarithm, then scaled": ([FunctionTransformer(np.log1p), StandardScaler()], ["amount", "share"]),
    "the logarithm, then imputed": ([FunctionTransformer(np.log), SimpleImputer(add_indicator=True)], ["amount", "share"]),
    "clipped, then the root": ([MinMaxScaler(clip=True), FunctionTransformer(np.sqrt)], ["amount", "ratio"]),
    "the root of the absolute": ([FunctionTransformer(np.abs), FunctionTransformer(np.sqrt)], ["ratio", "gap"]),
    "there and back": ([FunctionTransformer(np.log1p), FunctionTransformer(np.expm1)], ["amount", "share"]),
    "the logarithm of codes": ([OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), FunctionTransformer(np.log1p)], ["region"]),
    "no function": ([FunctionTransformer()], ["ratio", "count"]),
    "validated": ([FunctionTransformer(np.square, validate=True)], ["ratio", "count"]),
}  # fmt: skip

CASES = [
    *(_case(function.__name__, [FunctionTransformer(function)], COLUMNS.get(function, ["ratio", "share"]), head)
      for function in (*ELEMENTARY, *OTHERS) for head in _heads(function)),
    *(_case(name, steps, columns, head) for name, (steps, columns) in CHAINS.items() for head in HEADS
      if "gap" not in columns or head != "sum"),
    Case("the logarithm, three classes", COVERS, _classes),
]  # fmt: skip

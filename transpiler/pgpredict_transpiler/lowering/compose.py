"""Pipelines and what puts transformers side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import FeatureUnion, Pipeline

from pgpredict_transpiler.columns import Column
from pgpredict_transpiler.lowering.scaling import scaled
from pgpredict_transpiler.prediction import Prediction
from pgpredict_transpiler.scope import Scope


def pipeline(model: Pipeline, columns: Sequence[Column], scope: Scope) -> list[Column] | Prediction:
    """One step after the other; the last one may be a predictor."""
    result: list[Column] | Prediction = list(columns)
    for name, step in model.steps:
        if isinstance(result, Prediction):
            scope.refuse("a predictor stands before its last step")
        if step is not None and step != "passthrough":
            result = scope.lower(step, result, f"[{name!r}]")
    return result


def column_transformer(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """Each transformer on its own columns, side by side in the order in which they are declared."""
    result: list[Column] = []
    names = getattr(model, "feature_names_in_", None)
    for name, transformer, selection in model.transformers_:
        chosen = [columns[i] for i in positions(selection, columns, names)]
        result += _branch(transformer, chosen, scope, f"[{name!r}]")
    return result


def positions(selection: Any, columns: Sequence[Column], names: Any) -> list[int]:
    """The places of the columns that a ColumnTransformer's fitted selection names.

    Args:
        selection: names, positions, a mask, a slice of either, or one of them alone.
        columns: what it selects from.
        names: the names at fit, or None.
    """
    known = (
        [str(name) for name in names] if names is not None else [column.name for column in columns]
    )
    if isinstance(selection, slice):
        return _slice(selection, known)
    if isinstance(selection, (str, int, np.integer)):
        selection = [selection]
    chosen = list(selection)
    if chosen and all(isinstance(item, (bool, np.bool_)) for item in chosen):
        return [i for i, taken in enumerate(chosen) if taken]
    return [
        known.index(item) if isinstance(item, str) else int(item) % len(known) for item in chosen
    ]


def _slice(selection: slice, known: list[str]) -> list[int]:
    if isinstance(selection.start, str) or isinstance(selection.stop, str):
        # pandas includes the end of a slice of names
        start = known.index(selection.start) if selection.start is not None else 0
        stop = known.index(selection.stop) + 1 if selection.stop is not None else len(known)
        return list(range(start, stop))[:: selection.step or 1]
    return list(range(len(known)))[selection]


def feature_union(model: FeatureUnion, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """Every transformer on the same columns; weights multiply a transformer's whole output."""
    weights = model.transformer_weights or {}
    result: list[Column] = []
    for name, transformer in model.transformer_list:
        branch = _branch(transformer, columns, scope, f"[{name!r}]")
        if weights.get(name) is not None:
            branch = [scaled(column, float(weights[name])) for column in scope.numbers(branch)]
        result += branch
    return result


def _branch(transformer: Any, columns: Sequence[Column], scope: Scope, part: str) -> list[Column]:
    if transformer is None or not columns or _is(transformer, "drop"):
        return []
    if _is(transformer, "passthrough"):
        scope.use(columns)
        return list(columns)
    return scope.transform(transformer, columns, part)


def _is(transformer: Any, word: str) -> bool:
    return isinstance(transformer, str) and transformer == word

"""Imputers: a constant for what is missing, and columns that tell where something was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import (
    Chain,
    Column,
    Key,
    Lookup,
    Range,
    Term,
    constant_column,
)
from pgpredict_transpiler.scope import Scope
from pgpredict_transpiler.search import bound, from_lookup


def simple_imputer(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """The statistic for what is missing; columns without one go; the indicators come last."""
    if any(column.type.startswith("timestamp") for column in columns):
        scope.refuse("it imputes timestamps: only numbers, text and booleans can be imputed in SQL")
    statistics = _statistics(model)
    marked = _marked(model, columns, scope, objects=model._fit_dtype.kind == "O")
    result = [
        imputed(column, statistic, scope)
        for column, statistic in zip(marked, statistics, strict=True)
        if model.keep_empty_features or statistic is not None
    ]
    if model.add_indicator:
        result += [indicator(marked[i], scope) for i in model.indicator_.features_]
    return result


def missing_indicator(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """Whether a value is missing: 0 or 1."""
    marked = _marked(model, columns, scope, objects=any(c.type != "float8" for c in columns))
    if model.features == "missing-only" and model.error_on_new:
        for i in set(range(len(marked))) - set(model.features_.tolist()):
            scope.require(sql.equal(indicator(marked[i], scope).expression, sql.number(0.0)))
    return [indicator(marked[i], scope) for i in model.features_]


def imputed(column: Column, statistic: Key | None, scope: Scope) -> Column:
    """The column with a constant in place of NULL.

    Args:
        column: any column; NULL is what is missing.
        statistic: the constant; None leaves the column as it is.
        scope: names the column where only a look-up by it can tell of the constant.
    """
    if statistic is None or column.fill is not None:
        return column
    if column.type == "float8":
        return _imputed_number(column, statistic, scope)
    if type(statistic) is not {"text": str, "boolean": bool}[column.type]:
        return replace(column, fill=statistic)
    return replace(
        column, expression=sql.coalesce(column.expression, sql.constant(statistic)), fill=statistic
    )


def indicator(column: Column, scope: Scope) -> Column:
    """1 where the column is NULL, else 0.

    Args:
        column: any column.
        scope: names its value.
    """
    name = f"missingindicator_{column.name}"
    if column.lookup:
        return from_lookup(column.lookup.mapped(lambda value: float(value is None)), name)
    if column.fill is not None or (column.chain and column.chain.at_missing is not None):
        return constant_column(0.0, name)
    key = column.chain.base if column.chain else scope.let("value", column.key, column.type)
    return from_lookup(Lookup(key, {}, 0.0, 1.0), name)


def _statistics(model: Any) -> list[Key | None]:
    """What scikit-learn puts in, as Python scalars; None for a column without a statistic."""
    cast = getattr(model, "_fill_dtype", model._fit_dtype)
    return [_scalar(value, cast) for value in model.statistics_]


def _scalar(value: Any, cast: np.dtype[Any]) -> Key | None:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if cast.kind != "O":
        return float(np.asarray(value).astype(cast))
    scalar = value.item() if isinstance(value, np.generic) else value
    return scalar if isinstance(scalar, (str, bool)) else float(scalar)


def _imputed_number(column: Column, statistic: Key, scope: Scope) -> Column:
    if isinstance(statistic, str):
        return replace(_named(column, scope), fill=statistic)
    value = float(statistic)
    if column.lookup:
        lookup = column.lookup.mapped(lambda old: value if old is None else old)
        return from_lookup(lookup, column.name)
    if column.chain and column.chain.at_missing is not None:
        return column
    limits = Range(
        min(column.range.low, value),
        max(column.range.high, value),
        min(column.range.smallest, abs(value) or math.inf),
    )
    filled = sql.coalesce(column.expression, sql.number(value))
    line = column.as_term.line
    return Column(
        filled,
        name=column.name,
        range=limits,
        chain=replace(column.chain, at_missing=value) if column.chain else None,
        term=Term(filled, limits, line=line and replace(line, at_missing=value)),
        fill=value,
    )


def _named(column: Column, scope: Scope) -> Column:
    """A number by name, so that it can be a key."""
    return (
        column
        if column.lookup
        else replace(column, expression=scope.let("value", column.expression))
    )


# What an imputer takes for missing, and what scikit-learn's validation refuses


def _marked(model: Any, columns: Sequence[Column], scope: Scope, *, objects: bool) -> list[Column]:
    """The columns with NULL exactly where the imputer sees something missing.

    Args:
        model: an imputer; its missing_values may be NaN, None, pandas.NA, a number or a text.
        columns: its inputs.
        scope: notes what Python demands of them.
        objects: whether scikit-learn sees Python objects, among which it accepts infinity.
    """
    marker = model.missing_values
    given = list(columns) if objects else scope.numbers(columns)
    absent = marker is pd.NA or (isinstance(marker, float) and math.isnan(marker))
    if not objects:
        scope.require_finite(given, may_be_missing=absent)
    if absent:
        return given
    return [_by_marker(column, marker, scope) for column in given]


def _by_marker(column: Column, marker: Any, scope: Scope) -> Column:
    if marker is None and column.type != "float8":
        return column
    if column.lookup:
        scope.require_value(column.lookup, lambda value: value is not None)
    elif column.fill is None and not (column.chain and column.chain.at_missing is not None):
        scope.require(sql.is_not_null(column.expression))
    value = _as_value(marker, column.type)
    if value is None:
        return column
    if column.lookup:
        return from_lookup(column.lookup.mapped(lambda v: None if v == value else v), column.name)
    key = scope.let("value", sql.null_if(column.expression, bound(value)), column.type)
    if column.type != "float8":
        return Column(key, column.type, column.name)
    chain = Chain(key, low=column.range.low, high=column.range.high)
    return Column(key, name=column.name, range=column.range, chain=chain)


def _as_value(marker: Any, kind: str) -> Key | None:
    """The marker as a value that a column of some type can hold; None if it never holds it."""
    if isinstance(marker, str):
        return str(marker) if kind == "text" else None
    if marker is None or kind not in ("float8", "boolean"):
        return None
    if kind == "boolean":
        return bool(marker) if marker in (0, 1) else None
    return float(marker)

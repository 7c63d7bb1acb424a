"""Rows on which SQL and Python are most likely to part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from sqlglot import exp

from pgpredict_transpiler import Program
from pgpredict_transpiler.sample import as_frame

EXTREMES = [
    *(np.inf, -np.inf, 0.0, -0.0),
    *(1e308, -1e308, 1.7976931348623157e308, 1e150, -1e200),
    *(5e-324, -5e-324, 1e-310, -1e-300, 1e-30),
    *(1e30, -1e30, 1.0000000000000002e30),  # the edge of ordinary numbers
    *(3.4028234663852886e38, 3.4028235677973366e38, -3.5e38),  # the edge of float32
]
UNKNOWN_TEXTS = ["", "unknown", "BASIC", "basic ", "a'b\\", "\U0001f600", "NaN"]
THRESHOLDS = 50  # of each column, drawn at random beyond


def hostile_rows(program: Program, sample: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Random rows, rows on and beside every threshold, missing values, extremes, unknown texts.

    Args:
        program: gives the thresholds that its SQL compares the inputs with.
        sample: rows of the kind that the model was trained on.
        seed: of the random choices.
    """
    rng = np.random.default_rng(seed)
    frame = as_frame(sample)
    bounds = thresholds(program)
    parts = [frame.head(200), _shuffled(frame, rng).head(300)]
    for place, column in enumerate(frame.columns):
        values = list(_values(frame.iloc[:, place], bounds.get(str(column), []), rng))
        if values:
            rows = frame.iloc[rng.integers(0, len(frame), len(values))].reset_index(drop=True)
            parts.append(_with(rows, place, values))
    return pd.concat(parts, ignore_index=True)


def all_extreme_rows(sample: pd.DataFrame) -> pd.DataFrame:
    """Rows in which every number is extreme, and every text unknown, at once."""
    frame = as_frame(sample)
    rows = frame.iloc[np.zeros(len(EXTREMES) + 1, dtype=int)].reset_index(drop=True)
    for place in range(frame.shape[1]):
        kind = frame.iloc[:, place].dtype.kind
        if kind in "if":
            rows = _with(rows, place, [*EXTREMES, np.nan])
        elif kind == "O":
            rows = _with(rows, place, [None] * len(rows))
    return rows


def _values(column: pd.Series[Any], known: list[float], rng: np.random.Generator) -> Iterator[Any]:
    if column.dtype.kind in "if":
        yield from EXTREMES
        yield from [np.nan] * 4
        bounds = np.array(sorted(set(known)))
        if len(bounds) > THRESHOLDS:
            bounds = rng.choice(bounds, THRESHOLDS, replace=False)
        with np.errstate(over="ignore"):
            yield from neighbours(bounds)
    elif _holds_booleans(column):
        yield from [True, False, None]
    elif column.dtype.kind == "O":  # text, and categories
        yield from [*UNKNOWN_TEXTS, None, None]


def neighbours(bounds: np.ndarray) -> list[float]:
    narrow = bounds.astype(np.float32)
    up, down = np.float32(np.inf), np.float32(-np.inf)
    near = [
        bounds, np.nextafter(bounds, np.inf), np.nextafter(bounds, -np.inf),
        narrow, np.nextafter(narrow, up), np.nextafter(narrow, down), np.round(bounds, 3),
    ]  # fmt: skip
    return [float(x) for x in np.concatenate([part.astype(np.float64) for part in near])]


def thresholds(program: Program) -> Mapping[str, list[float]]:
    """The constants that the program compares its inputs with."""
    found: dict[str, list[float]] = {}
    body = program.general
    expressions = [*body.columns.values(), *body.conditions, *(let.expression for let in body.lets)]
    for expression in expressions:
        for test in expression.find_all(exp.LT, exp.LTE, exp.GT, exp.GTE):
            column, constant = test.this, test.expression
            if isinstance(column, exp.Column) and isinstance(constant, exp.Cast):
                found.setdefault(column.name, []).append(float(constant.this.this))
    for name, limits in body.limits.items():
        found.setdefault(name, []).extend([limits.low, limits.high])
    return found


def _holds_booleans(column: pd.Series[Any]) -> bool:
    return column.dtype.kind == "b" or isinstance(next(iter(column.dropna()), None), bool)


def _shuffled(frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Each column in an order of its own: combinations that training never saw."""
    result = frame.copy()
    for place in range(frame.shape[1]):
        order = rng.permutation(len(frame))
        result = _with(result, place, list(frame.iloc[order, place]))
    return result


def _with(rows: pd.DataFrame, place: int, values: list[Any]) -> pd.DataFrame:
    result: pd.DataFrame
    old = rows.iloc[:, place]
    new: Any = pd.Series(values, dtype=object)
    if old.dtype.kind in "if":
        new = pd.Series(values, dtype=np.float64)
    elif old.dtype.kind == "b" and None not in values:
        new = pd.Series(values, dtype=bool)
    columns = [new if i == place else rows.iloc[:, i] for i in range(rows.shape[1])]
    result = pd.concat(columns, axis=1)
    result.columns = rows.columns
    return result

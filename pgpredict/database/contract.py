"""What the sample held, per input: the promise that later rows can be held against."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from pgpredict.database.golden import column_of
from pgpredict_transpiler.sample import Input

MOST_CATEGORIES = 1_000


def contract_of(frame: pd.DataFrame, inputs: tuple[Input, ...]) -> dict[str, Any]:
    """Types, ranges, categories, and whether values were missing.

    Args:
        frame: the sample, as `pgpredict_transpiler.sample.as_frame` makes it.
        inputs: the inputs that the SQL takes.

    Returns:
        ``{"rows": …, "inputs": {name: {"type", "nulls", "min", "max", "categories", …}}}``, JSON
        throughout; numbers and timestamps have a range, text has its categories. Where the sample
        holds no value of a text, ``assumed`` says that text is only taken for its type.

    Example:
        >>> frame = pd.DataFrame({"x": [1.0, None, 3.0]})
        >>> contract_of(frame, (Input("x", "float8"),))["inputs"]["x"]
        {'type': 'float8', 'nulls': True, 'min': 1.0, 'max': 3.0}
    """
    return {
        "rows": len(frame),
        "inputs": {i.name: _of_column(column_of(frame, i.name), i.type) for i in inputs},
    }


def _of_column(column: pd.Series[Any], type_: str) -> dict[str, Any]:
    present = [value for value in column if not pd.isna(value)]
    known: dict[str, Any] = {"type": type_, "nulls": len(present) < len(column)}
    if type_ == "text":
        categories = sorted(set(present))
        known["distinct"] = len(categories)
        if not present:
            known["assumed"] = True
        if len(categories) <= MOST_CATEGORIES:
            known["categories"] = categories
    elif type_ == "float8":
        finite = [float(value) for value in present if math.isfinite(value)]
        if finite:
            known |= {"min": min(finite), "max": max(finite)}
    elif type_.startswith("timestamp") and present:
        low, high = pd.Timestamp(min(present)), pd.Timestamp(max(present))
        known |= {"min": low.isoformat(), "max": high.isoformat()}
    return known

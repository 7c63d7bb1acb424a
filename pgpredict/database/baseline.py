"""What the sample looked like, in bins: what later rows are held against to see drift."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from pgpredict.database.golden import column_of, label_text, storable
from pgpredict_transpiler.oracle import scalar
from pgpredict_transpiler.sample import Input

MOST_BINS = 10
MOST_LABELS = 50
# What chi-square asks of a bin: fewer rows say little, and cost sharpness everywhere else.
LEAST_ROWS = 5

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Baseline:
    """The sample's distribution in one input or output, as `pgpredict.baseline` keeps it."""

    role: Literal["input", "output"]
    name: str
    kind: Literal["number", "time", "category"]
    edges: list[float] | None
    labels: list[str] | None
    shares: list[float]
    null_share: float
    rows: int


def input_baselines(frame: pd.DataFrame, inputs: tuple[Input, ...]) -> list[Baseline]:
    """The baselines of all inputs.

    Args:
        frame: the sample, as `pgpredict_transpiler.sample.as_frame` makes it; all of it counts.
        inputs: the inputs that the SQL takes.

    Returns:
        One per input. NaN, None and NaT are missing values.

    Example:
        >>> frame = pd.DataFrame({"x": [0.0] * 50 + [3.0] * 40 + [float("nan")] * 10})
        >>> baseline = input_baselines(frame, (Input("x", "float8"),))[0]
        >>> baseline.edges, baseline.shares, baseline.null_share
        ([-2.0, 2.0, 4.0], [0.0, 0.5, 0.4, 0.0], 0.1)
    """
    return [_of_input(column_of(frame, i.name), i) for i in inputs]


def _of_input(column: pd.Series[Any], given: Input) -> Baseline:
    if given.type == "float8":
        return of_numbers("input", given.name, column.to_numpy(np.float64, na_value=np.nan))
    if given.type.startswith("timestamp"):
        zone = getattr(column.dtype, "tz", None)
        seconds = (column - pd.Timestamp(0, tz=zone)) / pd.Timedelta(seconds=1)
        return of_numbers("input", given.name, np.asarray(seconds, np.float64), kind="time")
    counts: Counter[str | None] = Counter()
    for value, count in column.value_counts(dropna=False).items():
        counts[label_text(scalar(value))] += int(count)
    return of_labels("input", given.name, counts)


def of_numbers(
    role: Literal["input", "output"],
    name: str,
    values: Numbers,
    kind: Literal["number", "time"] = "number",
) -> Baseline:
    """The baseline of numbers, of which NaN is a missing one."""
    present = values[~np.isnan(values)]
    edges = bin_edges(present)
    counts = np.bincount(np.searchsorted(edges, present, "right"), minlength=len(edges) + 1)
    return Baseline(
        role,
        name,
        kind,
        edges=edges,
        labels=None,
        shares=[int(count) / len(values) for count in counts],
        null_share=(len(values) - len(present)) / len(values),
        rows=len(values),
    )


def of_labels(role: Literal["input", "output"], name: str, counts: Counter[str | None]) -> Baseline:
    """The baseline of texts by how often each came, of which None is a missing one."""
    rows, missing = counts.total(), counts[None]
    often = sorted(
        (label for label in counts if label is not None and storable(label)),
        key=lambda label: (-counts[label], label),
    )[:MOST_LABELS]
    often = [label for label in often if counts[label] >= LEAST_ROWS]
    others = rows - missing - sum(counts[label] for label in often)
    return Baseline(
        role,
        name,
        "category",
        edges=None,
        labels=often,
        shares=[others / rows, *(counts[label] / rows for label in often)],
        null_share=missing / rows,
        rows=rows,
    )


def bin_edges(present: Numbers) -> list[float]:
    """Where to part numbers into about ten bins of equal shares.

    A value that fills a bin by itself gets one of its own, parted from everything on both sides:
    zeros of a column that is mostly zero, or each of a few values. An edge lies between two
    values, at a short number, so that no rounding moves a row over it.

    Args:
        present: the numbers, none of them NaN.

    Returns:
        The edges, ascending; bin 0 is below the first. No number, no edge.

    Example:
        >>> bin_edges(np.arange(100.0))
        [9.5, 19.5, 29.5, 39.5, 49.5, 59.5, 69.5, 79.5, 89.5]
        >>> bin_edges(np.array([7.0] * 20))
        [6.99999, 7.00001]
    """
    values, counts = np.unique(present, return_counts=True)
    if len(values) == 0:
        return []
    heavy = counts >= max(len(present) / MOST_BINS, LEAST_ROWS)
    light = np.where(heavy, 0, counts)
    full = max(light.sum() / max(MOST_BINS - heavy.sum(), 1), LEAST_ROWS)
    # A value begins a bin where its neighbours before it have filled one.
    number = (light.cumsum() - light) // full
    begins = heavy[1:] | heavy[:-1] | (number[1:] != number[:-1])
    starts = _without_small(np.flatnonzero(begins) + 1, counts)
    inner = [_between(values[start - 1], values[start]) for start in starts]
    below = [_beyond(values, 0, -1)] if heavy[0] else []
    above = [_beyond(values, -1, 1)] if heavy[-1] else []
    return [edge for edge in (*below, *inner, *above) if not math.isnan(edge)]


def _without_small(starts: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> list[int]:
    """The starts of bins, of which those with few rows are joined with their smaller neighbour."""
    kept = [0, *(int(start) for start in starts)]
    while len(kept) > 1:
        sizes = np.add.reduceat(counts, kept)
        small = int(sizes.argmin())
        if sizes[small] >= LEAST_ROWS:
            break
        before_is_smaller = small > 0 and (
            small == len(kept) - 1 or sizes[small - 1] < sizes[small + 1]
        )
        del kept[small if before_is_smaller else small + 1]
    return kept[1:]


def _between(low: float, high: float) -> float:
    """A short number in the middle of the gap, above `low` and not above `high`."""
    low, high = float(low), float(high)
    middle = low / 2 + high / 2
    if not (low < middle <= high and math.isfinite(middle)):
        return high  # neighbours among the floats, or infinite
    for digits in range(1, 17):
        short = float(f"{middle:.{digits}g}")
        if low < short and low + (middle - low) / 2 <= short <= middle + (high - middle) / 2:
            return short
    return middle


def _beyond(values: Numbers, place: int, side: int) -> float:
    """The outer edge of an outermost value: as far away as the edge on its other side."""
    value = float(values[place])
    gap = abs(value) * 2e-6 or 2e-9
    if len(values) > 1:
        gap = abs(value - float(values[place - side]))
    other = value + side * gap
    return _between(*sorted((value, other))) if math.isfinite(other) else math.nan

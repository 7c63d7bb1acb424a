"""Comparisons of a column with a tree's thresholds.

The threshold is pulled back to the value that the column comes from, so that no cast and no scaler
runs at prediction time, and each comparison is oriented so that a missing value falls to its side
of the CASE without a test of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Chain, Column, Lookup, identity
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.floats import Floats, Function, pull_back
from pgpredict_transpiler.scope import Scope
from pgpredict_transpiler.search import LINEAR, one_of

OFTEN = 8  # from so many splits on, a category is looked up once for a row


def at_float32(numbers: Floats) -> Floats:
    """Numbers rounded to float32, as scikit-learn's trees see them."""
    return numbers.astype(np.float32).astype(np.float64)


@dataclass(frozen=True)
class Split:
    """A condition and which child it leads to.

    Attributes:
        condition: NULL counts as false.
        to_left: whether the left child is where the condition holds.
    """

    condition: Expression
    to_left: bool

    def between(self, left: Expression, right: Expression) -> Expression:
        """The CASE that goes to one child or the other."""
        first, second = (left, right) if self.to_left else (right, left)
        return sql.case([(self.condition, first)], second)


@dataclass(frozen=True)
class Comparison:
    """A comparison of a number with a bound.

    Attributes:
        base: the number: an input or a shared value, by name.
        bound: what it is compared with; NaN: no number goes left.
        increasing: whether numbers up to the bound go left, and not those from it on.
        missing_left: where NULL goes.
    """

    base: Expression
    bound: float
    increasing: bool
    missing_left: bool


class Splits:
    """All splits of an ensemble on its columns.

    Args:
        columns: the ensemble's inputs, numbers.
        thresholds: for each column the thresholds that the ensemble compares it with.
        scope: names values that come from no single input.
        rounding: what the ensemble does to a number before it compares; never decreases.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        thresholds: Sequence[Floats],
        scope: Scope,
        rounding: Function = identity,
    ) -> None:
        self._columns = columns
        self._rounding = rounding
        self._chains: dict[int, Chain] = {}
        self._bounds: dict[int, dict[float, float]] = {}
        for i, column in enumerate(columns):
            by_key = not scope.walks and _is_asked_by_key(column, len(thresholds[i]))
            if len(thresholds[i]) and not by_key:
                self._chains[i] = scope.chain_of(column)
                self._bounds[i] = _pulled_back(self._chains[i], thresholds[i], rounding)

    def at(self, column: int, threshold: float, missing_left: bool) -> Split | bool:
        """The split `column <= threshold`.

        Args:
            column: its number.
            threshold: a float64.
            missing_left: where a missing value goes.

        Returns:
            The split, or True or False if every row goes left or right.
        """
        lookup = self._columns[column].lookup
        if lookup is not None and column not in self._chains:
            return split_keys(lookup, lambda value: self._rounded(value) <= threshold, missing_left)
        return _split_number(self.comparison(column, threshold, missing_left))

    def comparison(self, column: int, threshold: float, missing_left: bool) -> Comparison:
        """The split `column <= threshold` of a column that no split asks by its key; see `at`."""
        chain = self._chains[column]
        if chain.at_missing is not None:
            missing_left = self._rounded(chain.at_missing) <= threshold
        bound = self._bounds[column][threshold]
        return Comparison(chain.base, bound, chain.increasing, missing_left)

    def _rounded(self, value: float) -> float:
        with np.errstate(all="ignore"):
            return float(self._rounding(np.array([value]))[0])


def _is_asked_by_key(column: Column, count: int) -> bool:
    """Whether a split compares the key itself: not if a value found once serves many splits."""
    return column.lookup is not None and (count < OFTEN or len(column.lookup.table) <= LINEAR)


def _pulled_back(chain: Chain, thresholds: Floats, rounding: Function) -> dict[float, float]:
    """Each threshold's bound on the chain's base."""
    unique = np.unique(thresholds)
    if chain.increasing:
        bounds = pull_back(lambda x: rounding(chain.function(x)), unique, chain.low, chain.high)
    else:
        mirrored = pull_back(
            lambda x: rounding(chain.function(-x)), unique, -chain.high, -chain.low
        )
        bounds = -mirrored
    return dict(zip(unique.tolist(), bounds.tolist(), strict=True))


def _split_number(asked: Comparison) -> Split | bool:
    base, bound, missing_left = asked.base, asked.bound, asked.missing_left
    everything = math.inf if asked.increasing else -math.inf
    if math.isnan(bound) or bound == everything:
        left = bound == everything
        return left if left == missing_left else Split(sql.is_null(base), to_left=missing_left)
    limit = sql.number(bound)
    if missing_left:
        outside = sql.greater if asked.increasing else sql.less
        return Split(outside(base, limit), to_left=False)
    inside = sql.less_equal if asked.increasing else sql.greater_equal
    return Split(inside(base, limit), to_left=True)


def split_keys(
    lookup: Lookup, goes_left: Callable[[float], bool], missing_left: bool
) -> Split | bool:
    """The split of a look-up's keys.

    Args:
        lookup: the column.
        goes_left: tells it of a value.
        missing_left: where NULL goes.
    """

    def side(value: float | None) -> bool:
        return missing_left if value is None else bool(goes_left(value))

    unknown, missing = side(lookup.unknown), side(lookup.missing)
    others = [key for key, value in lookup.table.items() if side(value) != unknown]
    if not others:
        return unknown if missing == unknown else Split(sql.is_null(lookup.key), to_left=missing)
    condition = one_of(lookup.key, others)
    if missing != unknown:
        condition = sql.any_of([condition, sql.is_null(lookup.key)])
    return Split(condition, to_left=not unknown)

"""Float64 numbers in order, and thresholds pulled back through a function.

A tree asks ``f(x) <= t`` where ``f`` is what stands before it: rounding to float32, a scaler,
``log1p``. For a function that never decreases there is a float64 ``s`` with ``f(x) <= t`` exactly
when ``x <= s``. It is found by bisection over the floats themselves, with the Python function as
the judge, so that the comparison in SQL is exact and costs nothing at run time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]

LARGEST = float(np.finfo(np.float64).max)
SMALLEST = 5e-324
LARGEST_FLOAT32 = float(np.finfo(np.float32).max)


def to_ordinal(numbers: Floats) -> NDArray[np.int64]:
    """The place of each number among the floats: neighbours differ by one, and zero has place 0.

    >>> [int(place) for place in to_ordinal(np.array([-5e-324, -0.0, 0.0, 5e-324]))]
    [-1, 0, 0, 1]
    """
    bits = np.ascontiguousarray(numbers, dtype=np.float64).view(np.int64)
    return np.where(bits >= 0, bits, np.iinfo(np.int64).min - bits)


def from_ordinal(places: NDArray[np.int64]) -> Floats:
    """The number at each place: the inverse of `to_ordinal`."""
    bits = np.where(places >= 0, places, np.iinfo(np.int64).min - places)
    return np.ascontiguousarray(bits, dtype=np.int64).view(np.float64)


def last_where(
    holds: Callable[[Floats], NDArray[np.bool_]], low: float, high: float, count: int
) -> Floats:
    """For each of `count` predicates the last number in [low, high] for which it holds.

    Args:
        holds: given one number for each predicate, tells which hold. A predicate that holds for a
            number must hold for every smaller one.
        low: the first number to try.
        high: the last number to try.
        count: how many predicates there are.

    Returns:
        One float64 for each predicate; -inf where it does not hold even at `low`.

    >>> last_where(lambda x: x * x <= np.array([9.0, -1.0]), 0.0, 10.0, 2)
    array([  3., -inf])
    """
    with np.errstate(all="ignore"):
        good = np.broadcast_to(to_ordinal(np.array([low])), (count,)).copy()
        bad = np.broadcast_to(to_ordinal(np.array([high])), (count,)).copy() + 1
        never = ~holds(from_ordinal(good))
        # The mean of two places without their sum or difference, which could overflow.
        while np.any((middle := (good & bad) + ((good ^ bad) >> 1)) != good):
            held = holds(from_ordinal(middle))
            good = np.where(held, middle, good)
            bad = np.where(held, bad, middle)
    result = from_ordinal(good)
    result[never] = -np.inf
    return result


def pull_back(
    function: Function, thresholds: Floats, low: float = -np.inf, high: float = np.inf
) -> Floats:
    """The largest number in [low, high] that `function` does not lift above each threshold.

    Args:
        function: never decreases on [low, high]; vectorised, float64 to float64.
        thresholds: shape (n,).
        low: the first number of the function's domain.
        high: the last one.

    Returns:
        Shape (n,): ``function(x) <= thresholds[i]`` exactly when ``x <= result[i]``; NaN where no
        number of the domain qualifies and +inf where all of them do.

    Example:
        >>> at_float32 = lambda x: x.astype(np.float32).astype(np.float64)
        >>> float(pull_back(at_float32, np.array([0.5]))[0])
        0.5000000298023224
    """
    thresholds = np.asarray(thresholds, dtype=np.float64)
    result = last_where(lambda x: function(x) <= thresholds, low, high, len(thresholds))
    with np.errstate(all="ignore"):
        never = ~(function(np.full(len(thresholds), low)) <= thresholds)
    result[result == high] = np.inf
    result[never] = np.nan
    return result

"""When two answers are equal: the twin of sql/schema/30_equality.sql, for other engines.

Labels are equal when they are identical. Numbers are equal within 1e-9 relative, which below 0.001
turns into 1e-12 absolute; NULL and NaN are one missing value, equal to itself alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

TOLERANCE = 1e-9
SMALLEST_SCALE = 1e-3

Numbers = Sequence[float | None] | npt.NDArray[np.float64]


def difference(expected: Numbers, actual: Numbers) -> npt.NDArray[np.float64]:
    """How far numbers are apart, as a share of the larger of the two, and of 0.001 at least.

    Args:
        expected: numbers; None and NaN are missing.
        actual: as many numbers.

    Returns:
        0 for two missing values and for equal infinities, infinity where there is no distance.

    Example:
        >>> difference([1.0, None, 2.0], [1.5, None, None]).round(3).tolist()
        [0.333, 0.0, inf]
    """
    e, a = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    scale = np.maximum(np.maximum(np.abs(e), np.abs(a)), SMALLEST_SCALE)
    # Divided before they are subtracted: 1e308 - -1e308 would overflow. What Postgres cannot
    # divide without an underflow is 0 there, so it is here.
    with np.errstate(all="ignore"):
        parts = (np.where(np.abs(x) < scale * 1e-20, 0.0, x / scale) for x in (e, a))
        apart = np.abs(np.subtract(*parts))
    missing = np.isnan(e), np.isnan(a)
    apart = np.where(missing[0] | missing[1] | np.isinf(e) | np.isinf(a), np.inf, apart)
    return np.where((e == a) | (missing[0] & missing[1]), 0.0, apart)


def same(expected: Numbers, actual: Numbers) -> npt.NDArray[np.bool_]:
    """Whether numbers are equal, pair by pair.

    Args:
        expected: numbers; None and NaN are missing.
        actual: as many numbers.

    Returns:
        An array of booleans.

    Example:
        >>> same([1.0, float("nan"), 0.0], [1.0 + 1e-10, None, 1e-11]).tolist()
        [True, True, False]
    """
    return difference(expected, actual) <= TOLERANCE

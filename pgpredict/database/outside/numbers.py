"""The numbers that an estimator holds, wherever in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

Place = tuple[Any, Any, Any]  # who holds it, under which name, what


def arrays(root: Any) -> Iterator[Place]:
    """Every array of floats, with who holds it and under which name; each holder once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        holder = waiting.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        for name, value in _inside(holder):
            if isinstance(value, np.ndarray) and value.dtype.kind == "f":
                yield holder, name, value
            else:
                waiting.append(value)


def not_finite(estimator: Any) -> str | None:
    """The name of an array that is not finite; None: all are.

    The logarithm of a share of zero is -infinity, in classes that no row has shown yet.
    """
    for _, name, array in arrays(estimator):
        fine = np.isfinite(array)
        if "log_" in str(name):
            fine |= array == -np.inf
        if not fine.all():
            return str(name)
    return None


def beyond(estimator: Any, size: float) -> bool:
    """Whether a number is larger than that."""
    return any(bool((np.abs(array) > size).any()) for _, _, array in arrays(estimator))


def same(one: Any, other: Any) -> bool:
    """Whether two estimators hold the same numbers, bit for bit, and the same state of chance."""
    if isinstance(one, np.ndarray):
        return (
            isinstance(other, np.ndarray)
            and one.dtype == other.dtype
            and one.shape == other.shape
            and (one.dtype == object or one.tobytes() == other.tobytes())
        )
    if isinstance(one, np.random.RandomState):
        return same(list(one.get_state()), list(other.get_state()))
    if isinstance(one, float):
        return bool(np.array_equal(one, other, equal_nan=True))
    if isinstance(one, str | int | bool | None | type):
        return bool(one == other)
    mine, others = dict(_inside(one)), dict(_inside(other))
    return mine.keys() == others.keys() and all(same(mine[name], others[name]) for name in mine)


def _inside(holder: Any) -> list[tuple[Any, Any]]:
    if isinstance(holder, dict):
        return list(holder.items())
    if isinstance(holder, list | tuple):
        return list(enumerate(holder))
    if isinstance(holder, type):
        return []
    return list(getattr(holder, "__dict__", {}).items())

"""Sets of keys as bits: how an ensemble asks many times over whether a category is in a set.

A comparison with a list of texts costs as much as ten comparisons of numbers. So the key is looked
up once for a row and becomes a single bit; each set is a mask. An unknown key has a bit of its own,
and so has NULL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Lookup
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.lowering.splits import Split
from pgpredict_transpiler.scope import Scope
from pgpredict_transpiler.search import search

BITS = 62  # of a bigint; the sign is left alone


class KeyBits:
    """The bits of a look-up's keys, computed once for a row.

    Args:
        lookup: gives a value for each key.
        scope: names the bits.
    """

    def __init__(self, lookup: Lookup, scope: Scope) -> None:
        self._values: list[float | None] = [*lookup.table.values(), lookup.unknown, lookup.missing]
        self._words = [
            scope.let("category", _word(lookup, start), "bigint")
            for start in range(0, len(self._values), BITS)
        ]

    def split(self, goes_left: Callable[[float], bool], missing_left: bool) -> Split | bool:
        """The split of the keys.

        Args:
            goes_left: tells it of a value.
            missing_left: where a value goes that is NULL.
        """
        left = [missing_left if value is None else goes_left(value) for value in self._values]
        if all(left) or not any(left):
            return left[0]
        masks = [_mask(left[start : start + BITS]) for start in range(0, len(left), BITS)]
        tests = [sql.has_bit_of(w, m) for w, m in zip(self._words, masks, strict=True) if m]
        return Split(sql.any_of(tests), to_left=True)


def _word(lookup: Lookup, start: int) -> Expression:
    """The bit of the row's key if it is one of the 62 from `start` on; else no bit."""
    keys: list[Any] = list(lookup.table)

    def bit(place: int) -> float:
        return 2.0 ** (place - start) if start <= place < start + BITS else 0.0

    table = {key: bit(place) for place, key in enumerate(keys)}
    bits = Lookup(lookup.key, table, bit(len(keys)), bit(len(keys) + 1))
    return sql.as_bits(search(bits))


def _mask(left: list[bool]) -> int:
    return sum(1 << place for place, goes_left in enumerate(left) if goes_left)

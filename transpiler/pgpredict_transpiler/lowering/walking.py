"""Sums over trees as an array of numbers, which ``predict_runtime.walk_trees`` walks.

The array holds, one behind the other:

- how many sums there are, and what each starts from;
- for each tree the place behind its last node, and its nodes, each before its children:
  - a comparison: which input it compares, with what bound, and the place of the node that a greater
    number leads to; the node for any other number follows. The number of the input is negative
    where a missing value goes the way of a small number.
  - a leaf: 0, and what it adds to each sum.

Places are counted from 1, as Postgres counts the elements of an array.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.lowering.splits import Comparison

LEAF = -1


class Walk:
    """Sums over trees, to be walked.

    Args:
        starts: what each sum starts from.

    Example:
        >>> walk = Walk([0.5])
        >>> x = Comparison(sql.reference("x"), 3.0, increasing=True, missing_left=False)
        >>> walk.add([1, -1, -1], [2, -1, -1], lambda node: x, lambda leaf: [float(leaf)])
        >>> walk.expression().this.this
        '{1,0.5,11,1,3,9,0,1,0,2}'
    """

    def __init__(self, starts: Sequence[float]) -> None:
        self._numbers: list[float] = [float(len(starts)), *starts]
        self._inputs: dict[str, tuple[int, Expression]] = {}
        self._steps = 0.0

    def add(
        self,
        left: Sequence[int],
        right: Sequence[int],
        comparison: Callable[[int], Comparison],
        leaf: Callable[[int], Sequence[float]],
    ) -> None:
        """Add a tree, given by arrays.

        Args:
            left: the left child of each node, the first of which is the root; a leaf has none, -1.
            right: the right child.
            comparison: what a node asks.
            leaf: what a leaf adds to each sum.
        """
        head = len(self._numbers)
        self._numbers.append(math.nan)
        waiting: list[tuple[int, int, int]] = [(0, head, 0)]
        while waiting:
            node, referrer, depth = waiting.pop()
            self._refer(referrer)
            while left[node] != LEAF:
                near, far = self._compare(comparison(node), left[node], right[node])
                depth += 1
                waiting.append((far, len(self._numbers) - 1, depth))
                node = near
            self._numbers += [0.0, *leaf(node)]
            self._steps += depth / 2**depth
        self._refer(head)

    def expression(self) -> Expression:
        """The sums, as an array."""
        return sql.walk(self._numbers, [base for _, base in self._inputs.values()], self._steps)

    def _refer(self, referrer: int) -> None:
        """Let an element hold the place of what comes next."""
        self._numbers[referrer] = float(len(self._numbers) + 1)

    def _compare(self, asked: Comparison, left: int, right: int) -> tuple[int, int]:
        """Write a comparison; gives the child for small numbers, and that for great ones."""
        new = (len(self._inputs) + 1, asked.base)
        number, _ = self._inputs.setdefault(asked.base.name, new)
        bound, small_go_left = _as_upper_bound(asked)
        small_and_missing = asked.missing_left == small_go_left
        self._numbers += [-number if small_and_missing else number, bound, math.nan]
        return (left, right) if small_go_left else (right, left)


def _as_upper_bound(asked: Comparison) -> tuple[float, bool]:
    """The greatest number that counts as small, and whether small numbers go left."""
    everything = math.inf if asked.increasing else -math.inf
    if math.isnan(asked.bound) or asked.bound == everything:
        return math.inf, asked.bound == everything
    if asked.increasing:
        return asked.bound, True
    return math.nextafter(asked.bound, -math.inf), False

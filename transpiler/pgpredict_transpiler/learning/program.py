"""What an estimator with `partial_fit` becomes: a vector of numbers and three pieces of SQL."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """A named part of the vector of parameters, row by row.

    Attributes:
        name: as in scikit-learn, without the underscore at the end: ``coef``.
        shape: ``()`` for one number.
    """

    name: str
    shape: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class LearningProgram:
    """A learner without its database.

    Attributes:
        features: the names of the inputs, in order.
        classes: the labels of a classifier in scikit-learn's order, as Python scalars; empty for
            regressors and clusterers.
        blocks: what the vector of parameters holds, in order.
        initial: that vector for the estimator as it was given, shape (n_parameters,): of a fitted
            one its numbers, of another what the first call of `partial_fit` starts from.
        kernel: the body, from DECLARE to END, of a PL/pgSQL function ``(parameters float8[],
            features float8[], labels float8[]) RETURNS float8[]``; one call of it is one call of
            `partial_fit`. `features` holds n rows of d numbers each, one after the other; `labels`
            n places in `classes` (from 0) or n targets. All are finite. Without a row it returns
            the parameters as they are. Raises 22003 where a number would overflow.
        prediction: an SQL expression; ``$1`` is the vector, ``$2`` and so on are the features. The
            place of the class in `classes`, the number, or the cluster. NULL where a feature is
            NULL, NaN or infinite; no input makes it raise.
        probability: likewise, the float8 probability of the second of two classes, or a float8[]
            of one for each class; None where the estimator has none.
        exporter: makes a fitted estimator of the blocks.
        accepts: an SQL condition over ``$2`` and so on, which are finite: rows where it is false
            must not be learnt; None: all may be.
        expects: what that condition asks for, in words.
    """

    features: tuple[str, ...]
    classes: tuple[Any, ...]
    blocks: tuple[Block, ...]
    initial: Floats
    kernel: str
    prediction: str
    probability: str | None
    exporter: Callable[[Mapping[str, Floats]], Any]
    accepts: str | None = None
    expects: str = ""

    def export(self, parameters: Sequence[float] | Floats) -> Any:
        """A fitted scikit-learn estimator that goes on where these parameters stand.

        Args:
            parameters: shape (n_parameters,), a state of this learner.

        Returns:
            A new estimator of the class and options that the learner was made of.
        """
        return self.exporter(split(self.blocks, np.asarray(parameters, dtype=np.float64)))


def split(blocks: Sequence[Block], vector: Floats) -> dict[str, Floats]:
    """The blocks of a vector, each a copy in its own shape.

    >>> split([Block("coef", (1, 2)), Block("t")], np.array([0.5, 1.5, 9.0]))
    {'coef': array([[0.5, 1.5]]), 't': array(9.)}
    """
    found = {}
    for block, start in zip(blocks, starts(blocks).values(), strict=True):
        found[block.name] = vector[start : start + block.size].reshape(block.shape).copy()
    return found


def joined(blocks: Sequence[Block], values: Mapping[str, Any]) -> Floats:
    """The vector of these blocks: the inverse of `split`.

    >>> joined([Block("coef", (1, 2)), Block("t")], {"t": 9.0, "coef": [[0.5, 1.5]]})
    array([0.5, 1.5, 9. ])
    """
    parts = [np.broadcast_to(values[block.name], block.shape).ravel() for block in blocks]
    return np.concatenate(parts).astype(np.float64)


def starts(blocks: Sequence[Block]) -> dict[str, int]:
    """How many numbers stand before each block.

    >>> starts([Block("coef", (2, 3)), Block("intercept", (2,)), Block("t")])
    {'coef': 0, 'intercept': 6, 't': 8}
    """
    found, total = {}, 0
    for block in blocks:
        found[block.name] = total
        total += block.size
    return found

"""What answers for an estimator that learns elsewhere: a vector of numbers, and SQL over it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pgpredict_transpiler.learning.program import Block, Floats


@dataclass(frozen=True)
class AnswerProgram:
    """A learner without kernel and without its database.

    Attributes:
        features: the names of the inputs, in order.
        classes: the labels of a classifier in scikit-learn's order, as Python scalars; empty for
            others.
        blocks: what the vector of parameters holds, in order.
        prediction: an SQL expression; ``$1`` is the vector, ``$2`` and so on are the features. The
            place of the class in `classes`, the number, the cluster, or a float8[]. NULL where a
            feature is NULL, NaN or infinite, or where the estimator is not fitted; no input makes
            it raise.
        probability: likewise, the float8 probability of the second of two classes, or a float8[]
            of one for each class; None where the estimator has none.
        read: the vector, shape (n_parameters,), of an estimator of the same class and options,
            fitted or not. All its numbers are finite.
        gives_vector: whether `prediction` is a float8[].
        fewest: how many rows a first call of `partial_fit` needs.
        accepts: an SQL condition over ``$2`` and so on, which are finite: rows where it is false
            must not be learnt; None: all may be.
        expects: what that condition asks for, in words.
    """

    features: tuple[str, ...]
    classes: tuple[Any, ...]
    blocks: tuple[Block, ...]
    prediction: str
    probability: str | None
    read: Callable[[Any], Floats]
    gives_vector: bool = False
    fewest: int = 1
    accepts: str | None = None
    expects: str = ""

"""Answer: the layers of an estimator, with what is made of their values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pgpredict_transpiler.learning.answering.layers import Layer, Layers


@dataclass(frozen=True)
class Answer:
    """What an estimator answers with, whatever scaler stands before it.

    Attributes:
        layers: their blocks and their SQL.
        prediction: as in `AnswerProgram`.
        numbers: the layers of a fitted estimator; None: it is not fitted.
        classes: of a classifier.
        probability: as in `AnswerProgram`.
        gives_vector: as there.
        fewest: as there.
    """

    layers: Layers
    prediction: str
    numbers: Callable[[Any], list[Layer] | None]
    classes: tuple[Any, ...] = ()
    probability: str | None = None
    gives_vector: bool = False
    fewest: int = 1

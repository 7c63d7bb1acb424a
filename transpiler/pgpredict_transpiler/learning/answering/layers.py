"""Layers: weighted sums of the features, and of these again, with a function of each.

The SQL function `pgpredict.layers` computes them one after the other, so that no sum is computed
twice. A network is several layers, a projection or the distance to centers is one. Its parameters:
whether there is an answer at all; what is taken from each feature, and what that is divided by (a
scaler in front); then for each layer the weights of each unit and what is added to its sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pgpredict_transpiler.learning.answers import feature
from pgpredict_transpiler.learning.program import Block, Floats, joined

# With such numbers, and what pgpredict.layers lets through from one layer to the next, no product
# overflows or underflows.
LEAST, MOST = 1e-50, 1e50


@dataclass(frozen=True)
class Scale:
    """What a scaler makes of the features: (x - offset) / divisor, each of shape (n_features,)."""

    offset: Floats
    divisor: Floats


@dataclass(frozen=True)
class Layer:
    """The numbers of a layer.

    Attributes:
        weights: shape (units, inputs).
        added: shape (units,).
    """

    weights: Floats
    added: Floats


class Layers:
    """The blocks and the SQL of some layers.

    Args:
        names: of each layer, those of its weights and of what is added.
        sizes: how many features there are, then the units of each layer.
        activations: of each layer: identity, relu, logistic, tanh, exp or softmax.
    """

    def __init__(
        self,
        names: Sequence[tuple[str, str]],
        sizes: Sequence[int],
        activations: Sequence[str],
    ) -> None:
        self._names, self._sizes, self._activations = names, sizes, activations
        pairs = zip(names, sizes[:-1], sizes[1:], strict=True)
        self.blocks = (
            Block("answers"),
            Block("offset", (sizes[0],)),
            Block("divisor", (sizes[0],)),
            *(
                block
                for (weights, added), inputs, units in pairs
                for block in (Block(weights, (units, inputs)), Block(added, (units,)))
            ),
        )

    @property
    def values(self) -> str:
        """The values of the last layer as an SQL expression: a float8[], or NULL."""
        features = ", ".join(feature(j) for j in range(self._sizes[0]))
        sizes = ", ".join(map(str, self._sizes))
        return (
            f"pgpredict.layers($1, ARRAY[{features}]::float8[], '{{{sizes}}}',"
            f" '{{{', '.join(self._activations)}}}')"
        )

    def vector(self, scale: Scale, layers: Sequence[Layer]) -> Floats:
        """The parameters. There is no answer where they are too large, or divide by too little."""
        values: dict[str, Any] = {"offset": scale.offset, "divisor": scale.divisor}
        for (weights, added), layer in zip(self._names, layers, strict=True):
            values |= {weights: layer.weights, added: layer.added}
        vector = joined(self.blocks, values | {"answers": 1.0})
        vector[np.abs(vector) < LEAST] = 0.0
        usual = (np.abs(vector) <= MOST).all() and (np.abs(scale.divisor) >= LEAST).all()
        return vector if usual else self.silent()

    def silent(self) -> Floats:
        """Parameters with which there is no answer, such as those of what is not fitted."""
        return np.zeros(sum(block.size for block in self.blocks))


def scaled_by(scaler: Any, count: int) -> Scale | None:
    """What a scaler does; None: it is not fitted, or no such scaler.

    Args:
        scaler: None: there is none, and the features stay as they are.
        count: how many features there are.
    """
    if scaler is None:
        return Scale(np.zeros(count), np.ones(count))
    kind = SCALERS.get(type(scaler).__name__)
    if kind is None or not hasattr(scaler, "n_samples_seen_"):
        return None
    return kind(scaler, count)


def _standard(scaler: Any, count: int) -> Scale:
    return Scale(
        scaler.mean_ if scaler.with_mean else np.zeros(count),
        scaler.scale_ if scaler.with_std else np.ones(count),
    )


def _between(scaler: Any, count: int) -> Scale:
    return Scale(-scaler.min_ / scaler.scale_, np.ones(count) / scaler.scale_)


def _largest(scaler: Any, count: int) -> Scale:
    return Scale(np.zeros(count), scaler.scale_)


SCALERS: dict[str, Callable[[Any, int], Scale]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _between,
    "MaxAbsScaler": _largest,
}

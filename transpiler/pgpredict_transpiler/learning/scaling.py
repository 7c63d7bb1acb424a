"""StandardScaler before a linear learner: learnt first, then applied to the batch.

preprocessing/_data.py (`StandardScaler.partial_fit`, `transform`, `_is_constant_feature`) and
utils/extmath.py (`_incremental_mean_and_var`: Chan, Golub and LeVeque). Sums run over the rows in
their order, as numpy has them for a batch in C order with two features or more; of a single feature
it adds up pairs, and the last digits are others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pgpredict_transpiler.learning.answers import feature, parameter
from pgpredict_transpiler.learning.lanes import Lanes
from pgpredict_transpiler.learning.program import Block, Floats
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.text import Product, indented, number, quotient

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Scaling:
    """Writes what a StandardScaler does in a kernel and in predictions.

    Attributes:
        scaler: the estimator, fitted or not.
        lanes: the features.
    """

    scaler: Any
    lanes: Lanes

    @property
    def centres(self) -> bool:
        """Whether the mean is taken away."""
        return bool(self.scaler.with_mean)

    @property
    def scales(self) -> bool:
        """Whether features are divided by their standard deviation."""
        return bool(self.scaler.with_std)

    def blocks(self) -> tuple[Block, ...]:
        """What is kept; what predicts comes first."""
        names = [
            *(["mean"] if self.centres or self.scales else []),
            *(["scale", "var"] if self.scales else []),
        ]
        return (*(Block(name, (self.lanes.count,)) for name in names), Block("n_samples_seen"))

    @property
    def used(self) -> int:
        """How many numbers, from the first on, predictions use."""
        return sum(block.size for block in self.blocks() if block.name in ("mean", "scale"))

    def initial(self) -> dict[str, Any]:
        """The numbers of the scaler as it was given.

        Raises:
            UnsupportedEstimator: it has counted the rows of each feature apart.
        """
        values: dict[str, Any] = {block.name: np.zeros(block.shape) for block in self.blocks()}
        if not hasattr(self.scaler, "n_samples_seen_"):
            return values | ({"scale": 1.0} if self.scales else {})
        for name in values:
            values[name] = np.asarray(getattr(self.scaler, f"{name}_"), dtype=np.float64)
        if values["n_samples_seen"].shape:
            refuse(self.scaler, "it was fitted on missing values, which no learner sees")
        return values

    def attributes(self, values: Mapping[str, Floats]) -> dict[str, Any]:
        """What fitting sets, from the blocks."""
        learnt: dict[str, Any] = dict.fromkeys(("mean_", "scale_", "var_"))
        learnt |= {f"{name}_": values[name] for name in ("mean", "scale", "var") if name in values}
        return learnt | {"n_samples_seen_": np.int64(values["n_samples_seen"])}

    def scaled(self, j: int, start: Mapping[str, int], cast: str) -> str:
        """A feature as the learner sees it, in a prediction.

        Args:
            j: which, from 0.
            start: how many parameters stand before each block.
            cast: what makes a number of another type: ``::numeric``, or nothing.
        """
        value = f"{feature(j)}{cast}"
        if self.centres:
            value = f"({value} - {parameter(start['mean'] + j)}{cast})"
        return f"{value} / {parameter(start['scale'] + j)}{cast}" if self.scales else value

    def scalars(self) -> str:
        """The variables that it needs, besides the vectors m, s, c, r and v."""
        return "seen float8;"

    def applied(self, product: Product) -> str:
        """Statements that scale x."""
        parts = []
        if self.centres:
            parts.append(self.lanes.each("{x} := {x} - {m};"))
        if self.scales:
            parts.append(self.lanes.each(f"{{x}} := {quotient('{x}', '{s}', product)};"))
        return "\n".join(parts)

    def learned(self, start: Mapping[str, int], product: Product) -> str:
        """Statements of `partial_fit`, which write into `result`, and read m and s from there.

        Args:
            start: how many parameters stand before each block.
            product: how to multiply.
        """
        seen = f"seen := parameters[{start['n_samples_seen'] + 1}];"
        after = f"result[{start['n_samples_seen'] + 1}] := seen + n;"
        if "mean" not in start:
            return f"{seen}\n{after}"
        each = [self._mean(start["mean"], product)]
        if self.scales:
            each.append(self._variance(start, product))
        return "\n".join(
            [seen, "y := seen + n;", self._sums(product), self.lanes.each("\n".join(each)), after]
        )

    def _sums(self, product: Product) -> str:
        """Sets m to the sums, and r and v to the sums of distances from c and of their squares."""
        value = f"features[i * {self.lanes.count} + {{j}}]"
        lines = [self.lanes.filled("m", number(0)), self._over_rows(f"{{m}} := {{m}} + {value};")]
        if self.scales:
            lines += [
                self.lanes.filled("c", number(0)),
                self.lanes.each(f"{{c}} := {quotient('{m}', 'n', product)};"),
                self.lanes.filled("r", number(0)),
                self.lanes.filled("v", number(0)),
                self._over_rows(
                    f"z := {value} - {{c}};\n"
                    "{r} := {r} + z;\n"
                    f"{{v}} := {{v}} + {product('z', 'z')};"
                ),
                self.lanes.filled("s", number(1)),
            ]
        return "\n".join(lines)

    def _over_rows(self, statement: str) -> str:
        return f"FOR i IN 0..n - 1 LOOP\n{indented(self.lanes.each(statement))}\nEND LOOP;"

    def _mean(self, mean: int, product: Product) -> str:
        """Turns the sum m into the mean; y is the new number of rows, u the sum of those before."""
        return (
            f"u := parameters[{mean} + {{j}}] * seen;\n"
            "step := {m};\n"
            "z := u + step;\n"
            f"{{m}} := {quotient('z', 'y', product)};\n"
            f"result[{mean} + {{j}}] := {{m}};"
        )

    def _variance(self, start: Mapping[str, int], product: Product) -> str:
        """After `_mean`, with u, y and the sum of the batch in `step`; leaves the scale in s."""
        epsilon = number(EPSILON)
        return f"""
p := {product("{r}", "{r}")};
p := {{v}} - {quotient("p", "n", product)};
IF seen > 0 THEN
  b := seen / n;
  step := u / b - step;
  step := {product("step", "step")};
  b := b / y;
  p := parameters[{start["var"]} + {{j}}] * seen + p + {product("b", "step")};
END IF;
p := {quotient("p", "y", product)};
result[{start["var"]} + {{j}}] := p;
z := {{m}};
b := y * z;
b := {product("b", epsilon)};
step := y * {epsilon};
step := {product("step", "p")} + {product("b", "b")};
{{s}} := CASE WHEN p <= step THEN 1 ELSE sqrt(p) END;
result[{start["scale"]} + {{j}}] := {{s}};
""".strip()

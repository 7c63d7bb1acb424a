"""Means and variances of each class, batch by batch, as PL/pgSQL.

The operations of scikit-learn's GaussianNB in their order (naive_bayes.py, `_update_mean_variance`,
`_partial_fit`), among them its quirk: what a batch adds to all variances follows from that batch,
and it is this new amount that is taken away from the old ones first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pgpredict_transpiler.learning.lanes import Lanes, tried_twice
from pgpredict_transpiler.learning.program import Block, starts
from pgpredict_transpiler.learning.text import LARGE, Product, indented, number

SMALLEST_VARIANCE, LARGEST_VARIANCE = 1e-100, 1e60  # of usual parameters: no quotient underflows

NAMES = """
n int := cardinality(labels);
at int;
place int;
members int[];
z float8;
fresh float8;
past float8;
whole float8;
share float8;
epsilon float8;
result float8[];
""".strip()


def kernel(
    var_smoothing: float, priors: Sequence[float] | None, lanes: Lanes, blocks: Sequence[Block]
) -> str:
    """The body of the function that learns a batch.

    Args:
        var_smoothing: the share of the largest variance of a batch that is added to all.
        priors: the probability of each class; None: as the rows show it.
        lanes: the features.
        blocks: what the parameters hold.
    """
    return tried_twice(
        lanes,
        NAMES,
        ["m", "s"],
        lambda chosen, product: _Moments(var_smoothing, priors, chosen, blocks).text(product),
    )


class _Moments:
    """Writes the kernel."""

    def __init__(
        self,
        var_smoothing: float,
        priors: Sequence[float] | None,
        lanes: Lanes,
        blocks: Sequence[Block],
    ) -> None:
        self.smoothing = var_smoothing
        self.priors = priors
        self.lanes = lanes
        self.start = starts(blocks)
        self.classes = blocks[0].size

    def text(self, product: Product) -> str:
        count = self.start["class_count"]
        learnt = " + ".join(f"result[{count + k}]" for k in range(1, self.classes + 1))
        parts = [
            "result := parameters;",
            self._epsilon(product),
            f"IF {learnt} > 0 THEN\n{indented(self._variances('- epsilon'))}\nEND IF;",
            self._each_class(self._learn(product)),
            self._variances("+ epsilon"),
            f"result[{self.start['epsilon'] + 1}] := epsilon;",
            f"whole := {learnt};",
            self._each_class(self._offset()),
            self._note(),
        ]
        return "\n".join(parts)

    def _each_class(self, text: str) -> str:
        return f"FOR k IN 1..{self.classes} LOOP\n{indented(text)}\nEND LOOP;"

    def _variances(self, change: str) -> str:
        first = self.start["var"] + 1
        last = self.start["var"] + self.classes * self.lanes.count
        return f"FOR at IN {first}..{last} LOOP\n  result[at] := result[at] {change};\nEND LOOP;"

    def _moments(self, rows: str, count: str, product: Product) -> str:
        """The mean of some rows and the sum of the squared distances to it."""
        add = self.lanes.each("{m} := {m} + features[at + {j}];")
        square = self.lanes.each(
            f"z := features[at + {{j}}] - {{m}};\n{{s}} := {{s}} + {product('z', 'z')};"
        )
        over = f"FOREACH at IN ARRAY {rows} LOOP\n  at := (at - 1) * {self.lanes.count};"
        return "\n".join(
            [
                self.lanes.filled("m", number(0)),
                self.lanes.filled("s", number(0)),
                f"{over}\n{indented(add)}\nEND LOOP;",
                self.lanes.each(f"{{m}} := {{m}} / {count};"),
                f"{over}\n{indented(square)}\nEND LOOP;",
            ]
        )

    def _epsilon(self, product: Product) -> str:
        """A share of the largest variance in the batch."""
        if self.smoothing == 0.0:
            return "epsilon := 0;"
        moments = self._moments("members", "n", product)
        largest = self.lanes.each("epsilon := greatest(epsilon, {s} / n);")
        return (
            f"members := ARRAY(SELECT generate_series(1, n));\n{moments}\n"
            f"epsilon := 0;\n{largest}\n"
            f"epsilon := {product(number(self.smoothing), 'epsilon')};"
        )

    def _learn(self, product: Product) -> str:
        count, d = self.start["class_count"], self.lanes.count
        first = "result[at + {j}] := {m};\nresult[place + {j}] := {s} / fresh;"
        later = "\n".join(
            [
                "z := result[at + {j}] - {m};",
                "result[at + {j}] := (fresh * {m} + past * result[at + {j}]) / whole;",
                f"z := {product('z', 'z')};",
                "result[place + {j}] := (past * result[place + {j}] + fresh * ({s} / fresh)",
                f"  + {product('share', 'z')}) / whole;",
            ]
        )
        return "\n".join(
            [
                "members := array_positions(labels, (k - 1)::float8);",
                "CONTINUE WHEN cardinality(members) = 0;",
                "fresh := cardinality(members);",
                self._moments("members", "fresh", product),
                f"past := result[{count} + k];",
                "whole := past + fresh;",
                "share := fresh * past / whole;",
                f"at := {self.start['theta']} + (k - 1) * {d};",
                f"place := {self.start['var']} + (k - 1) * {d};",
                "IF past = 0 THEN",
                indented(self.lanes.each(first)),
                "ELSE",
                indented(self.lanes.each(later)),
                "END IF;",
                f"result[{count} + k] := whole;",
            ]
        )

    def _offset(self) -> str:
        """The part of a score that is the same for all rows, 0 for a class that cannot be."""
        d = self.lanes.count
        place = f"result[{self.start['offset']} + k]"
        if self.priors is None:
            count = f"result[{self.start['class_count']} + k]"
            prior = f"CASE WHEN {count} > 0 THEN ln({count} / whole) ELSE 0 END"
        else:
            known = ", ".join(number(math.log(p) if p > 0 else 0.0) for p in self.priors)
            prior = f"(ARRAY[{known}])[k]"
        two_pi = number(2.0 * math.pi)
        return (
            f"z := 0;\nFOR j IN 1..{d} LOOP\n"
            f"  share := result[{self.start['var']} + (k - 1) * {d} + j];\n"
            f"  IF share > 0 THEN z := z + ln({two_pi} * share); END IF;\nEND LOOP;\n"
            f"{place} := {prior} - 0.5 * z;"
        )

    def _note(self) -> str:
        """Notes whether there are answers, and whether the parameters are usual (see `answers`)."""
        size = self.classes * self.lanes.count
        theta, var = self.start["theta"], self.start["var"]
        low, high = number(SMALLEST_VARIANCE), number(LARGEST_VARIANCE)
        thetas = f"unnest(result[{theta + 1}:{theta + size}])"
        variances = f"unnest(result[{var + 1}:{var + size}])"
        verdict = (
            f"CASE WHEN min(var) <= 0 THEN 0\n"
            f"  WHEN min(var) >= {low} AND max(var) <= {high}\n"
            f"    AND max(abs(theta)) <= {number(LARGE)}\n"
            f"    AND coalesce(min(nullif(abs(theta), 0)), 1) >= {number(1 / LARGE)} THEN 1\n"
            "  ELSE 2 END"
        )
        each = f"(SELECT {thetas} AS theta, {variances} AS var) AS each"
        return f"result[{self.start['ordinary'] + 1}] := {verdict}\nFROM {each};"

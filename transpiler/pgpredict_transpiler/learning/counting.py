"""The counts of naive Bayes, and what predictions make of them, as PL/pgSQL.

Sums of whole numbers are the same in any order, so counts are exactly scikit-learn's. Each formula
that follows from them is written twice, as PL/pgSQL and in numpy for estimators that were fitted
before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pgpredict_transpiler.learning.lanes import Lanes
from pgpredict_transpiler.learning.program import Block, Floats, starts
from pgpredict_transpiler.learning.sums import exact_number
from pgpredict_transpiler.learning.text import LARGE, indented, number

DERIVING = """
alpha float8;
whole float8;
z float8;
total float8[];
""".strip()
NAMES = f"""
n int := cardinality(labels);
at int;
members int[];
{DERIVING}
result float8[] := parameters;
""".strip()


@dataclass(frozen=True)
class Counting:
    """The options of a naive Bayes classifier over counts.

    Attributes:
        kind: ``multinomial``, ``bernoulli`` or ``complement``.
        alpha: what is added to the count of each feature, above zero.
        priors: the probability of each class; None: as the rows show it.
        threshold: features above it count as 1, others as 0; None: they count as they are.
        norm: whether the weights of `complement` are divided by their sum.
    """

    kind: str
    alpha: tuple[float, ...]
    priors: tuple[float, ...] | None
    threshold: float | None
    norm: bool

    def derived(self, class_count: Floats, feature_count: Floats) -> tuple[Floats, Floats]:
        """Weights (n_classes, n_features) and offsets (n_classes,) of a score.

        The offset of a class without rows is 0 here; predictions know it by its count.
        """
        alpha = np.asarray(self.alpha)
        with np.errstate(all="ignore"):
            known = class_count / class_count.sum() if self.priors is None else self.priors
            prior = np.log(np.where(np.asarray(known) > 0, known, 1.0))
            smooth = feature_count + alpha
            if self.kind == "multinomial":
                return np.log(smooth) - np.log(smooth.sum(axis=1, keepdims=True)), prior
            if self.kind == "bernoulli":
                absent = class_count[:, None] - feature_count + alpha
                never = np.log(absent) - np.log(class_count[:, None] + 2 * alpha)
                return np.log(smooth) - np.log(absent), prior + never.sum(axis=1)
            others = feature_count.sum(axis=0) + alpha - feature_count
            others = np.where(others > 0, others, alpha)
            logged = np.log(others / others.sum(axis=1, keepdims=True))
            weight = logged / logged.sum(axis=1, keepdims=True) if self.norm else -logged
            return np.where(np.isnan(weight), 0.0, weight), np.zeros(len(class_count))


def kernel(options: Counting, lanes: Lanes, blocks: Sequence[Block]) -> str:
    """The body of the function that learns a batch.

    Args:
        options: of the classifier.
        lanes: the features.
        blocks: what the parameters hold.
    """
    return _Count(options, lanes, blocks).text()


def change(options: Counting, classes: int, features: int) -> str:
    """The body that adds rows to exact counts, or takes them away (see `SumsProgram`)."""
    value = f"features[(i - 1) * {features} + j]"
    counted = exact_number(value)
    if options.threshold is not None:
        counted = f"CASE WHEN {value} > {number(options.threshold)} THEN 1 ELSE 0 END"
    return f"""DECLARE
  at int;
  sign numeric := CASE WHEN taken THEN -1 ELSE 1 END;
BEGIN
  FOR i IN 1..cardinality(labels) LOOP
    at := labels[i]::int + 1;
    sums[at] := sums[at] + sign;
    at := {classes} + labels[i]::int * {features};
    FOR j IN 1..{features} LOOP
      sums[at + j] := trim_scale(sums[at + j] + sign * {counted});
    END LOOP;
  END LOOP;
  RETURN sums;
END"""


def solve(options: Counting, lanes: Lanes, blocks: Sequence[Block]) -> str:
    """The body that turns exact counts into parameters (see `SumsProgram`)."""
    return _Count(options, lanes, blocks).solved()


class _Count:
    """Writes the kernel."""

    def __init__(self, options: Counting, lanes: Lanes, blocks: Sequence[Block]) -> None:
        self.options = options
        self.lanes = lanes
        self.start = starts(blocks)
        self.classes = blocks[0].size
        single = len(set(options.alpha)) == 1
        self.smoothing = number(options.alpha[0]) if single else "alphas[j]"
        self.alphas = (
            ""
            if single
            else f"alphas float8[] := ARRAY[{', '.join(map(number, options.alpha))}];\n"
        )

    def text(self) -> str:
        body = indented(f"{self._count()}\n{self._derived()}")
        declarations = indented(f"{NAMES}\n{self.alphas}{self.lanes.declared('c')}")
        return (
            f"DECLARE\n{declarations}\nBEGIN\n"
            f"  IF n = 0 THEN\n    RETURN parameters;\n  END IF;\n{body}\n  RETURN result;\nEND"
        )

    def solved(self) -> str:
        size = self.start["ordinary"] + 1
        counts = self.classes * (self.lanes.count + 1)
        return (
            f"DECLARE\n{indented(DERIVING)}\n{indented(self.alphas)}"
            f"  result float8[] := array_fill(0::float8, ARRAY[{size}]);\nBEGIN\n"
            f"  FOR at IN 1..{counts} LOOP\n"
            "    result[at] := round(sums[at], 323)::float8;\n  END LOOP;\n"
            f"  IF NOT 0 < ANY (result[1:{self.classes}]) THEN\n    RETURN result;\n  END IF;\n"
            f"{indented(self._derived())}\n  RETURN result;\nEND"
        )

    def _derived(self) -> str:
        derive = {
            "multinomial": self._multinomial,
            "bernoulli": self._bernoulli,
            "complement": self._complement,
        }[self.options.kind]
        return f"{derive()}\n{self._note()}"

    def _count(self) -> str:
        """Adds the features of the rows of each class."""
        value = "features[at + {j}]"
        if self.options.threshold is not None:
            value = f"CASE WHEN {value} > {number(self.options.threshold)} THEN 1 ELSE 0 END"
        inside = [
            "members := array_positions(labels, (k - 1)::float8);",
            "CONTINUE WHEN cardinality(members) = 0;",
            self.lanes.filled("c", number(0)),
            "FOREACH at IN ARRAY members LOOP",
            f"  at := (at - 1) * {self.lanes.count};",
            indented(self.lanes.each(f"{{c}} := {{c}} + {value};")),
            "END LOOP;",
            f"at := {self.start['feature_count']} + (k - 1) * {self.lanes.count};",
            self.lanes.each("result[at + {j}] := result[at + {j}] + {c};"),
            f"at := {self.start['class_count']} + k;",
            "result[at] := result[at] + cardinality(members);",
        ]
        return self._classes("\n".join(inside))

    def _multinomial(self) -> str:
        count, weight = self._at("feature_count"), self._at("weight")
        parts = [
            "whole := 0;",
            self._features(f"whole := whole + ({count} + alpha);"),
            "whole := ln(whole);",
            self._features(f"{weight} := ln({count} + alpha) - whole;"),
            self._prior(),
        ]
        return self._classes("\n".join(parts))

    def _bernoulli(self) -> str:
        """The logarithm of 1 - p from the count of the rows without the feature.

        scikit-learn has log(1 - exp(log(p))), which is infinite where p is nearly 1.
        """
        rows = f"result[{self.start['class_count']} + k]"
        absent = f"ln(greatest({rows} - z, 0) + alpha)"
        each = "\n".join(
            [
                f"z := {self._at('feature_count')};",
                f"{self._at('weight')} := ln(z + alpha) - {absent};",
                f"whole := whole + ({absent} - ln({rows} + 2 * alpha));",
            ]
        )
        offset = f"result[{self.start['offset']} + k]"
        return self._classes(
            f"whole := 0;\n{self._features(each)}\n{self._prior()}\n{offset} := {offset} + whole;"
        )

    def _complement(self) -> str:
        other = f"total[j] + alpha - {self._at('feature_count')}"
        weight = self._at("weight")
        collect = f"z := {other};\nIF z <= 0 THEN z := alpha; END IF;\n"
        counts = [self.start["feature_count"] + i * self.lanes.count for i in range(self.classes)]
        summed = " + ".join(f"result[{count} + j]" for count in counts)
        sums = self._features(f"total[j] := {summed};", smoothing=False)
        logged = (
            f"z := {weight};\n"
            f"{weight} := CASE WHEN z < {number(1 / LARGE)} OR whole > {number(LARGE)}\n"
            "  THEN ln(whole) - ln(z) ELSE -ln(z / whole) END;"
        )
        parts = [
            "whole := 0;",
            self._features(f"{collect}{weight} := z;\nwhole := whole + z;"),
            self._features(logged, smoothing=False),
        ]
        if self.options.norm:
            parts += [
                "whole := 0;",
                self._features(f"whole := whole + {weight};", smoothing=False),
                "IF whole > 0 THEN",
                indented(self._features(f"{weight} := {weight} / whole;", smoothing=False)),
                "END IF;",
            ]
        return f"{sums}\n{self._classes(chr(10).join(parts))}"

    def _prior(self) -> str:
        offset, count = f"result[{self.start['offset']} + k]", self.start["class_count"]
        if self.options.priors is not None:
            known = ", ".join(number(np.log(p) if p > 0 else 0.0) for p in self.options.priors)
            return f"{offset} := (ARRAY[{known}])[k];"
        counts = " + ".join(f"result[{count + i}]" for i in range(1, self.classes + 1))
        return (
            f"{offset} := CASE WHEN result[{count} + k] > 0\n"
            f"  THEN ln(result[{count} + k]) - ln({counts}) ELSE 0 END;"
        )

    def _note(self) -> str:
        """Notes that something was learnt, and whether the weights are usual (see `answers`)."""
        first, last = self.start["weight"] + 1, self.start["offset"]
        return (
            f"result[{self.start['ordinary'] + 1}] := CASE WHEN EXISTS (\n"
            f"  SELECT FROM unnest(result[{first}:{last}]) AS each (weight)\n"
            f"  WHERE weight <> 0 AND NOT abs(weight) BETWEEN {number(1 / LARGE)}\n"
            f"    AND {number(LARGE)}) THEN 2 ELSE 1 END;"
        )

    def _at(self, block: str) -> str:
        return f"result[{self.start[block]} + (k - 1) * {self.lanes.count} + j]"

    def _classes(self, text: str) -> str:
        return f"FOR k IN 1..{self.classes} LOOP\n{indented(text)}\nEND LOOP;"

    def _features(self, text: str, smoothing: bool = True) -> str:
        if smoothing:
            text = f"alpha := {self.smoothing};\n{text}"
        return f"FOR j IN 1..{self.lanes.count} LOOP\n{indented(text)}\nEND LOOP;"

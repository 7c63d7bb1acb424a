"""What learners of clusters share: which center is nearest to each row, as PL/pgSQL."""

from __future__ import annotations

from dataclasses import dataclass

from pgpredict_transpiler.learning.lanes import Lanes, LoopedLanes
from pgpredict_transpiler.learning.text import Product, indented

MOST_SCALARS = 400


@dataclass(frozen=True)
class Centers:
    """Centers of clusters in a kernel.

    Attributes:
        lanes: the features.
        count: how many centers there are.
        start: how many parameters stand before them.
    """

    lanes: Lanes
    count: int
    start: int

    @property
    def scalars(self) -> str:
        """Declarations of the variables that `nearest` uses, but for `n`, `at` and `i`."""
        numbers = "\n".join(f"n{k} float8; d{k} float8;" for k in range(1, self.count + 1))
        return f"nearest int[] := array_fill(0, ARRAY[n]);\nmembers int[];\n{numbers}"

    @property
    def vectors(self) -> list[str]:
        """The vectors that `nearest` uses."""
        return ["x", *(f"c{k}_" for k in range(1, self.count + 1))]

    def place(self, k: str = "k") -> str:
        """How many parameters stand before a center; the first is 1."""
        return f"{self.start} + ({k} - 1) * {self.lanes.count}"

    def nearest(self, product: Product) -> str:
        """Statements that set `nearest`, for each row the place of its center, from 1.

        The squared distance without the part that is the same for all centers; the first of equals.
        """
        every = range(1, self.count + 1)
        load = []
        for k in every:
            load += [
                f"at := {self.place(str(k))};",
                self.lanes.loaded(f"c{k}_", "parameters", "at"),
                self.lanes.total(f"n{k}", product(f"{{c{k}_}}", f"{{c{k}_}}")),
            ]
        distances = "\n".join(
            f"{self.lanes.total(f'd{k}', product('{x}', f'{{c{k}_}}'))}\nd{k} := n{k} - 2 * d{k};"
            for k in every
        )
        least = "least(" + ", ".join(f"d{k}" for k in every) + ")"
        chosen = " ".join(f"WHEN d{k} THEN {k}" for k in every)
        row = "\n".join(
            [
                f"at := (i - 1) * {self.lanes.count};",
                self.lanes.loaded("x", "features", "at"),
                distances,
                f"nearest[i] := CASE {least} {chosen} END;",
            ]
        )
        return "\n".join([*load, f"FOR i IN 1..n LOOP\n{indented(row)}\nEND LOOP;"])

    def each_with_members(self, statements: str) -> str:
        """A loop over the centers k that have rows in this batch, `members`."""
        return (
            f"FOR k IN 1..{self.count} LOOP\n"
            "  members := array_positions(nearest, k);\n"
            "  CONTINUE WHEN cardinality(members) = 0;\n"
            f"{indented(statements)}\nEND LOOP;"
        )

    def each_member(self, statement: str) -> str:
        """A loop over the members of a center, with a statement for each feature of the row.

        In the statement ``features[at + {j}]`` is the feature.
        """
        return (
            f"FOREACH at IN ARRAY members LOOP\n  at := (at - 1) * {self.lanes.count};\n"
            f"{indented(self.lanes.each(statement))}\nEND LOOP;"
        )


def lanes_for(features: int, centers: int) -> Lanes:
    """Lanes of scalars, unless the centers together have too many numbers."""
    return (LoopedLanes if features * centers > MOST_SCALARS else Lanes)(features)

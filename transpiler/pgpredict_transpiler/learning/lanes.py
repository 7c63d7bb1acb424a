"""One statement for each feature: as a row of statements on scalars, or as a loop over arrays.

PL/pgSQL reads a scalar faster than an element of an array, so the loop is only for learners with
so many features that their kernel would take long to parse.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pgpredict_transpiler.learning.text import Product, body, indented, plain

MOST_SCALARS = 128
_NAME = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Lanes:
    """The features of a kernel.

    Attributes:
        count: how many there are.
    """

    count: int

    @property
    def wide(self) -> bool:
        """Whether there are too many for a scalar each."""
        return self.count > MOST_SCALARS

    def declared(self, *names: str) -> str:
        """Declarations of float8 vectors.

        >>> print(Lanes(2).declared("w"))
        w1 float8; w2 float8;
        """
        if self.wide:
            return "\n".join(f"{name} float8[];" for name in names)
        return "\n".join(
            " ".join(f"{name}{j} float8;" for j in range(1, self.count + 1)) for name in names
        )

    def each(self, statement: str) -> str:
        """A statement for every feature; ``{w}`` is that feature's element of w, ``{j}`` its place.

        >>> print(Lanes(2).each("{w} := {x} * {j};"))
        w1 := x1 * 1;
        w2 := x2 * 2;
        """
        if self.wide:
            return f"FOR j IN 1..{self.count} LOOP\n{indented(self._looped(statement))}\nEND LOOP;"
        return "\n".join(self._at(statement, j) for j in range(1, self.count + 1))

    def total(self, target: str, term: str) -> str:
        """Statements that set the target to the sum of a term over the features, in order.

        >>> print(Lanes(3).total("p", "{w} * {x}"))
        p := w1 * x1 + w2 * x2 + w3 * x3;
        """
        if self.wide:
            return f"{target} := 0;\n" + self.each(f"{target} := {target} + {term};")
        terms = [self._at(term, j) for j in range(1, self.count + 1)]
        lines = [" + ".join(terms[start : start + 6]) for start in range(0, self.count, 6)]
        return f"{target} := " + "\n  + ".join(lines) + ";"

    def loaded(self, name: str, source: str, offset: str) -> str:
        """Statements that read a vector from an array, after `offset` elements."""
        if self.wide:
            return f"{name} := {source}[{offset} + 1 : {offset} + {self.count}];"
        return self.each(f"{{{name}}} := {source}[{offset} + {{j}}];")

    def gathered(self, name: str) -> str:
        """An expression for a vector as an array."""
        if self.wide:
            return name
        return f"ARRAY[{', '.join(f'{name}{j}' for j in range(1, self.count + 1))}]"

    def stored(self, name: str, target: str, offset: str) -> str:
        """A statement that writes a vector into an array, after `offset` elements."""
        return f"{target}[{offset} + 1 : {offset} + {self.count}] := {self.gathered(name)};"

    def filled(self, name: str, value: str) -> str:
        """Statements that set every element to a value."""
        if self.wide:
            return f"{name} := array_fill({value}, ARRAY[{self.count}]);"
        return self.each(f"{{{name}}} := {value};")

    def _at(self, text: str, j: int) -> str:
        return _NAME.sub(lambda m: str(j) if m[1] == "j" else f"{m[1]}{j}", text)

    def _looped(self, text: str) -> str:
        return _NAME.sub(lambda m: "j" if m[1] == "j" else f"{m[1]}[j]", text)


class LoopedLanes(Lanes):
    """Lanes that are looped over however few they are: for what seldom runs."""

    @property
    def wide(self) -> bool:
        """Always."""
        return True


def tried_twice(
    lanes: Lanes, scalars: str, vectors: Sequence[str], write: Callable[[Lanes, Product], str]
) -> str:
    """The body of a kernel that is done again, with guards and as loops, where it underflows.

    Args:
        lanes: of the first try.
        scalars: declarations of the other variables.
        vectors: names of float8 vectors.
        write: writes the statements for given lanes and a given form of products.
    """
    rare = LoopedLanes(lanes.count)
    declared = [lanes.declared(*vectors), *([] if lanes.wide else [rare.declared(*vectors)])]
    return body(
        "\n".join([scalars, *declared]),
        lambda product: write(lanes if product is plain else rare, product),
    )

"""Trees as the transpiler writes them: nests of CASEs with constants at the leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass

QUOTED = r"""'(?:[^']|'')*'|"(?:[^"]|"")*\""""
CONDITION = re.compile(rf"CASE WHEN ((?:{QUOTED}|[^'\"])*?) THEN ")
COMPARISON = re.compile(r"""("(?:[^"]|"")*") (<=|<|>=|>) '([^']*)'::float8""")
LITERAL = re.compile(r"'([^']*)'::float8")
OPENED, CLOSED = re.compile(r"\(+"), re.compile(r"\)(?:::float8)?")
MEAN = re.compile(r"\) / '([^']*)'::float8")

Side = tuple[float, bool]  # a bound, and whether it is itself below


class Other(Exception):
    """A text is something else than a sum of trees."""


@dataclass(frozen=True)
class Split:
    """A question and what its answers lead to.

    Attributes:
        condition: the question.
        column: what it compares with a bound; the condition itself if it is no comparison.
        bound: with what; None: it is no comparison.
        below: whether it is true below the bound.
        yes: where it is true.
        no: where it is false or NULL.
    """

    condition: str
    column: str
    bound: Side | None
    below: bool
    yes: Split | float
    no: Split | float


def read(text: str) -> tuple[list[Split | float], float]:
    """Trees that are added up, and the number that their sum is divided by.

    Raises:
        Other: the text is something else.
    """
    mean = MEAN.search(text, max(0, len(text) - 60))
    if mean is None or mean.end() < len(text) or not text.startswith("("):
        return _terms(text, 0, len(text)), 1.0
    return _terms(text, 1, mean.start()), float(mean[1])


def _terms(text: str, at: int, end: int) -> list[Split | float]:
    """What is added up; parentheses only tell the order, which is ours to choose."""
    trees: list[Split | float] = []
    depth = 0
    while True:
        if opened := OPENED.match(text, at):
            depth += opened.end() - at
            at = opened.end()
        tree, at = _tree(text, at)
        trees.append(tree)
        while depth and (closed := CLOSED.match(text, at)):
            depth, at = depth - 1, closed.end()
        if at == end and not depth:
            return trees
        at = _behind(text, at, " + ")


def _tree(text: str, at: int) -> tuple[Split | float, int]:
    if literal := LITERAL.match(text, at):
        return float(literal[1]), literal.end()
    found = CONDITION.match(text, at)
    if found is None or "CASE" in found[1]:
        raise Other
    yes, at = _tree(text, found.end())
    no, at = _tree(text, _behind(text, at, " ELSE "))
    return _split(found[1], yes, no), _behind(text, at, " END")


def _behind(text: str, at: int, word: str) -> int:
    if not text.startswith(word, at):
        raise Other
    return at + len(word)


def _split(condition: str, yes: Split | float, no: Split | float) -> Split:
    comparison = COMPARISON.fullmatch(condition)
    if comparison is None:
        return Split(condition, condition, None, True, yes, no)
    column, operator, bound = comparison.groups()
    side = (float(bound), operator in ("<=", ">"))
    return Split(condition, column, side, operator in ("<", "<="), yes, no)


def size(tree: Split | float) -> int:
    """The questions in a tree."""
    return 1 + size(tree.yes) + size(tree.no) if isinstance(tree, Split) else 0


def reach_of(tree: Split | float) -> float:
    """The greatest magnitude of a leaf."""
    return max(reach_of(tree.yes), reach_of(tree.no)) if isinstance(tree, Split) else abs(tree)

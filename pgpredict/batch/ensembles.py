"""Sums of decision trees, written so that a row is asked less.

Trees of one ensemble ask the same questions over and over. Here trees whose first question is the
same are asked once, and what each answer leads to is added up behind it. Questions about one column
with several bounds become a search among the bounds. The sum is the same but for the order in which
it is added up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# How far a sum may be from the same one in another order, as a share of what it could be at most.
ROUNDING = 1e-12
# So much longer a text may become: a statement is planned at 5 us a comparison, by each process.
MOST_GROWTH = 1.5
# How many bounds of one column are searched at once: in a sum, in one behind it, and so on.
SEARCHED = ((64, 8), (8, 1), (1, 1))

QUOTED = r"""'(?:[^']|'')*'|"(?:[^"]|"")*\""""
CONDITION = re.compile(rf"CASE WHEN ((?:{QUOTED}|[^'\"])*?) THEN ")
COMPARISON = re.compile(r"""("(?:[^"]|"")*") (<=|<|>=|>) '([^']*)'::float8""")
LITERAL = re.compile(r"'([^']*)'::float8")
OPENED, CLOSED = re.compile(r"\(+"), re.compile(r"\)(?:::float8)?")
MEAN = re.compile(r"\) / '([^']*)'::float8")

Side = tuple[float, bool]  # a bound, and whether it is itself below
Interval = tuple[Side, Side, bool]  # above, below, maybe NULL
# What is known: of a column where it is, of a question that is no comparison its answer.
Known = Mapping[str, Interval | bool]
EVERYWHERE: Interval = ((-math.inf, False), (math.inf, True), True)


class _Other(Exception):
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


@dataclass(frozen=True)
class Sum:
    """A constant and what is added to it."""

    constant: float
    choices: tuple[Choice, ...]

    @property
    def size(self) -> int:
        """The questions in it."""
        return sum(1 + choice.yes.size + choice.no.size for choice in self.choices)


@dataclass(frozen=True)
class Choice:
    """Of two sums one, as a question decides."""

    condition: str
    yes: Sum
    no: Sum


@dataclass(frozen=True)
class Regrouped:
    """A sum of trees in another order.

    Attributes:
        text: the expression.
        doubt: how far its value is from that of the sum in its own order, at most.
    """

    text: str
    doubt: float


def regrouped(text: str) -> Regrouped | None:
    r"""Write a sum of trees so that each row is asked less.

    Args:
        text: an expression as the transpiler writes it: constants and nests of CASEs with constants
            at the leaves, added up, or the mean of that.

    Returns:
        The same sum, to be read from the same columns; None: it is something else.

    Example:
        >>> stump = "CASE WHEN \"x\" <= '1'::float8 THEN '2'::float8 ELSE '3'::float8 END"
        >>> regrouped(f"{stump} + {stump}").text
        'CASE WHEN "x" <= \'1\'::float8 THEN \'4.0\'::float8 ELSE \'6.0\'::float8 END'
    """
    try:
        trees, count = _read(text)
    except _Other:
        return None
    before = sum(map(_size, trees))
    if len(trees) < 2 or not before:
        return None
    sums = (_sum(trees, {}, most) for most in SEARCHED)
    best = next((s for s in sums if s.size <= MOST_GROWTH * before), None)
    reach = sum(map(_reach, trees))
    if best is None or not math.isfinite(reach):
        return None
    written = _written(best)
    if count != 1.0:
        return Regrouped(f"({written}) / {_literal(count)}", ROUNDING * reach / count)
    return Regrouped(written, ROUNDING * reach)


# Reading


def _read(text: str) -> tuple[list[Split | float], float]:
    """The trees, and the number that their sum is divided by."""
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
        raise _Other
    yes, at = _tree(text, found.end())
    no, at = _tree(text, _behind(text, at, " ELSE "))
    return _split(found[1], yes, no), _behind(text, at, " END")


def _behind(text: str, at: int, word: str) -> int:
    if not text.startswith(word, at):
        raise _Other
    return at + len(word)


def _split(condition: str, yes: Split | float, no: Split | float) -> Split:
    comparison = COMPARISON.fullmatch(condition)
    if comparison is None:
        return Split(condition, condition, None, True, yes, no)
    column, operator, bound = comparison.groups()
    side = (float(bound), operator in ("<=", ">"))
    return Split(condition, column, side, operator in ("<", "<="), yes, no)


# Regrouping


def _sum(trees: Iterable[Split | float], known: Known, most: tuple[int, ...]) -> Sum:
    """Add trees up.

    Args:
        trees: what is added up.
        known: where that holds.
        most: how many bounds of a column are searched at once, here and behind each answer.
    """
    left = [_decided(tree, known) for tree in trees]
    constant = math.fsum(tree for tree in left if isinstance(tree, float))
    together: dict[str, dict[str, list[Split]]] = {}
    for tree in left:
        if isinstance(tree, Split):
            by_condition = together.setdefault(tree.column, {})
            by_condition.setdefault(tree.condition, []).append(tree)
    choices = []
    for by_condition in together.values():
        groups = sorted(by_condition.values(), key=lambda group: group[0].bound or (0.0, False))
        parts = math.ceil(len(groups) / most[0])
        for number in range(parts):
            low, high = (len(groups) * edge // parts for edge in (number, number + 1))
            choices.append(_choice(groups[low:high], known, most))
    return Sum(constant, tuple(choices))


def _choice(groups: Sequence[Sequence[Split]], known: Known, most: tuple[int, ...]) -> Choice:
    """Ask the question in the middle; the others that it does not answer are asked behind it."""
    middle = groups[len(groups) // 2]
    sides = []
    for answer in (True, False):
        then = _narrowed(middle[0], known, answer=answer)
        settled: list[Split | float] = [tree.yes if answer else tree.no for tree in middle]
        still_open = []
        for group in groups:
            if group is middle:
                continue
            if _answer(group[0], then) is None:
                still_open.append(group)
            else:
                settled += group
        behind = _sum(settled, then, (*most[1:], most[-1]))
        if still_open:
            choice = _choice(still_open, then, most)
            behind = Sum(behind.constant, (*behind.choices, choice))
        sides.append(behind)
    return Choice(middle[0].condition, *sides)


def _decided(tree: Split | float, known: Known) -> Split | float:
    """The tree without the questions at its top whose answers are known."""
    while isinstance(tree, Split):
        answer = _answer(tree, known)
        if answer is None:
            break
        tree = tree.yes if answer else tree.no
    return tree


def _answer(split: Split, known: Known) -> bool | None:
    """What is known of an answer."""
    about = known.get(split.column)
    if about is None or isinstance(about, bool) or split.bound is None:
        return about if isinstance(about, bool) else None
    above, below, maybe_null = about
    if below <= split.bound:
        answer = split.below
    elif above >= split.bound:
        answer = not split.below
    else:
        return None
    return None if maybe_null and answer else answer


def _narrowed(split: Split, known: Known, *, answer: bool) -> Known:
    """What is known behind an answer."""
    if split.bound is None:
        return {**known, split.column: answer}
    about = known.get(split.column)
    above, below, maybe_null = about if isinstance(about, tuple) else EVERYWHERE
    if split.below == answer:
        below = min(below, split.bound)
    else:
        above = max(above, split.bound)
    return {**known, split.column: (above, below, maybe_null and not answer)}


# Writing


def _written(whole: Sum) -> str:
    parts = [_choice_written(choice) for choice in whole.choices]
    if whole.constant or not parts:
        parts.insert(0, _literal(whole.constant))
    return _balanced(parts)


def _choice_written(choice: Choice) -> str:
    yes, no = _written(choice.yes), _written(choice.no)
    return f"CASE WHEN {choice.condition} THEN {yes} ELSE {no} END"


def _balanced(parts: Sequence[str]) -> str:
    """Added up in pairs: a long chain would need a deep stack."""
    if len(parts) <= 2:
        return " + ".join(parts)
    middle = len(parts) // 2
    return f"({_balanced(parts[:middle])}) + ({_balanced(parts[middle:])})"


def _literal(number: float) -> str:
    return f"'{number!r}'::float8"


# Measuring


def _size(tree: Split | float) -> int:
    return 1 + _size(tree.yes) + _size(tree.no) if isinstance(tree, Split) else 0


def _reach(tree: Split | float) -> float:
    """The greatest magnitude of a leaf."""
    return max(_reach(tree.yes), _reach(tree.no)) if isinstance(tree, Split) else abs(tree)

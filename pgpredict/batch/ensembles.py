"""Sums of decision trees, written so that a row is asked less.

Trees of one ensemble ask the same questions over and over. Here trees whose first question is the
same are asked once, and what each answer leads to is added up behind it. Questions about one column
with several bounds become a search among the bounds. The sum is the same but for the order in which
it is added up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pgpredict.batch.trees import Other, Side, Split, reach_of, read, size

# How far a sum may be from the same one in another order, as a share of what it could be at most.
ROUNDING = 1e-12
# So much longer a text may become: a statement is planned at 5 us a comparison, by each process.
MOST_GROWTH = 1.5
# How many bounds of one column are searched at once: in a sum, in one behind it, and further on.
SEARCHED = ((64, 8, 1), (8, 1), (1,))
# Of more questions than that only equal ones are put together: the rest would take too long here.
MANY = 3_000

Interval = tuple[Side, Side, bool]  # above, below, maybe NULL
# What is known: of a column where it is, of a question that is no comparison its answer.
Known = Mapping[str, Interval | bool]
EVERYWHERE: Interval = ((-math.inf, False), (math.inf, True), True)


@dataclass(frozen=True)
class Sum:
    """What is added up; a constant only where it is nothing else."""

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
        trees, count = read(text)
    except (Other, RecursionError):
        return None
    before = sum(map(size, trees))
    reach = sum(map(reach_of, trees))
    if len(trees) < 2 or not before or not math.isfinite(reach):
        return None
    sums = (_sum(trees, {}, most) for most in SEARCHED if before <= MANY or most == SEARCHED[-1])
    written = _written(next(s for s in sums if s.size <= MOST_GROWTH * before))
    if count != 1.0:
        return Regrouped(f"({written}) / {_literal(count)}", ROUNDING * reach / count)
    return Regrouped(written, ROUNDING * reach)


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
    return _plus(Sum(0.0, tuple(choices)), constant)


def _plus(whole: Sum, constant: float) -> Sum:
    """A constant costs nothing where it is added to the leaves of a choice."""
    if not whole.choices or not constant:
        return Sum(whole.constant + constant, whole.choices)
    first = whole.choices[0]
    taken = Choice(first.condition, _plus(first.yes, constant), _plus(first.no, constant))
    return Sum(whole.constant, (taken, *whole.choices[1:]))


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
        behind = _sum(settled, then, most[1:] or most)
        if still_open:
            choice = _choice(still_open, then, most)
            behind = _plus(Sum(0.0, (choice, *behind.choices)), behind.constant)
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
    return _balanced(parts) if parts else _literal(whole.constant)


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

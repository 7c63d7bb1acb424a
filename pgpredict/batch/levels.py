"""Functions as levels of a query: each is computed from the columns of the one below.

A value that is used twice is a column of a level of its own, since Postgres would else compute it
twice. Each level keeps only what those above it use: a column more costs 3 ns a row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from pgpredict.batch.ensembles import regrouped
from pgpredict.batch.names import NAME, names_in, plain, written
from pgpredict.batch.steps import Steps

# A value that is used twice is written out twice where it is that short.
SHORT = 60
ORDINARY, ANSWERABLE = '"ordinary"', '"answerable"'

CONSTANT = r"(?:'(?:[^']|'')*'(?:::\w+)?|TRUE|FALSE)"
# A label that is the sign of a sum.
SIGN = re.compile(rf"CASE WHEN ({NAME}) >=? '0'::float8 THEN ({CONSTANT}) ELSE ({CONSTANT}) END")
# An input may be missing, or has to be there, and is no NaN and not huge.
MAY_BE_MISSING = re.compile(rf"COALESCE\(ABS\(({NAME})\) <= '1e\+30'::float8, TRUE\)")
REQUIRED = re.compile(rf"ABS\(({NAME})\) <= '1e\+30'::float8")
NOTHING = re.compile(r"\(?TRUE(?: AND TRUE)*\)?")

Let = tuple[str, str]  # the type of a shared value, and its expression


@dataclass(frozen=True)
class Input:
    """An argument of the functions.

    Attributes:
        name: as their text has it, quoted where need be.
        column: the column of the query that holds it, ready for SQL.
        passed: the expression over the row of the source that gives it.
        is_whole: whether the source has whole numbers there, which are neither NaN nor huge.
    """

    name: str
    column: str
    passed: str
    is_whole: bool = False


@dataclass(frozen=True)
class Level:
    """The columns of one level.

    Attributes:
        kept: those of the level below that are used further up.
        new: name and expression of its own.
    """

    kept: tuple[str, ...]
    new: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Unfolded:
    """Functions as levels of a query.

    Attributes:
        base: the columns of the lowest level, over the row of the source: name and expression.
        levels: those above it.
        answers: what the functions say, over the columns of the highest.
    """

    base: tuple[tuple[str, str], ...]
    levels: tuple[Level, ...]
    answers: tuple[str, ...]


def leveled(
    functions: Sequence[Steps],
    lets: Mapping[str, Let],
    inputs: Sequence[Input],
    calls: Sequence[str],
    *,
    is_classifier: bool,
) -> Unfolded:
    """Arrange functions in levels.

    Args:
        functions: what they do; the first gives the label or value.
        lets: the shared values of all of them, each using only those before it.
        inputs: their arguments.
        calls: how each of them is called in the query, for rows out of the ordinary.
        is_classifier: whether the first gives a label, which must not depend on rounding.
    """
    sign = SIGN.fullmatch(functions[0].result) if is_classifier else None
    builder = _Builder(functions, inputs, regroup=not is_classifier or sign is not None)
    builder.place(lets)
    if is_classifier and not builder.is_sure(sign and plain(sign[1]), functions[0].condition):
        builder = _Builder(functions, inputs, regroup=False)
        builder.place(lets)
    return builder.finished(calls, sign)


@dataclass
class _Builder:
    """Levels while they are built.

    Attributes:
        functions: what is to be arranged.
        inputs: their arguments.
        regroup: whether sums of trees may be added up in another order.
        known: the text to write for a name.
        depths: the level that holds it; -1: the lowest.
        levels: the columns of each level, but for the lowest.
        doubts: how far a sum may be from itself in its own order; None: nobody knows.
    """

    functions: Sequence[Steps]
    inputs: Sequence[Input]
    regroup: bool
    known: dict[str, str] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)
    levels: list[list[tuple[str, str]]] = field(default_factory=list)
    doubts: dict[str, float | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.known = {plain(one.name): one.column for one in self.inputs}
        self.depths = dict.fromkeys(self.known, -1)
        self.ordinary = _ordinary(self.functions[0].ordinary, self.inputs)

    def place(self, lets: Mapping[str, Let]) -> None:
        """Give every shared value its level, or write it out where it is used."""
        uses = Counter[str]()
        for text in [expression for _, expression in lets.values()] + [
            text for steps in self.functions for text in (steps.condition, steps.result) if text
        ]:
            uses.update(names_in(text))
        for name, (kind, expression) in lets.items():
            depth = max((self.depths[used] for used in names_in(expression)), default=-1)
            text = written(expression, self.known)
            if uses[name] > 1 and len(text) > SHORT:
                depth += 1
                better = self._better(name, text, expression)
                self._add(depth, f'"let_{len(self.known)}"', f"({better})::{kind}")
                self.known[name] = f'"let_{len(self.known)}"'
            else:
                self.known[name] = f"({text})::{kind}"
            self.depths[name] = depth

    def _better(self, name: str, text: str, expression: str) -> str:
        """A sum of trees in another order."""
        other = regrouped(text) if self.regroup else None
        if other is not None:
            self.doubts[name] = other.doubt
            return other.text
        if any(used in self.doubts for used in names_in(expression)):
            self.doubts[name] = None
        return text

    def _add(self, depth: int, name: str, text: str) -> None:
        if depth == len(self.levels):
            self.levels.append([])
        guarded = text if self.ordinary is None else f"CASE WHEN {ORDINARY} THEN {text} END"
        self.levels[depth].append((name, guarded))

    def is_sure(self, score: str | None, condition: str | None) -> bool:
        """Whether a label, the sign of a score, can be told where rounding may have changed it."""
        if any(name in self.doubts for name in names_in(condition or "")):
            return False
        return score is None or self.doubts.get(score, 0.0) is not None

    def finished(self, calls: Sequence[str], sign: re.Match[str] | None) -> Unfolded:
        """The levels with what the functions say on top of them."""
        doubt = self.doubts.get(plain(sign[1])) if sign else None
        answers = [self._result(steps) for steps in self.functions]
        if sign and doubt is not None:
            score = self.known[plain(sign[1])]
            answers[0] = (
                f"CASE WHEN {score} > '{doubt!r}'::float8 THEN {sign[2]} "
                f"WHEN {score} < '-{doubt!r}'::float8 THEN {sign[3]} ELSE {calls[0]} END"
            )
        condition = self._condition()
        for number, steps in enumerate(self.functions):
            if steps.condition is not None:
                test = condition or written(steps.condition, self.known)
                answers[number] = f"CASE WHEN {test} THEN {answers[number]} END"
        if self.ordinary is not None:
            answers = self._guarded(answers, calls, early=doubt is None)
        return self._pruned(answers)

    def _result(self, steps: Steps) -> str:
        text = written(steps.result, self.known)
        other = regrouped(text) if self.regroup else None
        return f"({text if other is None else other.text})"

    def _condition(self) -> str | None:
        """The column of a condition that all functions share, if there is a level for it."""
        conditions = {steps.condition for steps in self.functions}
        if len(conditions) > 1 or len(self.functions) == 1:
            return None
        text = conditions.pop()
        depth = 1 + max((self.depths[used] for used in names_in(text or "")), default=-1)
        if text is None or depth >= len(self.levels):
            return None
        self._add(depth, ANSWERABLE, written(text, self.known))
        return ANSWERABLE

    def _guarded(self, answers: Sequence[str], calls: Sequence[str], *, early: bool) -> list[str]:
        """What the functions say of rows out of the ordinary, too."""
        if early and self.levels:  # then the inputs need not be kept up to the answers
            others = [f'"other_{number}"' for number in range(len(calls))]
            for name, call in zip(others, calls, strict=True):
                self.levels[0].append((name, f"CASE WHEN {ORDINARY} THEN NULL ELSE {call} END"))
            calls = others
        return [
            f"CASE WHEN {ORDINARY} THEN {answer} ELSE {call} END"
            for answer, call in zip(answers, calls, strict=True)
        ]

    def _pruned(self, answers: Sequence[str]) -> Unfolded:
        """Every level with only those columns that are used above it."""
        used = {name for text in answers for name in names_in(text)}
        below = [(one.column, one.passed) for one in self.inputs]
        if self.ordinary is not None:
            below.append((ORDINARY, self.ordinary))
        levels: list[Level] = []
        for number in reversed(range(len(self.levels))):
            new = self.levels[number]
            lower = [name for name, _ in [*below, *chain.from_iterable(self.levels[:number])]]
            kept = tuple(name for name in lower if plain(name) in used)
            levels.insert(0, Level(kept, tuple(new)))
            used.update(name for _, text in new for name in names_in(text))
        base = tuple((name, text) for name, text in below if plain(name) in used)
        return Unfolded(base, tuple(levels), tuple(answers))


def _ordinary(text: str | None, inputs: Sequence[Input]) -> str | None:
    """What makes a row ordinary, over the row of the source; None: every row is."""
    if text is None:
        return None
    names = {plain(one.name): one.passed for one in inputs}
    whole = {plain(one.name) for one in inputs if one.is_whole}
    optional = [name for name in MAY_BE_MISSING.findall(text) if plain(name) not in whole]
    rest = MAY_BE_MISSING.sub("TRUE", text)
    rest = REQUIRED.sub(lambda m: f"{m[1]} IS NOT NULL" if plain(m[1]) in whole else m[0], rest)
    conditions = [] if NOTHING.fullmatch(rest) else [rest]
    if optional:  # together: NULLs are passed over, and NaN is greater than every number
        sizes = ", ".join(f"ABS({name})" for name in optional)
        conditions.append(f"COALESCE(GREATEST({sizes}) <= '1e+30'::float8, TRUE)")
    return written(" AND ".join(conditions), names) if conditions else None

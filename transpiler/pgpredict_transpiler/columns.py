"""Columns: the values that pass from one step of a pipeline to the next.

A column is an SQL expression and what is known of it. What is known pays off at the end of the
pipeline: a tree compares the *origin* of a column with a threshold that was pulled back, and a
linear model adds up all the one-hot columns of a category in a single look-up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sqlglot import exp

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.floats import SMALLEST, Floats, Function

Key = str | float | bool


@dataclass(frozen=True)
class Range:
    """The numbers that an expression can yield, NULL apart.

    Attributes:
        low: the least.
        high: the greatest.
        smallest: the least magnitude other than zero; products of smaller ones can underflow.
    """

    low: float = -math.inf
    high: float = math.inf
    smallest: float = SMALLEST

    @property
    def magnitude(self) -> float:
        """The greatest magnitude."""
        return max(abs(self.low), abs(self.high))


def identity(numbers: Floats) -> Floats:
    """The function of an input that nothing has touched."""
    return numbers


@dataclass(frozen=True)
class Chain:
    """A column that is a monotone function of one earlier value.

    Attributes:
        base: that value: an input or a shared value, by name.
        function: the steps since, as Python does them; never decreases on [low, high], or never
            increases.
        increasing: which of the two.
        at_missing: what the column is where the base is NULL; None: NULL too.
        low: the least value that the base takes.
        high: the greatest.
    """

    base: Expression
    function: Function = identity
    increasing: bool = True
    at_missing: float | None = None
    low: float = -math.inf
    high: float = math.inf

    def then(self, step: Function, *, increasing: bool = True) -> Chain:
        """The chain with one more monotone step."""
        before = self.function
        missing = self.at_missing
        return replace(
            self,
            function=lambda numbers: step(before(numbers)),
            increasing=self.increasing == increasing,
            at_missing=_step(step, missing),
        )


@dataclass(frozen=True)
class Lookup:
    """A column that is constant for each value of a key.

    Attributes:
        key: an input or a shared value, by name.
        table: the value for each known key.
        unknown: the value for every other key; None: NULL.
        missing: the value where the key is NULL; None: NULL.
    """

    key: Expression
    table: Mapping[Any, float | None]
    unknown: float | None = None
    missing: float | None = None

    def then(self, step: Function) -> Lookup:
        """The look-up with one more step applied to all its values."""
        return Lookup(
            self.key,
            {key: _step(step, value) for key, value in self.table.items()},
            _step(step, self.unknown),
            _step(step, self.missing),
        )

    def mapped(self, value_of: Callable[[float | None], float | None]) -> Lookup:
        """The look-up with each value replaced by another; None stands for NULL."""
        return Lookup(
            self.key,
            {key: value_of(value) for key, value in self.table.items()},
            value_of(self.unknown),
            value_of(self.missing),
        )

    @property
    def values(self) -> list[float | None]:
        """Every value that the look-up can give."""
        return [*self.table.values(), self.unknown, self.missing]


@dataclass(frozen=True)
class Line:
    """A number as `base * factor + offset` of an earlier value that nothing has touched.

    Attributes:
        base: that value: an input or a shared value, by name.
        range: its range.
        factor: a constant.
        offset: a constant.
        at_missing: what the number is where the base is NULL; None: NULL too.
    """

    base: Expression
    range: Range
    factor: float = 1.0
    offset: float = 0.0
    at_missing: float | None = None

    def then(self, factor: float, offset: float) -> Line:
        """The number times a constant, plus another."""
        missing = None if self.at_missing is None else self.at_missing * factor + offset
        return Line(
            self.base, self.range, self.factor * factor, self.offset * factor + offset, missing
        )


@dataclass(frozen=True)
class Term:
    """A number as `inner * factor`, where `inner` is cheap: so a linear model saves a division.

    Attributes:
        inner: the expression.
        range: its range.
        factor: a constant.
        line: the same number, cheaper still but for its rounding; None: it is no such number.
    """

    inner: Expression
    range: Range
    factor: float = 1.0
    line: Line | None = None


@dataclass(frozen=True)
class Column:
    """One column of values.

    Attributes:
        expression: its value; missing is NULL, never NaN.
        type: float8, text, boolean, timestamp or timestamptz.
        name: its name in scikit-learn's output, where that matters.
        range: of a number.
        chain: how it follows from one earlier number, if it does so monotonously.
        lookup: how it follows from a key, if it is constant for each key.
        term: a cheaper form for sums, if there is one.
        fill: what an imputer put in for NULL, with `expression` the COALESCE that does it; None:
            NULL stays. Where it is of another type than the column, only `fill` tells of it, and
            `expression` is NULL still.
    """

    expression: Expression
    type: str = "float8"
    name: str = ""
    range: Range = field(default_factory=Range)
    chain: Chain | None = None
    lookup: Lookup | None = None
    term: Term | None = None
    fill: Key | None = None

    @property
    def is_input(self) -> bool:
        """Whether nothing has touched the column yet."""
        return isinstance(self.expression, exp.Column)

    @property
    def key(self) -> Expression:
        """The value before an imputer put `fill` in for NULL: what look-ups compare with keys."""
        filled = self.fill is not None and isinstance(self.expression, exp.Coalesce)
        return self.expression.this if filled else self.expression

    @property
    def as_term(self) -> Term:
        """The column as a term of a sum."""
        line = Line(self.expression, self.range) if self.is_input else None
        return self.term or Term(self.expression, self.range, line=line)


def constant_column(value: float, name: str = "") -> Column:
    """A column that is the same for every row."""
    return Column(
        sql.number(value),
        name=name,
        range=Range(value, value, abs(value) or 1.0),
        lookup=Lookup(sql.number(value), {}, value, value),
    )


def _at(step: Function, value: float) -> float:
    with np.errstate(all="ignore"):
        return float(step(np.array([value], dtype=np.float64))[0])


def _step(step: Callable[[Floats], Floats], value: float | None) -> float | None:
    if value is None:
        return None
    result = _at(step, value)
    return None if math.isnan(result) else result

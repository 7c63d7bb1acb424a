"""A weighted sum that cannot raise.

On ordinary numbers it is the bare sum. A weight below one could underflow beside a number of
1e-310, so all weights are multiplied by a power of two that lifts them to one, which changes no
bit, and the sum is divided by it in the end. For numbers of any size the weights are divided by a
power of two instead, so that no partial sum can overflow; the sum then saturates at infinity, as
in numpy.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlglot import exp

from pgpredict_transpiler import arithmetic
from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.arithmetic import Number
from pgpredict_transpiler.columns import Column, Key, Line, Lookup, Range, Term
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.floats import LARGEST, SMALLEST, Floats
from pgpredict_transpiler.scope import Scope
from pgpredict_transpiler.search import search

LIFT_LIMIT = 2.0**300
# A scaler's shift goes into the intercept unless that costs more than eight bits of precision.
MOST_OFFSET = 256.0


def dot(columns: Sequence[Column], weights: Floats, intercept: float, scope: Scope) -> Number:
    """columns @ weights + intercept.

    Args:
        columns: finite numbers, none of them NULL.
        weights: shape (len(columns),).
        intercept: added last, as in scikit-learn.
        scope: names the sum where it is needed twice.
    """
    terms = [
        _weighted_term(term, float(weight))
        for column, weight in zip(columns, weights, strict=True)
        if column.lookup is None and (term := column.as_term).factor * weight != 0.0
    ]
    tables = _by_key(columns, weights)
    intercept += sum(float(t.unknown or 0.0) for t in tables if not isinstance(t.key, exp.Column))
    lookups = [table for table in tables if isinstance(table.key, exp.Column)]
    parts = _straightened(terms, lookups, intercept)
    if parts.reach < LARGEST / 4 and parts.lift * parts.reach < LARGEST / 4:
        return _ordinary(parts, scope)
    return _saturating(terms, lookups, intercept, scope)


@dataclass(frozen=True)
class _Parts:
    """What is added up.

    Attributes:
        terms: numbers and their weights.
        lines: others, as they were before imputers and scalers; their offsets are in the intercept.
        lookups: weights by key.
        intercept: a constant.
    """

    terms: list[Term]
    lines: list[Line]
    lookups: list[Lookup]
    intercept: float

    @property
    def products(self) -> list[tuple[Range, float]]:
        """The numbers that are multiplied, and by what."""
        parts: list[Term | Line] = [*self.terms, *self.lines]
        return [(part.range, part.factor) for part in parts]

    @property
    def reach(self) -> float:
        """What the sum can be at most."""
        constants = [line.at_missing or 0.0 for line in self.lines] + [self.intercept]
        constants += [
            max((abs(v) for v in table.values if v is not None), default=0.0)
            for table in self.lookups
        ]
        numbers = sum(limits.magnitude * abs(factor) for limits, factor in self.products)
        return numbers + sum(map(abs, constants))

    @property
    def lift(self) -> float:
        """The power of two that keeps the product of a weight and a tiny number from vanishing."""
        small = [
            abs(factor)
            for limits, factor in self.products
            if limits.smallest * abs(factor) < 2 * SMALLEST and abs(factor) < 1.0
        ]
        if not small:
            return 1.0
        return min(LIFT_LIMIT, 2.0 ** math.ceil(-math.log2(min(small))))


def _weighted_term(term: Term, weight: float) -> Term:
    line = term.line
    if line is not None:
        is_scaled = line.factor != 1.0 and abs(line.offset) <= MOST_OFFSET
        line = line.then(weight, 0.0) if is_scaled or line.offset == 0.0 else None
    return Term(term.inner, term.range, term.factor * weight, line)


def _straightened(terms: list[Term], lookups: list[Lookup], intercept: float) -> _Parts:
    """Terms by their lines, each with the look-ups that only ask whether its base is missing."""
    marks = {lookup.key.name: lookup for lookup in lookups if not lookup.table}
    others, lines = [], []
    for term in terms:
        line = term.line
        if line is None or line.factor == 0.0:
            others.append(term)
            continue
        at_missing = line.at_missing
        if at_missing is not None:
            at_missing -= line.offset
            mark = marks.get(line.base.name)
            if mark is not None and mark.unknown is not None and mark.missing is not None:
                del marks[line.base.name]
                at_missing += mark.missing - mark.unknown
                intercept += mark.unknown
        intercept += line.offset
        lines.append(replace(line, offset=0.0, at_missing=at_missing))
    left = [lookup for lookup in lookups if lookup.table or lookup.key.name in marks]
    return _Parts(others, lines, left, intercept)


def _ordinary(parts: _Parts, scope: Scope) -> Number:
    lift, reach = parts.lift, parts.reach
    products = [
        *(_product(term, lift) for term in parts.terms),
        *(_line(line, lift) for line in parts.lines),
        *(search(_times(table, lift)) for table in parts.lookups),
    ]
    smallest = SMALLEST if parts.products else 1e-200
    total = Number(sql.total(products), Range(-reach * lift, reach * lift, smallest))
    total = (
        arithmetic.shift(total, parts.intercept * lift)
        if products
        else Number(sql.number(parts.intercept * lift))
    )
    if lift == 1.0:
        return total
    if total.range.smallest / lift < 2 * SMALLEST:
        total = Number(scope.let("sum", total.expression), total.range)
    return arithmetic.unscale(total, lift)


def _product(term: Term, lift: float) -> Expression:
    number = Number(term.inner, term.range)
    return arithmetic.scale(number, term.factor * lift).expression


def _line(line: Line, lift: float) -> Expression:
    product = arithmetic.scale(Number(line.base, line.range), line.factor * lift).expression
    if line.at_missing is None:
        return product
    return sql.coalesce(product, sql.number(line.at_missing * lift))


def _saturating(terms: list[Term], lookups: list[Lookup], intercept: float, scope: Scope) -> Number:
    whole = sum(abs(term.factor) for term in terms) + 1.0
    factor = 2.0 ** -(math.ceil(math.log2(whole)) + 2)
    parts = [_damped(term, term.factor * factor) for term in terms]
    parts += [search(_times(table, factor)) for table in lookups]
    parts.append(sql.number(intercept * factor))
    total = scope.let("sum", sql.total(parts))
    limit = sql.number(LARGEST * factor)
    saturated = sql.case(
        [
            (sql.greater(total, limit), sql.number(math.inf)),
            (sql.less(total, sql.number(-LARGEST * factor)), sql.number(-math.inf)),
        ],
        sql.divide(total, sql.number(factor)),
    )
    return Number(saturated)


def _damped(term: Term, weight: float) -> Expression:
    """inner * weight; zero where the product would be below 1e-290."""
    vanishing = sql.number(min(LARGEST, 1e-290 / abs(weight)))
    product = sql.multiply(term.inner, sql.number(weight))
    return sql.case([(sql.less(sql.absolute(term.inner), vanishing), sql.number(0.0))], product)


def _by_key(columns: Sequence[Column], weights: Floats) -> list[Lookup]:
    """The weighted sum of all look-ups by one key is again a look-up by that key."""
    groups: dict[str, list[tuple[Lookup, float]]] = {}
    for column, weight in zip(columns, weights, strict=True):
        if column.lookup is not None:
            name = column.lookup.key.name if isinstance(column.lookup.key, exp.Column) else ""
            groups.setdefault(name, []).append((column.lookup, float(weight)))
    return [_summed(group) for group in groups.values()]


def _summed(group: list[tuple[Lookup, float]]) -> Lookup:
    # A one-hot column is zero for all keys but one. Only the others are asked about every key: with
    # thousands of categories each column about each key would take minutes.
    everywhere = [(lookup, w) for lookup, w in group if lookup.unknown != 0.0]
    terms: dict[Key, list[tuple[float | None, float]]] = {}
    for lookup, weight in group:
        for key, value in lookup.table.items():
            parts = terms.setdefault(key, [])
            if lookup.unknown == 0.0:
                parts.append((value, weight))
    for key, parts in terms.items():
        parts += [(lookup.table.get(key, lookup.unknown), w) for lookup, w in everywhere]
    return Lookup(
        group[0][0].key,
        {key: _weighted(parts) for key, parts in terms.items()},
        _weighted([(lookup.unknown, w) for lookup, w in everywhere]),
        _weighted([(lookup.missing, w) for lookup, w in group]),
    )


def _weighted(parts: list[tuple[float | None, float]]) -> float | None:
    values = [value for value, _ in parts if value is not None]
    if len(values) < len(parts):
        return None
    return float(np.dot(values, [weight for _, weight in parts]))


def _times(lookup: Lookup, factor: float) -> Lookup:
    return lookup if factor == 1.0 else lookup.then(lambda x: x * factor)

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

import numpy as np
from sqlglot import exp

from pgpredict_transpiler import arithmetic
from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.arithmetic import Number
from pgpredict_transpiler.columns import Column, Key, Lookup, Range, Term
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.floats import LARGEST, SMALLEST, Floats
from pgpredict_transpiler.scope import Scope
from pgpredict_transpiler.search import search

LIFT_LIMIT = 2.0**300


def dot(columns: Sequence[Column], weights: Floats, intercept: float, scope: Scope) -> Number:
    """columns @ weights + intercept.

    Args:
        columns: finite numbers, none of them NULL.
        weights: shape (len(columns),).
        intercept: added last, as in scikit-learn.
        scope: names the sum where it is needed twice.
    """
    terms = [
        Term(term.inner, term.range, term.factor * float(weight))
        for column, weight in zip(columns, weights, strict=True)
        if column.lookup is None and (term := column.as_term).factor * weight != 0.0
    ]
    tables = _by_key(columns, weights)
    intercept += sum(float(t.unknown or 0.0) for t in tables if not isinstance(t.key, exp.Column))
    lookups = [table for table in tables if isinstance(table.key, exp.Column)]
    reach = sum(term.range.magnitude * abs(term.factor) for term in terms)
    reach += sum(
        max((abs(v) for v in t.values if v is not None), default=0.0) for t in lookups
    ) + abs(intercept)
    if reach < LARGEST / 4 and _lift(terms) * reach < LARGEST / 4:
        return _ordinary(terms, lookups, intercept, reach, scope)
    return _saturating(terms, lookups, intercept, scope)


def _ordinary(
    terms: list[Term], lookups: list[Lookup], intercept: float, reach: float, scope: Scope
) -> Number:
    lift = _lift(terms)
    products = [_product(term, lift) for term in terms] + [
        search(_times(table, lift)) for table in lookups
    ]
    total = Number(
        sql.total(products), Range(-reach * lift, reach * lift, SMALLEST if terms else 1e-200)
    )
    total = (
        arithmetic.shift(total, intercept * lift)
        if products
        else Number(sql.number(intercept * lift))
    )
    if lift == 1.0:
        return total
    if total.range.smallest / lift < 2 * SMALLEST:
        total = Number(scope.let("sum", total.expression), total.range)
    return arithmetic.unscale(total, lift)


def _product(term: Term, lift: float) -> Expression:
    weight = term.factor * lift
    number = Number(term.inner, term.range)
    return arithmetic.scale(number, weight).expression


def _lift(terms: list[Term]) -> float:
    """The power of two that keeps every product of a weight and a tiny number from vanishing."""
    small = [
        abs(t.factor)
        for t in terms
        if t.range.smallest * abs(t.factor) < 2 * SMALLEST and abs(t.factor) < 1.0
    ]
    if not small:
        return 1.0
    return min(LIFT_LIMIT, 2.0 ** math.ceil(-math.log2(min(small))))


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

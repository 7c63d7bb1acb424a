"""FunctionTransformer, for the functions of numpy that have an SQL equal.

Python's own function judges where a tree's threshold lies, and SQL computes only what a sum needs.
Outside its domain a function is NaN in numpy and an error in Postgres: the domain is cut out first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.arithmetic import Number
from pgpredict_transpiler.columns import Chain, Column, Range
from pgpredict_transpiler.floats import LARGEST
from pgpredict_transpiler.lowering.elementary import ELEMENTARY, Elementary
from pgpredict_transpiler.lowering.imputing import imputed
from pgpredict_transpiler.lowering.scaling import clipped, scaled
from pgpredict_transpiler.scope import Scope
from pgpredict_transpiler.search import from_lookup


def function_transformer(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """The function of every column."""
    result = list(columns)
    if model.validate:
        result = scope.numbers(result)
        scope.require_finite(result)
    if model.func is None:
        return result
    if model.kw_args:
        scope.refuse("its function takes further arguments, which have no SQL form", "kw_args")
    return apply(model.func, result, scope)


def apply(function: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """A numpy function of every column.

    Args:
        function: numpy's own function object.
        columns: numbers or booleans; NULL gives NULL.
        scope: where to refuse a function that has no SQL form.
    """
    lower = OTHERS.get(function) if _is_hashable(function) else None
    rule = ELEMENTARY.get(function) if _is_hashable(function) else None
    numbers = [] if lower is None and rule is None else scope.numbers(columns)
    if lower is not None:
        return [lower(column, scope) for column in numbers]
    if rule is None:
        scope.refuse(_why_not(function), "func")
    return [_applied(function, rule, column, scope) for column in numbers]


def _applied(function: Any, rule: Elementary, column: Column, scope: Scope) -> Column:
    if column.lookup:
        return from_lookup(column.lookup.then(function), column.name)
    if rule.even:
        (column,) = apply(np.absolute, [column], scope)
    inside = _inside(rule, column, scope)
    value = Number(scope.let("value", inside.expression), inside.range)
    limits = _range(function, rule, inside.range)
    # Named, since a model of several classes needs it several times.
    result = scope.let(function.__name__, rule.write(value))
    if rule.direction and inside.chain:
        chain = inside.chain.then(function, increasing=rule.direction > 0)
    else:
        chain = Chain(result, low=limits.low, high=limits.high)
    return Column(result, name=column.name, range=limits, chain=chain)


def _inside(rule: Elementary, column: Column, scope: Scope) -> Column:
    """The column where it lies in the domain, NULL elsewhere."""
    if rule.low <= column.range.low and column.range.high <= rule.high:
        return column
    value = scope.let("value", column.expression)
    conditions = []
    if rule.low > -math.inf:
        conditions.append(sql.greater_equal(value, sql.number(rule.low)))
    if rule.high < math.inf:
        conditions.append(sql.less_equal(value, sql.number(rule.high)))
    inside = scope.let("inside", sql.case([(sql.all_of(conditions), value)]))
    low, high = max(rule.low, column.range.low), min(rule.high, column.range.high)
    limits = Range(min(low, high), max(low, high), column.range.smallest)
    chain = Chain(inside, low=limits.low, high=limits.high)
    return Column(inside, name=column.name, range=limits, chain=chain)


def _range(function: Any, rule: Elementary, limits: Range) -> Range:
    if not rule.direction:
        return Range(rule.least, rule.greatest, rule.smallest)
    with np.errstate(all="ignore"):
        low, high = sorted(function(np.array([limits.low, limits.high])).tolist())
    return Range(low, high, rule.smallest)


def _is_hashable(function: Any) -> bool:
    return getattr(type(function), "__hash__", None) is not None


def _why_not(function: Any) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    known = ", ".join(sorted({f.__name__ for f in (*ELEMENTARY, *OTHERS)}))
    origin = "of numpy has" if isinstance(function, np.ufunc) else "is Python code and has"
    return f"{name} {origin} no SQL form here; these functions of numpy have one: {known}"


def _nan_to_num(column: Column, scope: Scope) -> Column:
    return clipped(imputed(column, 0.0, scope), -LARGEST, LARGEST)


OTHERS: dict[Any, Callable[[Column, Scope], Column]] = {
    np.positive: lambda column, _: column,
    np.negative: lambda column, _: scaled(column, -1.0),
    np.deg2rad: lambda column, _: scaled(column, math.pi / 180.0),
    np.radians: lambda column, _: scaled(column, math.pi / 180.0),
    np.rad2deg: lambda column, _: scaled(column, 180.0 / math.pi),
    np.degrees: lambda column, _: scaled(column, 180.0 / math.pi),
    np.nan_to_num: _nan_to_num,
}

"""Scalers: a constant taken off, a constant divided by, in the same order as in scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pgpredict_transpiler import arithmetic
from pgpredict_transpiler.arithmetic import Number
from pgpredict_transpiler.columns import Column, Term
from pgpredict_transpiler.scope import Scope
from pgpredict_transpiler.search import from_lookup


def shifted(column: Column, by: float) -> Column:
    """column + by."""
    if by == 0.0:
        return column
    if column.lookup:
        return _lookup(column, lambda x: x + by)
    number = arithmetic.shift(Number(column.expression, column.range), by)
    chain = column.chain.then(lambda x: x + by) if column.chain else None
    line = column.as_term.line
    term = Term(number.expression, number.range, line=line and line.then(1.0, by))
    return Column(number.expression, name=column.name, range=number.range, chain=chain, term=term)


def scaled(column: Column, by: float) -> Column:
    """column * by."""
    return _stretched(column, by, by, arithmetic.scale, lambda x: x * by)


def unscaled(column: Column, by: float) -> Column:
    """column / by, where `by` is not zero."""
    return _stretched(column, by, 1.0 / by, arithmetic.unscale, lambda x: x / by)


def clipped(column: Column, low: float, high: float) -> Column:
    """The column moved into [low, high]."""
    step = lambda x: x.clip(low, high)  # noqa: E731
    if column.lookup:
        return _lookup(column, step)
    number = arithmetic.clip(Number(column.expression, column.range), low, high)
    chain = column.chain.then(step) if column.chain else None
    return Column(number.expression, name=column.name, range=number.range, chain=chain)


def _stretched(
    column: Column, by: float, factor: float, operator: Callable[[Number, float], Number], step: Any
) -> Column:
    if by == 1.0:
        return column
    if column.lookup:
        return _lookup(column, step)
    number = operator(Number(column.expression, column.range), by)
    before = column.as_term
    return Column(
        number.expression,
        name=column.name,
        range=number.range,
        chain=column.chain.then(step, increasing=factor > 0) if column.chain and factor else None,
        term=Term(
            before.inner,
            before.range,
            before.factor * factor,
            before.line and before.line.then(factor, 0.0),
        ),
    )


def _lookup(column: Column, step: Any) -> Column:
    assert column.lookup is not None
    return from_lookup(column.lookup.then(step), column.name)


def standard_scaler(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """(x - mean) / scale."""
    return _centered(columns, model.mean_, model.with_mean, model.scale_, model.with_std, scope)


def robust_scaler(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """(x - median) / scale."""
    center, scale = model.center_, model.scale_
    return _centered(columns, center, model.with_centering, scale, model.with_scaling, scope)


def _centered(
    columns: Sequence[Column],
    centers: Any,
    centering: bool,
    scales: Any,
    scaling: bool,
    scope: Scope,
) -> list[Column]:
    result = _read(columns, scope)
    if centering:
        result = [shifted(c, -float(m)) for c, m in zip(result, centers, strict=True)]
    if scaling:
        result = [unscaled(c, float(s)) for c, s in zip(result, scales, strict=True)]
    return result


def max_abs_scaler(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """x / scale, clipped on demand."""
    scaled_columns = [
        unscaled(c, float(s)) for c, s in zip(_read(columns, scope), model.scale_, strict=True)
    ]
    return (
        [clipped(c, -1.0, 1.0) for c in scaled_columns]
        if getattr(model, "clip", False)
        else scaled_columns
    )


def min_max_scaler(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """x * scale + min, clipped on demand."""
    result = [
        shifted(scaled(c, float(s)), float(m))
        for c, s, m in zip(_read(columns, scope), model.scale_, model.min_, strict=True)
    ]
    low, high = (float(bound) for bound in model.feature_range)
    return [clipped(c, low, high) for c in result] if model.clip else result


def _read(columns: Sequence[Column], scope: Scope) -> list[Column]:
    numbers = scope.numbers(columns)
    scope.require_finite(numbers, may_be_missing=True)
    return numbers

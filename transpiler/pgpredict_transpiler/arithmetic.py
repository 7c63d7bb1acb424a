"""Arithmetic on float8 that cannot raise.

Postgres raises on overflow and on underflow, numpy does neither. Each function here looks at the
range of its operands: where the result is certain to be in range it is the bare operator, elsewhere
the expression is guarded and gives what numpy gives: infinity, or zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Range
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.floats import LARGEST, SMALLEST, Function, last_where

EXPONENT_LIMIT = 700.0  # exp of this neither overflows nor leaves the normal numbers


ANY = Range()


@dataclass(frozen=True)
class Number:
    """An SQL number and its range."""

    expression: Expression
    range: Range = ANY


def shift(number: Number, by: float) -> Number:
    """number + by. A sum of doubles never underflows.

    Args:
        number: any number.
        by: a finite constant.
    """
    if by == 0.0:
        return number
    limits = Range(number.range.low + by, number.range.high + by, _after_shift(number.range, by))
    plain = _plus(number.expression, by)
    # Beside the largest double a constant below half its last digit is rounded away.
    if abs(by) < 9e291 or math.isfinite(limits.magnitude):
        return Number(plain, limits)
    limit = float(last_where(lambda x: np.isfinite(x + abs(by)), 0.0, LARGEST, 1)[0])
    beyond = (
        sql.greater(number.expression, sql.number(limit))
        if by > 0
        else sql.less(number.expression, sql.number(-limit))
    )
    return Number(sql.case([(beyond, sql.number(math.copysign(math.inf, by)))], plain), limits)


def scale(number: Number, by: float) -> Number:
    """number * by, which saturates at infinity and at zero as numpy does.

    Args:
        number: any number.
        by: a finite constant.
    """
    if by == 1.0:
        return number
    return _guarded(number, lambda x: x * by, by, sql.multiply(number.expression, sql.number(by)))


def unscale(number: Number, by: float) -> Number:
    """number / by, which saturates at infinity and at zero as numpy does.

    Args:
        number: any number.
        by: a finite constant other than zero.
    """
    if by == 1.0:
        return number
    return _guarded(
        number, lambda x: x / by, 1.0 / by, sql.divide(number.expression, sql.number(by))
    )


def clip(number: Number, low: float, high: float) -> Number:
    """The number moved into [low, high]; NULL stays NULL."""
    limits = Range(max(low, min(number.range.low, high)), min(high, max(number.range.high, low)))
    clipped = sql.case(
        [
            (sql.less(number.expression, sql.number(low)), sql.number(low)),
            (sql.greater(number.expression, sql.number(high)), sql.number(high)),
        ],
        number.expression,
    )
    return Number(clipped, limits)


def exponential(number: Number) -> Number:
    """exp(number): infinity where it overflows, zero below the normal numbers."""
    inside = number.range.low >= -708.0 and number.range.high <= 709.0
    plain = sql.exponential(number.expression)
    with np.errstate(over="ignore"):
        limits = Range(0.0, float(np.exp(number.range.high)), 2.2e-308)
    if inside:
        return Number(plain, limits)
    guarded = sql.case(
        [
            (sql.greater(number.expression, sql.number(709.782712893384)), sql.number(math.inf)),
            (sql.less(number.expression, sql.number(-708.3)), sql.number(0.0)),
        ],
        plain,
    )
    return Number(guarded, limits)


def logistic(score: Expression) -> Expression:
    """1 / (1 + exp(-score)); beyond +-700, where it is 0 or 1 to 300 digits, the score is cut.

    Args:
        score: a number that is not NULL, infinities allowed.
    """
    one = sql.number(1.0)
    cut = sql.greatest(
        [sql.number(-EXPONENT_LIMIT), sql.least([sql.number(EXPONENT_LIMIT), score])]
    )
    return sql.divide(one, sql.add(one, sql.exponential(sql.subtract(sql.number(0.0), cut))))


def _plus(expression: Expression, by: float) -> Expression:
    if by < 0:
        return sql.subtract(expression, sql.number(-by))
    return sql.add(expression, sql.number(by))


def _after_shift(limits: Range, by: float) -> float:
    """What is left of a cancellation is at least half the last digit of the constant."""
    crosses = limits.low + by <= 0.0 <= limits.high + by
    if crosses:
        return max(SMALLEST, abs(by) * 2.0**-54)
    return max(SMALLEST, min(abs(limits.low + by), abs(limits.high + by)))


def _guarded(number: Number, step: Function, factor: float, plain: Expression) -> Number:
    if factor == 0.0:
        return Number(sql.number(0.0), Range(0.0, 0.0, 1.0))
    size = abs(factor)
    with np.errstate(all="ignore"):
        low, high = sorted(step(np.array([number.range.low, number.range.high])).tolist())
    limits = Range(low, high, max(SMALLEST, number.range.smallest * size))
    arms: list[tuple[Expression, Expression]] = []
    if size < 1.0 and number.range.smallest * size < 2 * SMALLEST:
        # What is cut to zero here is a result below 2 ** -1000.
        vanishing = sql.number(min(LARGEST, 2.0**-1000 / size))
        arms.append((sql.less(sql.absolute(number.expression), vanishing), sql.number(0.0)))
    if size > 1.0 and math.isinf(limits.magnitude):
        limit = float(last_where(lambda x: np.isfinite(step(x)), 0.0, LARGEST, 1)[0])
        up = math.copysign(math.inf, factor)
        arms += [
            (sql.greater(number.expression, sql.number(limit)), sql.number(up)),
            (sql.less(number.expression, sql.number(-limit)), sql.number(-up)),
        ]
    return Number(sql.case(arms, plain) if arms else plain, limits)

"""The functions of numpy that have an SQL equal: how SQL writes them, where they are defined."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pgpredict_transpiler import arithmetic
from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.arithmetic import Number
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.floats import LARGEST, SMALLEST

INFINITY = math.inf


@dataclass(frozen=True)
class Elementary:
    """A function of one number.

    Attributes:
        write: its SQL, of a named number inside the domain; never raises there, not at infinity.
        direction: 1 if it never decreases on its domain, -1 if it never increases, else 0.
        low: the least number of the domain; below it numpy gives NaN.
        high: the greatest.
        least: the least value, where the ends of the domain do not tell.
        greatest: the greatest value, likewise.
        smallest: the least magnitude of a value, zero apart.
        even: whether it is one of the absolute value, and the other attributes tell of that.
    """

    write: Callable[[Number], Expression]
    direction: int = 1
    low: float = -INFINITY
    high: float = INFINITY
    least: float = -INFINITY
    greatest: float = INFINITY
    smallest: float = SMALLEST
    even: bool = False


def _call(name: str) -> Callable[[Number], Expression]:
    return lambda x: sql.call(name, x.expression)


def _beyond(value: Expression, limit: float, low: float, high: float) -> list[Any]:
    """Arms of a CASE: `high` above the limit, `low` below its negative."""
    return [
        (sql.greater(value, sql.number(limit)), sql.number(high)),
        (sql.less(value, sql.number(-limit)), sql.number(low)),
    ]


def _logarithm(
    plain: Callable[[Expression], Expression], pole: float = 0.0
) -> Callable[[Number], Expression]:
    """Minus infinity at the pole."""

    def write(x: Number) -> Expression:
        if x.range.low > pole:
            return plain(x.expression)
        above = sql.greater(x.expression, sql.number(pole))
        at = sql.equal(x.expression, sql.number(pole))
        return sql.case([(above, plain(x.expression)), (at, sql.number(-INFINITY))])

    return write


def _log1p(x: Expression) -> Expression:
    # ln(1 + x) loses the digits of a small x; the quotient puts back what rounding 1 + x took away.
    one = sql.number(1.0)
    above = sql.add(one, x)
    small = sql.multiply(sql.logarithm(above), sql.divide(x, sql.subtract(above, one)))
    return sql.case(
        [
            (sql.greater(sql.absolute(x), sql.number(0.5)), sql.logarithm(sql.add(one, x))),
            (sql.equal(sql.add(one, x), one), x),
        ],
        small,
    )


def _expm1(x: Number) -> Expression:
    # exp(x) - 1 loses the digits of a small x; 2 sinh(x/2) exp(x/2) keeps them.
    half = sql.divide(x.expression, sql.number(2.0))
    small = sql.multiply(
        sql.multiply(sql.number(2.0), sql.call("sinh", half)), sql.exponential(half)
    )
    size = sql.absolute(x.expression)
    large = sql.subtract(arithmetic.exponential(x).expression, sql.number(1.0))
    return sql.case(
        [
            (sql.greater(size, sql.number(1.0)), large),
            (sql.less(size, sql.number(1e-17)), x.expression),
        ],
        small,
    )


def _exp2(x: Number) -> Expression:
    power = sql.call("power", sql.number(2.0), x.expression)
    arms = [
        (sql.greater_equal(x.expression, sql.number(1024.0)), sql.number(INFINITY)),
        (sql.less(x.expression, sql.number(-1022.0)), sql.number(0.0)),
    ]
    return sql.case(arms, power)


def _square(x: Number) -> Expression:
    size, product = sql.absolute(x.expression), sql.multiply(x.expression, x.expression)
    arms = []
    if x.range.magnitude > 1e154:
        largest = sql.number(math.sqrt(LARGEST))
        arms.append((sql.greater(size, largest), sql.number(INFINITY)))
    if x.range.smallest < 1e-160:
        arms.append((sql.less(size, sql.number(1e-160)), sql.number(0.0)))
    return sql.case(arms, product) if arms else product


def _sign(x: Number) -> Expression:
    zero = sql.number(0.0)
    return sql.case(
        [
            (sql.greater(x.expression, zero), sql.number(1.0)),
            (sql.less(x.expression, zero), sql.number(-1.0)),
            (sql.equal(x.expression, zero), zero),
        ]
    )


def _rint(x: Number) -> Expression:
    # Half to even, as numpy does; round() of some engines takes half away from zero. Numbers beyond
    # 2 ** 52 are whole, so adding that rounds, and taking it off leaves what was rounded.
    shift = sql.number(2.0**52)
    up = sql.subtract(sql.add(x.expression, shift), shift)
    down = sql.add(sql.subtract(x.expression, shift), shift)
    return sql.case(
        [
            (sql.greater_equal(sql.absolute(x.expression), shift), x.expression),
            (sql.less(x.expression, sql.number(0.0)), down),
        ],
        up,
    )


def _sinh(x: Number) -> Expression:
    arms = _beyond(x.expression, 710.4758600739439, -INFINITY, INFINITY)
    return sql.case(arms, sql.call("sinh", x.expression))


def _cosh(x: Number) -> Expression:
    arms = _beyond(x.expression, 710.4758600739439, INFINITY, INFINITY)
    return sql.case(arms, sql.call("cosh", x.expression))


def _arctanh(x: Number) -> Expression:
    one = sql.number(1.0)
    arms = [
        (sql.equal(x.expression, one), sql.number(INFINITY)),
        (sql.equal(x.expression, sql.number(-1.0)), sql.number(-INFINITY)),
    ]
    return sql.case(arms, sql.call("atanh", x.expression))


def _reciprocal(x: Number) -> Expression:
    # 1 / -0.0 is minus infinity, and only atan2 tells the two zeros apart.
    zero, size = sql.number(0.0), sql.absolute(x.expression)
    negative = sql.greater(sql.call("atan2", zero, x.expression), sql.number(1.0))
    endless = sql.case([(negative, sql.number(-INFINITY))], sql.number(INFINITY))
    arms = [
        (sql.less(size, sql.number(5.562684646268004e-309)), endless),
        (sql.equal(size, sql.number(INFINITY)), zero),
    ]
    return sql.case(arms, sql.divide(sql.number(1.0), x.expression))


def _of_angle(name: str, greatest: float = INFINITY, smallest: float = SMALLEST) -> Elementary:
    """A function that is NaN at infinity."""
    return Elementary(_call(name), 0, -LARGEST, LARGEST, -greatest, greatest, smallest)


ELEMENTARY: dict[Any, Elementary] = {
    np.log: Elementary(_logarithm(sql.logarithm), low=0.0, smallest=1e-16),
    np.log2: Elementary(
        _logarithm(lambda x: sql.divide(sql.logarithm(x), sql.number(math.log(2.0)))),
        low=0.0,
        smallest=1e-16,
    ),
    np.log10: Elementary(_logarithm(lambda x: sql.call("log10", x)), low=0.0, smallest=1e-17),
    np.log1p: Elementary(_logarithm(_log1p, pole=-1.0), low=-1.0),
    np.exp: Elementary(lambda x: arithmetic.exponential(x).expression, smallest=2.2e-308),
    np.expm1: Elementary(_expm1),
    np.exp2: Elementary(_exp2, smallest=2.2e-308),
    np.sqrt: Elementary(lambda x: sql.square_root(x.expression), low=0.0, smallest=1e-162),
    np.cbrt: Elementary(_call("cbrt"), smallest=1e-108),
    np.square: Elementary(_square, direction=0, least=0.0, smallest=1e-320),
    np.absolute: Elementary(lambda x: sql.absolute(x.expression), direction=0, least=0.0),
    np.fabs: Elementary(lambda x: sql.absolute(x.expression), direction=0, least=0.0),
    np.sign: Elementary(_sign, smallest=1.0),
    np.floor: Elementary(_call("floor"), smallest=1.0),
    np.ceil: Elementary(_call("ceil"), smallest=1.0),
    np.trunc: Elementary(_call("trunc"), smallest=1.0),
    np.fix: Elementary(_call("trunc"), smallest=1.0),
    np.rint: Elementary(_rint, smallest=1.0),
    np.round: Elementary(_rint, smallest=1.0),
    np.sin: _of_angle("sin", 1.0),
    np.cos: _of_angle("cos", 1.0, 1e-20),
    np.tan: _of_angle("tan"),
    np.arcsin: Elementary(_call("asin"), low=-1.0, high=1.0),
    np.arccos: Elementary(_call("acos"), direction=-1, low=-1.0, high=1.0, smallest=1e-9),
    np.arctan: Elementary(_call("atan")),
    np.sinh: Elementary(_sinh),
    np.cosh: Elementary(_cosh, low=0.0, smallest=1.0, even=True),
    np.tanh: Elementary(_call("tanh")),
    np.arcsinh: Elementary(_call("asinh")),
    np.arccosh: Elementary(_call("acosh"), low=1.0, smallest=1e-9),
    np.arctanh: Elementary(_arctanh, low=-1.0, high=1.0),
    np.reciprocal: Elementary(_reciprocal, direction=0, smallest=5e-309),
}

"""Short names for the sqlglot nodes that lowered models are made of.

Every constant is a float8 that reads back to the same bits, and operands are put in parentheses
here, since sqlglot prints a tree as it stands.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, cast

from sqlglot import exp

DOUBLE = exp.DataType.build("double")
BIGINT = exp.DataType.build("bigint")
OPERATORS = (exp.Binary, exp.If, exp.Func, exp.Unary, exp.Between, exp.In)

Expression = exp.Expression


class Walk(exp.Expression, exp.Func):
    """predict_runtime.walk_trees(this, ARRAY[expressions]): sums over trees, as float8[].

    Attributes:
        this: the trees, as the text of a float8[].
        expressions: the numbers that they compare.
        steps: how many comparisons a row takes, about; costs are estimated by it.
    """

    arg_types = {"this": True, "expressions": True}  # noqa: RUF012 - as sqlglot declares it
    steps: float = 0.0


def number(value: float) -> Expression:
    """A float8 constant; NaN becomes NULL, the missing value.

    >>> number(0.1).sql("duckdb")
    "CAST('0.1' AS DOUBLE)"
    """
    value = float(value)
    if math.isnan(value):
        return null_number()
    return exp.Cast(this=exp.Literal.string(_text_of(value)), to=DOUBLE)


def _text_of(value: float) -> str:
    """The shortest text that reads back to the same bits."""
    text = {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value) or repr(float(value))
    return text.removesuffix(".0")


def nan() -> Expression:
    """The float8 NaN, to compare with: in a model it is always turned into NULL first."""
    return exp.Cast(this=exp.Literal.string("NaN"), to=DOUBLE)


def null_number() -> Expression:
    """NULL of type float8."""
    return exp.Cast(this=exp.Null(), to=DOUBLE)


def null() -> Expression:
    """NULL of whatever type its surroundings have."""
    return exp.Null()


def text(value: str) -> Expression:
    """A text constant."""
    return exp.Literal.string(value)


def whole_number(value: int) -> Expression:
    """A bigint constant."""
    return exp.Cast(this=exp.Literal.string(str(value)), to=BIGINT)


def place(value: int) -> Expression:
    """An int constant: the place of an element in an array, the first of which is 1."""
    return exp.Literal.number(value)


def element(values: Sequence[float], at: Expression) -> Expression:
    """One of several float8 constants, by its place."""
    array = exp.Array(expressions=[number(value) for value in values])
    return exp.Bracket(this=exp.Paren(this=array), expressions=[at])


def at(array: Expression, place: int) -> Expression:
    """An element of an array, by its place, the first of which is 1."""
    return exp.Bracket(this=exp.Paren(this=array), expressions=[exp.Literal.number(place)])


def walk(trees: Sequence[float], inputs: Sequence[Expression], steps: float) -> Expression:
    """Sums over trees that are given as numbers; see `pgpredict_transpiler.lowering.walking`."""
    texts = (_text_of(value) for value in trees)
    node = Walk(this=exp.Literal.string("{" + ",".join(texts) + "}"), expressions=list(inputs))
    node.steps = steps
    return node


def as_bits(value: Expression) -> Expression:
    """A float8 that is a power of two as a bigint with that one bit."""
    return exp.Cast(this=value, to=BIGINT)


def has_bit_of(bits: Expression, mask: int) -> Expression:
    """Whether two bigints have a bit in common."""
    common = exp.Paren(this=exp.BitwiseAnd(this=bits, expression=whole_number(mask)))
    return exp.NEQ(this=common, expression=whole_number(0))


def boolean(value: bool) -> Expression:
    """TRUE or FALSE."""
    return exp.Boolean(this=value)


def constant(value: object) -> Expression:
    """A constant of the type that fits a Python value: text, boolean or float8; None is NULL."""
    if value is None:
        return null()
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool):
        return boolean(value)
    return number(float(value))  # type: ignore[arg-type]


def reference(name: str) -> Expression:
    """An input or a shared value, by its name."""
    return exp.Column(this=exp.Identifier(this=name, quoted=True))


def _operand(node: Expression) -> Expression:
    compound = (exp.Binary, exp.Unary, exp.In, exp.Between)
    return (
        exp.Paren(this=node)
        if isinstance(node, compound) and not isinstance(node, exp.Paren)
        else node
    )


def _binary(kind: type[exp.Binary], left: Expression, right: Expression) -> Expression:
    return cast(Expression, kind(this=_operand(left), expression=_operand(right)))


def less_equal(left: Expression, right: Expression) -> Expression:
    """left <= right."""
    return _binary(exp.LTE, left, right)


def less(left: Expression, right: Expression) -> Expression:
    """left < right."""
    return _binary(exp.LT, left, right)


def greater_equal(left: Expression, right: Expression) -> Expression:
    """left >= right."""
    return _binary(exp.GTE, left, right)


def greater(left: Expression, right: Expression) -> Expression:
    """left > right."""
    return _binary(exp.GT, left, right)


def equal(left: Expression, right: Expression) -> Expression:
    """left = right."""
    return _binary(exp.EQ, left, right)


def between(value: Expression, low: Expression, high: Expression) -> Expression:
    """value BETWEEN low AND high."""
    return exp.Between(this=_operand(value), low=low, high=high)


def in_(value: Expression, options: Sequence[Expression]) -> Expression:
    """value IN (options), or a plain equality when there is one option."""
    if len(options) == 1:
        return equal(value, options[0])
    return exp.In(this=_operand(value), expressions=list(options))


def is_null(value: Expression) -> Expression:
    """value IS NULL."""
    return exp.Is(this=_operand(value), expression=exp.Null())


def is_not_null(value: Expression) -> Expression:
    """value IS NOT NULL."""
    return exp.Not(this=is_null(value))


def is_not_false(condition: Expression) -> Expression:
    """True unless the condition is false: NULL passes."""
    return exp.Coalesce(this=condition, expressions=[exp.true()])


def negate(condition: Expression) -> Expression:
    """NOT condition; NULL stays NULL."""
    return exp.Not(this=_operand(condition))


def all_of(conditions: Sequence[Expression]) -> Expression:
    """The conditions joined by AND; TRUE when there are none."""
    return _joined(exp.And, conditions) if conditions else exp.true()


def any_of(conditions: Sequence[Expression]) -> Expression:
    """The conditions joined by OR; FALSE when there are none."""
    return _joined(exp.Or, conditions) if conditions else exp.false()


def _joined(kind: type[exp.Connector], conditions: Sequence[Expression]) -> Expression:
    result: Expression = conditions[0]
    for condition in conditions[1:]:
        right = exp.Paren(this=condition) if isinstance(condition, exp.Connector) else condition
        left = (
            exp.Paren(this=result)
            if isinstance(result, exp.Connector) and not isinstance(result, kind)
            else result
        )
        result = cast(Expression, kind(this=left, expression=right))
    return result


def add(left: Expression, right: Expression) -> Expression:
    """left + right; a chain of additions on the left needs no parentheses."""
    left = left if isinstance(left, exp.Add) else _operand(left)
    return exp.Add(this=left, expression=_operand(right))


def subtract(left: Expression, right: Expression) -> Expression:
    """left - right."""
    return _binary(exp.Sub, left, right)


def multiply(left: Expression, right: Expression) -> Expression:
    """left * right."""
    return _binary(exp.Mul, left, right)


def divide(left: Expression, right: Expression) -> Expression:
    """left / right, both float8."""
    # typed: the operands have their types already, so that no dialect adds casts of its own
    return exp.Div(this=_operand(left), expression=_operand(right), typed=True, safe=False)


def total(terms: Sequence[Expression]) -> Expression:
    """The terms added from left to right, as scikit-learn adds; 0 when there are none."""
    if not terms:
        return number(0.0)
    result = terms[0]
    for term in terms[1:]:
        result = add(result, term)
    return result


def case(
    arms: Sequence[tuple[Expression, Expression]], otherwise: Expression | None = None
) -> Expression:
    """CASE WHEN condition THEN value … ELSE otherwise END."""
    ifs = [exp.If(this=condition, true=value) for condition, value in arms]
    return exp.Case(ifs=ifs, default=otherwise)


def coalesce(*values: Expression) -> Expression:
    """The first value that is not NULL."""
    return exp.Coalesce(this=values[0], expressions=list(values[1:]))


def null_if(value: Expression, other: Expression) -> Expression:
    """NULL where the value equals the other, else the value."""
    return exp.Nullif(this=value, expression=other)


def greatest(values: Sequence[Expression]) -> Expression:
    """The greatest value; NULLs are passed over."""
    return exp.Greatest(this=values[0], expressions=list(values[1:]), ignore_nulls=True)


def least(values: Sequence[Expression]) -> Expression:
    """The least value; NULLs are passed over."""
    return exp.Least(this=values[0], expressions=list(values[1:]), ignore_nulls=True)


def absolute(value: Expression) -> Expression:
    """abs(value)."""
    return exp.Abs(this=value)


def call(name: str, *arguments: Expression) -> Expression:
    """A function that goes by the same name in every dialect: tanh, sin, cbrt."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def exponential(value: Expression) -> Expression:
    """exp(value); the caller sees to it that it cannot overflow."""
    return exp.Exp(this=value)


def logarithm(value: Expression) -> Expression:
    """ln(value); the caller sees to it that the value is positive."""
    return exp.Ln(this=value)


def square_root(value: Expression) -> Expression:
    """sqrt(value); the caller sees to it that the value is not negative."""
    return exp.Sqrt(this=value)


def collate_c(value: Expression) -> Expression:
    """The value compared byte by byte, whatever the database's collation."""
    return exp.Collate(this=value, expression=exp.Identifier(this="C", quoted=True))


def nodes(expression: Expression) -> Iterator[Expression]:
    """Every node of an expression. Faster than sqlglot's own walk, and models are large."""
    stack: list[Any] = [expression]
    while stack:
        node = stack.pop()
        yield node
        for value in node.args.values():
            if isinstance(value, exp.Expr):
                stack.append(value)
            elif isinstance(value, list):
                stack.extend(value)


def is_operator(node: Expression) -> bool:
    """Whether a node costs time in the database; constants and names do not."""
    return isinstance(node, OPERATORS) and not isinstance(node, exp.Cast)

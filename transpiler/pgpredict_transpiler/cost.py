"""What a model costs, and so which form suits it.

Measured on Postgres 18 (see benchmarks): an operator takes 6 to 20 ns whatever the form; PL/pgSQL
adds 0.3 us a row and 0.1 us for each shared value; an inlined expression has to be planned anew
with every statement, at about 5 us an operator, and where JIT is on it is also compiled, which
takes seconds for thousands of operators. The function that walks trees takes 3 ns a comparison in C
and a hundred times as long in PL/pgSQL, which also copies the trees for each row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlglot import exp

from pgpredict_transpiler.body import Body
from pgpredict_transpiler.expressions import Expression, Walk, is_operator

if TYPE_CHECKING:
    from pgpredict_transpiler.program import Form

INLINE_OPERATORS = 1000  # beyond it planning takes milliseconds
OPERATOR = 0.012  # microseconds, while the expression fits the processor's caches
CACHED = 80_000  # operators: at this size each takes twice as long, and so on
BLOCK = 0.3  # microseconds a row for the PL/pgSQL call
ASSIGNMENT = 0.1  # microseconds for each shared value in a block
# Microseconds for a comparison of walk_trees, and for a number of its array.
NATIVE_STEP, NATIVE_COPY = 0.003, 0.0
STEP, COPY = 0.5, 0.003


def operators(body: Body, output: str) -> int:
    """How many operators a body has, each shared value counted once."""
    roots = [body.outputs.get(output) or next(iter(body.columns.values())), *body.conditions]
    expressions = [*roots, *(let.expression for let in body.needed(roots))]
    return sum(body.summary(expression).operators for expression in expressions)


def choose_form(ordinary: Body, general: Body) -> Form:
    """inline while the expression stays small with every shared value written out; else block."""
    size = max(
        _written_out(ordinary, name) + _written_out(general, name) for name in general.outputs
    )
    return "inline" if size <= INLINE_OPERATORS else "block"


def walks(body: Body) -> bool:
    """Whether a body has trees that a function walks."""
    roots = [*body.columns.values(), *(let.expression for let in body.lets)]
    return any(body.summary(root).walks for root in roots)


def microseconds(body: Body, form: Form, *, native: bool) -> float:
    """An estimate for one row: the operators on the way through every CASE, on average."""
    roots = [body.outputs["prediction"], *body.conditions]
    lets = body.needed(roots)
    expressions = [*roots, *(let.expression for let in lets)]
    path = sum(map(_path, expressions))
    each = OPERATOR * (1 + operators(body, "prediction") / CACHED)
    called = 0.0 if form == "inline" else BLOCK + ASSIGNMENT * len(lets)
    walked = [walk for root in expressions for walk in body.summary(root).walks]
    return each * (path + 2 * len(body.limits)) + called + _walking(walked, native=native)


def _walking(walks: Iterable[Walk], *, native: bool) -> float:
    """What it takes to walk trees."""
    step, copy = (NATIVE_STEP, NATIVE_COPY) if native else (STEP, COPY)
    return math.fsum(step * walk.steps + copy * walk.this.this.count(",") for walk in walks)


def _written_out(body: Body, output: str) -> int:
    """The operators of an output with every shared value put in where it is used."""
    roots = [body.outputs[output], *body.conditions]
    sizes: dict[str, int] = {}

    def written_out(expression: Expression) -> int:
        summary = body.summary(expression)
        used = sum(count * sizes.get(name, 0) for name, count in summary.uses.items())
        return summary.operators + used

    for let in body.needed(roots):
        sizes[let.name] = written_out(let.expression)
    return sum(map(written_out, roots))


def _path(expression: Expression) -> float:
    """Operators evaluated for one row, if all branches of a CASE are equally likely."""
    if isinstance(expression, exp.Add):  # a long sum leans to the left: no recursion into it
        total = 0.0
        node: Expression = expression
        while isinstance(node, exp.Add):
            total += 1 + _path(node.expression)
            node = node.this
        return total + _path(node)
    if isinstance(expression, exp.Case):
        default = expression.args.get("default")
        values = [arm.args["true"] for arm in expression.args["ifs"]] + (
            [default] if default else []
        )
        tests = sum(_path(arm.this) for arm in expression.args["ifs"])
        return tests + sum(map(_path, values)) / len(values)
    return is_operator(expression) + sum(_path(child) for child in expression.iter_expressions())

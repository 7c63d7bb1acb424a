"""One body of a program: shared values, what Python demands of a row, and the outputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.scope import ORDINARY, Let, Limits


@dataclass(frozen=True)
class Body:
    """A lowered pipeline under one assumption about its inputs.

    Attributes:
        lets: shared values, each computed from inputs and from those before it.
        limits: what numbers must be for Python to answer, by the name of the input or shared value.
        conditions: what else must be true for Python to answer.
        outputs: the results by name. ``prediction``; ``probability`` as the function gives it;
            ``columns`` of a SELECT are in `columns`.
        columns: the results as columns of a SELECT, by name.
    """

    lets: tuple[Let, ...]
    limits: Mapping[str, Limits]
    conditions: tuple[Expression, ...]
    outputs: Mapping[str, Expression]
    columns: Mapping[str, Expression]

    def needed(self, roots: Iterable[Expression]) -> list[Let]:
        """The shared values that some expressions need, in order."""
        names = set().union(*(references(root) for root in roots))
        result = []
        for let in reversed(self.lets):
            if let.name in names:
                result.append(let)
                names |= references(let.expression)
        return result[::-1]

    def input_conditions(self, inputs: Iterable[str], *, ordinary: bool) -> list[Expression]:
        """What must be true of the inputs themselves.

        Args:
            inputs: names of the inputs that are numbers.
            ordinary: leave out what holds for ordinary numbers anyway.
        """
        limits = (self.limits[name] for name in inputs if name in self.limits)
        return [
            condition for limit in limits for condition in _conditions(limit, ordinary=ordinary)
        ]

    def value_conditions(self, inputs: Iterable[str]) -> list[Expression]:
        """What must be true of shared values and of inputs that are no numbers."""
        known = set(inputs)
        limits = (limit for name, limit in self.limits.items() if name not in known)
        return [c for limit in limits for c in _conditions(limit, ordinary=False)] + list(
            self.conditions
        )


def ordinary_conditions(body: Body, inputs: Iterable[str]) -> list[Expression]:
    """What makes a row ordinary: every number is within +-1e30, or missing where that is allowed.

    Written as one BETWEEN for each input: with constants for arguments Postgres folds the false
    one, and with it the branch that it guards, before it computes anything in there.
    """
    result = []
    for name in inputs:
        limits = body.limits.get(name)
        bound = sql.between(sql.reference(name), sql.number(-ORDINARY), sql.number(ORDINARY))
        result.append(sql.is_not_false(bound) if limits is None or limits.may_be_missing else bound)
    return result


def references(expression: Expression) -> set[str]:
    """The names that an expression refers to."""
    return {column.name for column in expression.find_all(exp.Column)}


def _conditions(limits: Limits, *, ordinary: bool) -> list[Expression]:
    tight = limits.low > -ORDINARY or limits.high < ORDINARY
    if ordinary and not tight:
        return []
    if limits.low == -math.inf and limits.high == math.inf:
        return [] if limits.may_be_missing else [sql.is_not_null(limits.base)]
    within = (
        sql.between(limits.base, sql.number(limits.low), sql.number(limits.high))
        if limits.low <= limits.high
        else sql.boolean(False)
    )
    return [sql.is_not_false(within) if limits.may_be_missing else within]

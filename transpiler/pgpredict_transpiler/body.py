"""One body of a program: shared values, what Python demands of a row, and the outputs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.scope import ORDINARY, Let, Limits


@dataclass(frozen=True)
class Summary:
    """What an expression consists of.

    Attributes:
        operators: how many there are.
        uses: how often it refers to each name.
        walks: sums over trees that a function walks.
    """

    operators: int
    uses: Counter[str]
    walks: tuple[sql.Walk, ...]


@dataclass(frozen=True)
class Body:
    """A lowered pipeline under one assumption about its inputs.

    Attributes:
        lets: shared values, each computed from inputs and from those before it.
        limits: what numbers must be for Python to answer, by the name of the input or shared value.
        conditions: what else must be true for Python to answer.
        outputs: the results of the functions: ``prediction``, and ``probability`` if there is one.
        columns: the results as columns of a SELECT, by name.
    """

    lets: tuple[Let, ...]
    limits: Mapping[str, Limits]
    conditions: tuple[Expression, ...]
    outputs: Mapping[str, Expression]
    columns: Mapping[str, Expression]
    _summaries: dict[int, tuple[Summary, Expression]] = field(default_factory=dict, repr=False)

    def needed(self, roots: Iterable[Expression]) -> list[Let]:
        """The shared values that some expressions need, in order."""
        names = set().union(*(self.summary(root).uses for root in roots))
        result = []
        for let in reversed(self.lets):
            if let.name in names:
                result.append(let)
                names.update(self.summary(let.expression).uses)
        return result[::-1]

    def summary(self, expression: Expression) -> Summary:
        """What one of the body's expressions consists of, counted once."""
        known = self._summaries.get(id(expression))
        if known is None:
            # The expression is kept too: as long as it lives no other has its id.
            known = self._summaries[id(expression)] = (summarise(expression), expression)
        return known[0]

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

    Each input has a test of its own: with constants for arguments Postgres folds the one that is
    false, and with it the branch that it guards, before it computes anything in there. NaN is
    greater than every number, so it fails the test too.
    """
    result = []
    for name in inputs:
        limits = body.limits.get(name)
        small = sql.less_equal(sql.absolute(sql.reference(name)), sql.number(ORDINARY))
        may_be_missing = limits is None or limits.may_be_missing
        result.append(sql.is_not_false(small) if may_be_missing else small)
    return result


def summarise(expression: Expression) -> Summary:
    """Count an expression's operators and the uses of each name; find its walks."""
    found = list(sql.nodes(expression))
    uses = Counter(node.name for node in found if isinstance(node, exp.Column))
    walks = tuple(node for node in found if isinstance(node, sql.Walk))
    return Summary(sum(map(sql.is_operator, found)), uses, walks)


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

"""The scope of a lowering: shared values, requirements, and the place in the pipeline."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

import numpy as np
from sqlglot import exp

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Chain, Column, Lookup, Range
from pgpredict_transpiler.errors import InvalidSample, TooLarge, UnsupportedEstimator
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.floats import (
    LARGEST,
    LARGEST_FLOAT32,
    Floats,
    from_ordinal,
    last_where,
    to_ordinal,
)
from pgpredict_transpiler.prediction import Prediction
from pgpredict_transpiler.search import from_lookup, where

Lowered = list[Column] | Prediction

LONGEST_SUM = 100
ORDINARY = 1e30  # an ordinary number: no model's arithmetic on such numbers overflows


@dataclass
class Limits:
    """What one number must be for Python to answer at all."""

    base: Expression
    low: float = -math.inf
    high: float = math.inf
    may_be_missing: bool = True


@dataclass(frozen=True)
class Let:
    """A shared value: computed once, used by name."""

    name: str
    type: str
    expression: Expression


@dataclass
class Notes:
    """What lowering writes down along the way, in the order in which it has to be computed."""

    lets: list[Let] = field(default_factory=list)
    limits: dict[str, Limits] = field(default_factory=dict)
    conditions: list[Expression] = field(default_factory=list)
    used: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Scope:
    """Where a lowering stands and what it may rely on.

    Attributes:
        path: the estimator's place, as one would write it in Python.
        estimator: the name of its class, for messages.
        taken: names that a shared value must not have.
        lowering: lowers an estimator inside this one; see `pgpredict_transpiler.lowering.registry`.
        walks: whether trees become arrays that a function walks, instead of expressions.
        notes: what has been written down so far; shared by all scopes of one program.
    """

    path: str
    estimator: str
    taken: frozenset[str]
    lowering: Callable[[Any, Sequence[Column], Scope, str], Lowered]
    walks: bool = False
    notes: Notes = field(default_factory=Notes)

    def at(self, estimator: object, part: str = "") -> Scope:
        """The scope of an estimator inside this one; `part` is what leads to it: ``['scale']``."""
        return replace(self, path=self.path + part, estimator=type(estimator).__name__)

    def lower(self, estimator: Any, columns: Sequence[Column], part: str = "") -> Lowered:
        """Lower an estimator inside this one; `part` is what leads to it: ``['scale']``."""
        return self.lowering(estimator, columns, self, part)

    def transform(self, estimator: Any, columns: Sequence[Column], part: str) -> list[Column]:
        """Lower an estimator where a transformer belongs."""
        result = self.lower(estimator, columns, part)
        if isinstance(result, Prediction):
            self.at(estimator, part).refuse("a predictor stands where a transformer belongs")
        return result

    def predict(self, estimator: Any, columns: Sequence[Column], part: str) -> Prediction:
        """Lower an estimator where a predictor belongs."""
        result = self.lower(estimator, columns, part)
        if not isinstance(result, Prediction):
            self.at(estimator, part).refuse("a transformer stands where a predictor belongs")
        return result

    def use(self, columns: Sequence[Column]) -> None:
        """Note which inputs are read; the others do not become arguments of the function.

        Raises:
            InvalidSample: the sample lacks one of them.
        """
        for column in columns:
            if column.type == "absent":
                raise InvalidSample(
                    f"the sample has no column {column.name!r}, "
                    f"which {self.estimator} at {self.path} needs",
                    do="pass a sample with all input columns of the model",
                )
            if column.is_input:
                self.notes.used.add(column.expression.name)

    def refuse(self, why: str, option: str = "") -> NoReturn:
        """Raise UnsupportedEstimator for this place."""
        name = f"{self.estimator}({option})" if option else self.estimator
        raise UnsupportedEstimator(name, self.path, why)

    def refuse_size(self, why: str) -> NoReturn:
        """Raise TooLarge for this place: an expression cannot hold it, an array could."""
        raise TooLarge(self.estimator, self.path, why)

    def without_walks(self) -> Scope:
        """The scope for trees that cannot be walked."""
        return replace(self, walks=False)

    def let(self, hint: str, expression: Expression, sql_type: str = "float8") -> Expression:
        """Name a value that is used more than once, so that it is computed once.

        Args:
            hint: what the value is: ``score``.
            expression: its value.
            sql_type: its SQL type.

        Returns:
            A reference to it.
        """
        if isinstance(expression, exp.Column):
            return expression
        names = self.taken.union(let.name for let in self.notes.lets)
        name = next(name for i in range(1, len(names) + 2) if (name := f"{hint}_{i}") not in names)
        self.notes.lets.append(Let(name, sql_type, expression))
        return sql.reference(name)

    def sum(self, terms: Sequence[Expression]) -> Expression:
        """The terms added from left to right, as numpy adds the trees of an ensemble.

        A long sum is cut into shared values, each going on from the one before: the order of the
        additions, and so the last bit, stays the same, and no expression nests deeper than a
        server's stack allows.
        """
        total = sql.total(terms[:LONGEST_SUM])
        for start in range(LONGEST_SUM, len(terms), LONGEST_SUM):
            total = sql.total([self.let("subtotal", total), *terms[start : start + LONGEST_SUM]])
        return total

    def numbers(self, columns: Sequence[Column]) -> list[Column]:
        """The columns as numbers: booleans become 0 and 1, as in numpy.

        Raises:
            InvalidSample: a column is text or a timestamp.
        """
        return [self._as_number(column) for column in columns]

    def _as_number(self, column: Column) -> Column:
        if (
            isinstance(column.fill, str) and column.type != "text"
        ):  # float('missing') raises in Python
            self.require(sql.is_not_null(column.expression))
            column = replace(column, fill=None)
        if column.type == "float8":
            return column
        if column.type == "boolean":
            missing = None if column.fill is None else float(column.fill)
            key = self.let("key", column.key, "boolean")
            return from_lookup(Lookup(key, {True: 1.0, False: 0.0}, missing=missing), column.name)
        raise InvalidSample(
            f"column {column.name!r} of the sample is {column.type}, "
            f"but {self.estimator} at {self.path} reads numbers",
            do="pass a sample of the kind that the model was trained on",
        )

    def require(self, condition: Expression) -> None:
        """Where the condition is not true Python raises, and the answer is NULL."""
        self.notes.conditions.append(condition)

    def require_value(self, lookup: Lookup, holds: Callable[[float | None], bool]) -> None:
        """The value of a look-up must be one for which `holds`; of None for NULL."""
        if not all(holds(value) for value in lookup.values):
            self.require(where(lookup, holds))

    def require_finite(
        self, columns: Sequence[Column], *, may_be_missing: bool = False, float32: bool = False
    ) -> None:
        """The columns must hold finite numbers, as scikit-learn's validation demands.

        Args:
            columns: numbers.
            may_be_missing: whether NULL is allowed.
            float32: finite also when rounded to float32, as trees demand.
        """
        largest = LARGEST_FLOAT32 if float32 else LARGEST

        def accepts(value: float | None) -> bool:
            return may_be_missing if value is None else bool(_fits(np.array([value]), largest)[0])

        for column in columns:
            if column.lookup:
                self.require_value(column.lookup, accepts)
            else:
                chain = column.chain or self.chain_of(column)
                low, high = finite_between(chain, largest)
                filled = chain.at_missing is not None
                self._limit(
                    chain, low, high, accepts(chain.at_missing) if filled else may_be_missing
                )

    def chain_of(self, column: Column) -> Chain:
        """The column as the untouched start of a chain; what is not yet named gets a name."""
        return column.chain or Chain(
            self.let("value", column.expression),
            low=column.range.low,
            high=column.range.high,
        )

    def _limit(self, chain: Chain, low: float, high: float, may_be_missing: bool) -> None:
        limits = self.notes.limits.setdefault(chain.base.name, Limits(chain.base))
        # What every value of the base meets need not be asked of it.
        limits.low = max(limits.low, low) if low > chain.low else limits.low
        limits.high = min(limits.high, high) if high < chain.high else limits.high
        limits.may_be_missing = limits.may_be_missing and may_be_missing


def finite_between(chain: Chain, largest: float) -> tuple[float, float]:
    """The interval of a chain's base on which the chain stays within +-largest once rounded.

    Returns:
        low and high, both inside; low > high where there is no such number.
    """

    def inside(numbers: Floats) -> np.ndarray:
        return _fits(chain.function(numbers), largest)

    lowest, highest = max(chain.low, -LARGEST), min(chain.high, LARGEST)
    candidates = np.concatenate(
        [np.clip([0.0, 1.0, -1.0], lowest, highest), _spread(lowest, highest)]
    )
    with np.errstate(all="ignore"):
        good = candidates[inside(candidates)]
    if not len(good):
        return math.inf, -math.inf
    up = float(last_where(inside, good[0], highest, 1)[0])
    down = -float(last_where(lambda x: inside(-x), -good[0], -lowest, 1)[0])
    # The arctangent of infinity is a number like any other.
    with np.errstate(all="ignore"):
        low_too, high_too = inside(np.array([chain.low, chain.high]))
    return chain.low if low_too else down, chain.high if high_too else up


def _fits(values: Floats, largest: float) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.isfinite(values.astype(np.float32)) if largest < LARGEST else np.isfinite(values)


def _spread(low: float, high: float, count: int = 100) -> Floats:
    """Numbers in [low, high], spread over its floats: a logarithm is finite just above its pole."""
    first, last = (int(place) for place in to_ordinal(np.array([low, high])))
    places = [first + (last - first) * i // count for i in range(count + 1)]
    return from_ordinal(np.array([*places, min(first + 1, last), max(last - 1, first)]))


def input_column(name: str, sql_type: str, *, ordinary: bool) -> Column:
    """The column of an input that nothing has touched.

    Args:
        name: of the input.
        sql_type: its SQL type.
        ordinary: whether a number may be taken for an ordinary one.
    """
    base = sql.reference(name)
    if sql_type != "float8":
        return Column(base, sql_type, name)
    bound = ORDINARY if ordinary else math.inf
    return Column(base, sql_type, name, Range(-bound, bound), Chain(base))

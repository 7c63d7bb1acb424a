"""The SELECT that gives scored rows: what is carried over, the answers, version and time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from pgpredict.batch.levels import Input, Unfolded
from pgpredict.batch.sources import Source
from pgpredict.batch.statements import Row, ask_one, raw, run
from pgpredict.batch.unfolding import unfold

# Postgres merges a sub-select with the query around it, and writes a value out wherever it is used.
# One with a WITH stays as it is; so does one with OFFSET 0, but above that no worker runs.
FENCE = SQL("WITH fence AS (SELECT 1) ")
# Fewer rows do not make up for the time that the expressions of a large model take to plan.
MANY = 20_000
# What Postgres estimates for an expression that keeps a process busy for a second, about.
COST = 400_000
# Seconds that a function takes for each character of its text, about.
CALL = 1e-11


@dataclass(frozen=True)
class Rows:
    """What is selected for each row of a source.

    Attributes:
        source: what is to be scored.
        version: number, functions and types of the version.
        carried: columns of the source that stand beside the answers.
        at: the time that is written beside the answers.
        unfolded: the functions as expressions; None: they are called.
        seconds: about how long one process takes for all rows.
    """

    source: Source
    version: Row
    carried: tuple[str, ...]
    at: datetime
    unfolded: Unfolded | None
    seconds: float = 0.0

    def select(
        self,
        relation: Composable | None = None,
        where: Sequence[Composable] = (),
        rows: int | None = None,
        *,
        stamped: bool = True,
    ) -> Composed:
        """The SELECT.

        Args:
            relation: another relation with the columns of the source, instead of all of it.
            where: conditions over the source's own columns, named with its alias.
            rows: how many there may be, which decides how; None: many.
            stamped: whether version and time are among the columns.
        """
        unfolded = self.unfolded if rows is None or rows >= MANY else None
        base = tuple(zip(self._inputs, self.source.passed, strict=True))
        calls: tuple[str, ...] = self.calls
        if unfolded is not None:
            base, calls = unfolded.base, unfolded.answers
        inner = self._base(relation or self.source.relation, where, base)
        for level in unfolded.levels if unfolded else ():
            columns = [*self._carried, *map(raw, level.kept), *map(_named, level.new)]
            inner = SQL("{}SELECT {} FROM (\n{}\n) AS r").format(
                FENCE, SQL(", ").join(columns), inner
            )
        label, probability = (*calls, "NULL")[:2]
        answers = [
            *self._carried,
            SQL("({})::{}").format(raw(label), raw(self.version["label_type"])),
            SQL("({})::{}").format(raw(probability), raw(self.version["probability_type"])),
            *(self.stamps if stamped else ()),
        ]
        return SQL("SELECT {} FROM (\n{}\n) AS r").format(SQL(", ").join(answers), inner)

    @property
    def stamps(self) -> tuple[Composed, Composed]:
        """What is the same in every row: version and time."""
        return (
            SQL("{}::integer").format(Literal(self.version["version"])),
            SQL("{}::timestamptz").format(Literal(self.at.isoformat())),
        )

    @property
    def calls(self) -> tuple[str, ...]:
        """How the functions of the version are called in the query."""
        # The parameters of a learner, as a constant: the planner sees a frozen model.
        parameters = [self.version["parameters"]] if "parameters" in self.version else []
        arguments = ", ".join([*parameters, *self._inputs])
        functions = [self.version["label_function"]]
        if self.version["has_probability"]:
            functions.append(self.version["probability_function"])
        return tuple(f"{function}({arguments})" for function in functions)

    @property
    def inputs(self) -> list[Input]:
        """The arguments of the functions, as columns of the query."""
        source = self.source
        given = zip(source.inputs, self._inputs, source.passed, source.is_whole, strict=True)
        return [Input(*one) for one in given]

    @property
    def _carried(self) -> list[Identifier]:
        return [Identifier(f"k{number}") for number in range(len(self.carried))]

    @property
    def _inputs(self) -> list[str]:
        return [f'"i{number}"' for number in range(len(self.source.inputs))]

    def _base(
        self,
        relation: Composable,
        where: Sequence[Composable],
        base: Iterable[tuple[str, str]],
    ) -> Composed:
        alias = Identifier(self.source.alias)
        columns = [
            SQL("{}.{} AS {}").format(alias, Identifier(column), name)
            for column, name in zip(self.carried, self._carried, strict=True)
        ]
        condition = SQL(" WHERE {}").format(SQL(" AND ").join(where)) if where else SQL("")
        return SQL("{}SELECT {} FROM {} AS {}{}").format(
            FENCE, SQL(", ").join([*columns, *map(_named, base)]), relation, alias, condition
        )


def _named(column: tuple[str, str]) -> SQL:
    """A column of a level: an expression, and the name for it."""
    name, text = column
    return raw(f"{text} AS {name}")


def rows_of(
    connection: Connection[Any],
    model: str,
    version: Row,
    source: Source,
    carried: tuple[str, ...],
) -> Rows:
    """How the rows of a source are scored: as fast as the functions of the version allow."""
    at = datetime.now(UTC)
    texts = ask_one(connection, "function_texts", model=model, version=version["version"])
    wanted = ["label", "probability"] if version["has_probability"] else ["label"]
    known = [texts[name] for name in wanted if texts[name] is not None]
    rows = Rows(source, version, carried, at, None)
    if len(known) == len(wanted):
        is_classifier = version["kind"] == "classifier"
        unfolded = unfold(known, rows.inputs, rows.calls, is_classifier=is_classifier)
        rows = replace(rows, unfolded=unfolded)
    try:
        with connection.transaction():
            cost = run(connection, "cost", rows=rows.select()).fetchone()
    except psycopg.Error:
        if rows.unfolded is None:
            raise
        rows, cost = replace(rows, unfolded=None), None
    seconds = cost[0][0]["Plan"]["Total Cost"] / COST if cost else 0.0
    if rows.unfolded is None:  # what happens in a function has no cost for Postgres
        seconds += source.rows * sum(map(len, known)) * CALL
    return replace(rows, seconds=seconds)

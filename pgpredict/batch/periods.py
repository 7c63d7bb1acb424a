"""Which partitions a run is about: periods of time, or values of a column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from pgpredict.batch.job import Job
from pgpredict.batch.statements import Row, ask, raw, run, told
from pgpredict.errors import InvalidSource, InvalidTarget, PgpredictError

EVERY = {"hour": "YYYYMMDD_HH24", "day": "YYYYMMDD", "week": "YYYYMMDD", "month": "YYYYMM"}
EVERY["year"] = "YYYY"
MOMENTS = {
    "date": "timestamp",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
}
BOUNDS = re.compile(r"FOR VALUES FROM \('([^']*)'\) TO \('([^']*)'\)")


@dataclass(frozen=True)
class Partition:
    """A partition of the target, there already or not.

    Attributes:
        column: by which the target is partitioned.
        low: its first value, or its only one, as text.
        high: the first value behind it; None: it holds one value.
        slug: how its name ends.
        there: what the catalog says of it; None: it is not there.
        rows: how many rows it may hold, if all hold alike.
    """

    column: str
    low: str
    high: str | None
    slug: str
    there: Row | None
    rows: int

    @property
    def is_range(self) -> bool:
        """Whether it holds a period of time."""
        return self.high is not None

    def condition(self, alias: str | None) -> Composed:
        """Which rows belong to it."""
        column = Identifier(self.column) if alias is None else Identifier(alias, self.column)
        if self.high is None:
            return SQL("{0} IS NOT NULL AND {0} = {1}").format(column, Literal(self.low))
        return SQL("{0} IS NOT NULL AND {0} >= {1} AND {0} < {2}").format(
            column, Literal(self.low), Literal(self.high)
        )

    @property
    def bound(self) -> Composed:
        """The same as ATTACH PARTITION takes it."""
        if self.high is None:
            return SQL("FOR VALUES IN ({})").format(Literal(self.low))
        return SQL("FOR VALUES FROM ({}) TO ({})").format(Literal(self.low), Literal(self.high))


def wanted_partitions(
    job: Job, connection: Connection[Any], every: str | None, values: Sequence[object] | None
) -> list[Partition]:
    """The partitions of some values, or all that the source has rows of.

    Args:
        job: what the run has to do.
        connection: to ask for them.
        every: hour, day, week, month or year, for a column of dates or times; None: as the target
            is partitioned already, else by day.
        values: a date or time in each period, or the values; None: all.

    Raises:
        InvalidSource: rows have no value there.
        InvalidTarget: the target is partitioned otherwise.
    """
    assert job.partition is not None
    if values is not None and not values:
        raise PgpredictError(
            "no partition is named to be scored",
            do="leave partitions out to score all that the source has rows of",
        )
    column = next(c for c in job.target.columns if c.name == job.partition)
    there = _there(job, connection)
    moment = MOMENTS.get(column.type)
    if every is not None and (moment is None or every not in EVERY):
        raise PgpredictError(
            f"cannot partition {told(job.partition)}, which is {column.type}, by {every}",
            do=f"columns of dates and times are partitioned every {', '.join(EVERY)}; "
            "leave it out for others",
        )
    strategy = "RANGE" if moment else "LIST"
    state = job.target.state
    if state is not None and not state["partitioned_by"].startswith(strategy):
        raise InvalidTarget(
            f"{job.target.label} is partitioned by {state['partitioned_by']}",
            why=f"{column.type} is scored by {strategy}",
            do="name another table",
        )
    given = _given(job, column.type, values)
    try:
        if moment is None:
            # 1.0 and 1.00 are one value.
            text = SQL("trim_scale(v)" if column.type.startswith("numeric") else "v")
            place = Identifier("s", job.partition)
            found = run(connection, "values", text=text, column=place, values=given)
        else:
            unit = every or _every(connection, there) or "day"
            found = run(
                connection,
                "periods",
                step=Literal(f"1 {unit}"),
                every=Literal(unit),
                pattern=Literal(EVERY[unit]),
                type=raw(column.type),
                moment=raw(moment),
                column=Identifier("s", job.partition),
                values=given,
            )
    except psycopg.DataError as error:
        raise PgpredictError(
            f"a partition that was named is no {column.type}",
            why=error.diag.message_primary or "",
        ) from None
    rows = [row if moment else (row[0], None, row[1]) for row in found.fetchall()]
    if any(low is None for low, *_ in rows):
        raise InvalidSource(
            f"{told(job.partition)} is NULL in a row of {job.source.label}, "
            "which therefore belongs to no partition",
            do=f"pass a query that leaves such rows out: WHERE {told(job.partition)} IS NOT NULL",
        )
    if moment is not None and any(low.endswith("infinity") for low, *_ in rows):
        raise InvalidSource(
            f"{told(job.partition)} is infinite in a row of {job.source.label}, "
            "which therefore belongs to no partition",
            do=f"pass a query that leaves such rows out: WHERE isfinite({told(job.partition)})",
        )
    each = job.source.rows // max(1, len(rows) if values is None else max(len(there), len(rows)))
    wanted = [
        Partition(job.partition, low, high, slug, _found(there, low, high), each)
        for low, high, slug in rows
    ]
    new = [partition for partition in wanted if partition.there is None]
    _check_overlap(job, connection, column.type, there, new)
    return wanted


def _check_overlap(
    job: Job, connection: Connection[Any], kind: str, there: list[Row], new: list[Partition]
) -> None:
    """Refuse new partitions that would hold what is in another one.

    Raises:
        InvalidTarget: one would.
    """
    if not new or not there:
        return
    is_range = new[0].is_range
    found = run(
        connection,
        "overlaps" if is_range else "holders",
        type=raw(kind),
        lows=Literal([one.low for one in new]),
        highs=Literal([one.high for one in new]),
        names=Literal([row["name"] for row in there]),
        bounds=Literal([row["bound"] for row in there]),
    ).fetchall()
    if found:
        raise InvalidTarget(
            f"{job.target.label} has partitions that hold more or less than those of this run",
            details=tuple(
                f"{name} holds a part of {low} to {high}"
                if is_range
                else f"{name} holds {low}, and other values"
                for name, low, high in found
            ),
            do="partition as the table is already, or name another one",
        )


def _given(job: Job, kind: str, values: Sequence[object] | None) -> Composable:
    """Where the values come from: those that were named, or the source."""
    assert job.partition is not None
    if values is None:
        return job.source.relation
    listed = SQL(", ").join(
        SQL("({}::{})").format(Literal(str(value)), raw(kind)) for value in values
    )
    return SQL("(SELECT v AS {} FROM (VALUES {}) AS v (v))").format(
        Identifier(job.partition), listed
    )


def _there(job: Job, connection: Connection[Any]) -> list[Row]:
    if job.target.state is None:
        return []
    found = ask(connection, "partitions", target=job.target.state["oid"])
    for row in found:
        if row["kind"] != "r" or row["schema"] != job.target.schema:
            raise InvalidTarget(
                f"{told(row['schema'], row['name'])}, a partition of {job.target.label}, "
                "cannot be replaced",
                why="it is no plain table, or in another schema",
                do="name another table",
            )
    return found


def _every(connection: Connection[Any], there: list[Row]) -> str | None:
    """The period of the partitions that are there."""
    for row in there:
        bounds = BOUNDS.fullmatch(row["bound"])
        if bounds:
            steps = ask(connection, "step", low=bounds[1], high=bounds[2])
            if steps:
                return str(steps[0]["every"])
    return None


def _found(there: list[Row], low: str, high: str | None) -> Row | None:
    """The partition that is there, by how Postgres writes its bounds."""
    if high is not None:
        bounds = {f"FOR VALUES FROM ('{low}') TO ('{high}')"}
    else:
        quoted = low.replace("'", "''")
        bounds = {f"FOR VALUES IN ('{quoted}')", f"FOR VALUES IN ({low})"}
    return next((row for row in there if row["bound"] in bounds), None)

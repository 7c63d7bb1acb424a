"""The whole target at once: a table is made beside it, and takes its place when it is finished."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier

from pgpredict.batch import summary
from pgpredict.batch.connections import local
from pgpredict.batch.filling import filled, remove, stamps
from pgpredict.batch.job import Crew, Job, Meter, Outcome
from pgpredict.batch.pages import ranges
from pgpredict.batch.statements import columns, run
from pgpredict.batch.swapping import take_place

# Seconds of work, by estimate, from which on people want to see how far it is.
LONG = 5.0


def score_whole(job: Job, crew: Crew, meter: Meter) -> Outcome:
    """Score every row into a new table, and put it where the target is to be.

    One statement does it, which parallel workers help with, in one transaction. If that would take
    long, several connections score ranges of pages, where the source can be read so.
    """
    todo = deque(ranges(job.source))
    if job.rows.seconds < LONG or not todo:
        return _in_one_transaction(job, crew, meter)
    labels = filled(job, crew, meter, todo)
    try:
        outcome = _outcome(job, crew.control, labels)
        take_place(job, crew.control)
    except BaseException:
        remove(crew, job)
        raise
    return outcome


def _in_one_transaction(job: Job, crew: Crew, meter: Meter) -> Outcome:
    connection, table = crew.control, job.target.unfinished
    with connection.transaction(), job.telling_of_rows():
        local(connection, {"max_parallel_workers_per_gather": str(crew.size - 1)})
        meter.add(build(connection, job, table, [], job.source.rows))
        meter.doing("building the primary key")
        finish(connection, job, table, job.target.unfinished_key)
        meter.doing("counting")
        outcome = _outcome(job, connection, summary.counts(connection, job, table))
        take_place(job, connection)
    return outcome


def build(
    connection: Connection[Any],
    job: Job,
    table: Identifier,
    where: Sequence[Composable],
    expected: int | None,
) -> int:
    """Make a table of scored rows in one statement, all but what is the same in every row.

    Args:
        connection: in the transaction that will finish it.
        job: what the run has to do.
        table: what is to be built.
        where: which rows of the source.
        expected: how many they are, about.

    Returns:
        How many they are.
    """
    names = columns(column.name for column in job.target.varying)
    rows = job.rows.select(None, where, expected, stamped=False)
    return run(connection, "build", table=table, columns=names, rows=rows).rowcount


def finish(
    connection: Connection[Any],
    job: Job,
    table: Identifier,
    key_name: str,
    condition: Composable | None = None,
    more: Sequence[Composable] = (),
) -> None:
    """Give a built table all that it has to have: version and time, constraints, primary key.

    Args:
        connection: in the transaction that built it.
        job: what the run has to do.
        table: what was built.
        key_name: what the primary key is called.
        condition: what a CHECK called ``pgpredict_bound`` says of its rows.
        more: other changes of the table.
    """
    changes: list[Composable] = [
        SQL("ALTER COLUMN {} SET NOT NULL").format(Identifier(column.name))
        for column in job.target.varying
        if column.is_required
    ]
    changes += stamps(job)
    changes += more
    if condition is not None:
        changes.append(SQL("ADD CONSTRAINT pgpredict_bound CHECK ({})").format(condition))
    key = columns(job.target.key)
    changes.append(SQL("ADD CONSTRAINT {} PRIMARY KEY ({})").format(Identifier(key_name), key))
    run(connection, "change", table=table, changes=SQL(", ").join(changes))
    run(connection, "forget_stamps", table=table)


def _outcome(job: Job, connection: Connection[Any], labels: Counter[str | None]) -> Outcome:
    rows = labels.total()
    return Outcome(
        way="new" if job.target.state is None else "replaced",
        rows=rows,
        labels=dict(labels),
        quantiles=summary.quantiles(connection, job, [job.target.unfinished], rows),
    )

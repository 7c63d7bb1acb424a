"""Into a target that stays where it is: range by range, each a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier, Literal

from pgpredict.batch import summary
from pgpredict.batch.connections import local, work_off
from pgpredict.batch.job import Crew, Job, Meter, Outcome
from pgpredict.batch.pages import ranges
from pgpredict.batch.statements import columns, run

Work = tuple[Composable | None, list[Composable]]


def score_in_place(job: Job, crew: Crew, meter: Meter) -> Outcome:
    """Score rows of the source into the target, each score new or in the place of the old one.

    All ranges are of one snapshot. If the run dies, those that were done are there. A run that is
    not incremental ends with taking away the scores of rows that are gone.
    """
    extra: list[Composable] = [job.has_no_score(job.target.table)] if job.incremental else []
    work: list[Work] = [
        (pages.relation, [*pages.condition(job.source.alias), *extra])
        for pages in ranges(job.source)
    ] or [(None, extra)]
    deleted = 0
    with crew.control.transaction():
        crew.control.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        (snapshot,) = run(crew.control, "snapshot").fetchone() or ("",)
        tasks = [partial(_upsert, job, snapshot, one) for one in work]
        work_off(crew.workers(len(tasks)), tasks, meter.add)
        if not job.incremental:
            meter.doing("removing scores of rows that are gone")
            deleted = forget(crew.control, job, job.target.table)
    meter.doing("counting")
    ours = SQL("at = {}").format(Literal(job.rows.at))
    counts = summary.counts(crew.control, job, job.target.table, ours)
    return Outcome(
        way="in place",
        rows=meter.rows,
        labels=dict(counts),
        quantiles=summary.quantiles(crew.control, job, [job.target.table], meter.rows, ours),
        deleted=deleted,
    )


def _upsert(
    job: Job,
    snapshot: str,
    work: Work,
    connection: Connection[Any],
    tell: Callable[[int], None],
) -> None:
    relation, where = work
    with connection.transaction(), job.telling_of_rows():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        run(connection, "use_snapshot", name=Literal(snapshot))
        local(connection, {"max_parallel_workers_per_gather": "0"})
        rows = upsert(connection, job, job.target.table, relation, where)
    tell(rows)  # a row counts once it is committed


def upsert(
    connection: Connection[Any],
    job: Job,
    table: Identifier,
    relation: Composable | None,
    where: Sequence[Composable],
) -> int:
    """Score some rows of the source into the target, or a partition of it; gives how many."""
    others = [name for name in job.target.names if name not in job.target.key]
    return run(
        connection,
        "upsert",
        table=table,
        columns=columns(job.target.names),
        rows=job.rows.select(relation, where, None if relation else job.source.rows),
        key=columns(job.target.key),
        others=columns(others),
        excluded=columns(others, "excluded"),
    ).rowcount


def forget(connection: Connection[Any], job: Job, table: Identifier) -> int:
    """Take away the scores of rows that the source has no more; gives how many."""
    relation = SQL("{} AS {}").format(job.source.relation, Identifier(job.source.alias))
    return run(connection, "forget", table=table, relation=relation, same=job.same_key()).rowcount

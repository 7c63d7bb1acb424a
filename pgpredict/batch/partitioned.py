"""A target in partitions: each is scored, checked and put in place in a transaction of its own.

Readers see the partition as it was, or as it is now. A run that dies leaves whole partitions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Identifier

from pgpredict.batch import summary
from pgpredict.batch.connections import local, work_off
from pgpredict.batch.job import Crew, Job, Meter, Outcome
from pgpredict.batch.periods import Partition, wanted_partitions
from pgpredict.batch.statements import columns, run
from pgpredict.batch.swapping import patiently
from pgpredict.batch.targets import declared
from pgpredict.batch.whole import build, finish

Word = tuple[str, Counter[str | None]]


def score_partitions(
    job: Job, crew: Crew, meter: Meter, every: str | None, values: Sequence[object] | None
) -> Outcome:
    """Score the partitions of some values, or all that the source has rows of."""
    assert job.partition is not None
    partitions = wanted_partitions(job, crew.control, every, values)
    strategy = "RANGE" if any(p.is_range for p in partitions) else "LIST"
    if job.target.state is None:
        run(
            crew.control,
            "create_partitioned",
            table=job.target.table,
            columns=declared(job.target.columns),
            key=columns(job.target.key),
            strategy=SQL("RANGE") if strategy == "RANGE" else SQL("LIST"),
            column=Identifier(job.partition),
        )
    counts: Counter[str | None] = Counter()
    done: list[str] = []
    alone = Lock()

    def heard(word: Word) -> None:
        name, found = word
        if name:
            done.append(name)
        counts.update(found)
        meter.add(found.total())

    workers = crew.workers(len(partitions))
    # Processes that have no partition of their own help with those of the others.
    helpers = crew.size // max(1, len(partitions)) - 1
    tasks = [partial(_score, job, alone, helpers, one) for one in partitions]
    work_off(workers, tasks, heard)
    tables = [Identifier(job.target.schema, name) for name in done]
    return Outcome(
        way="partitions",
        rows=counts.total(),
        labels=dict(counts),
        quantiles=summary.quantiles(crew.control, job, tables, counts.total()) if tables else {},
        partitions=tuple(sorted(done)),
        skipped=len(partitions) - len(done),
    )


def _score(
    job: Job,
    alone: Lock,
    helpers: int,
    partition: Partition,
    connection: Connection[Any],
    tell: Callable[[Word], None],
) -> None:
    if job.incremental and partition.there and not _is_stale(job, connection, partition):
        tell(("", Counter()))
        return
    made_name = job.target.beside(f"{partition.slug}_unfinished")
    made = Identifier(job.target.schema, made_name)
    name = partition.there or job.target.beside(partition.slug)
    with connection.transaction(), job.telling_of_rows():
        local(connection, {"max_parallel_workers_per_gather": str(max(0, helpers))})
        _build(job, connection, partition, made, made_name)
        counts = summary.counts(connection, job, made)
        with alone:  # threads of ours need not wait for each other in the database

            def put_in_place() -> None:
                _attach(job, connection, partition, made, name)

            patiently(connection, job.target.label, put_in_place)
    tell((name, counts))


def _build(
    job: Job, connection: Connection[Any], partition: Partition, made: Identifier, name: str
) -> None:
    """The partition as a table of its own, of which Postgres knows that its rows belong there."""
    build(connection, job, made, [partition.condition(job.source.alias)], partition.rows)
    finish(connection, job, made, job.target.constraint(name), partition.condition(None))


def _attach(
    job: Job, connection: Connection[Any], partition: Partition, made: Identifier, name: str
) -> None:
    target, there = job.target, partition.there
    before = target.constraint(target.beside(f"{partition.slug}_unfinished"))
    if there is None:
        run(connection, "lock_parent", table=target.table)
    else:
        old = Identifier(target.schema, there)
        run(connection, "lock_alone", table=target.table)
        run(connection, "detach", table=target.table, partition=old)
        run(connection, "drop", table=old)
    final = Identifier(target.schema, name)
    run(connection, "rename", table=made, name=Identifier(name))
    run(
        connection,
        "rename_constraint",
        table=final,
        before=Identifier(before),
        name=Identifier(target.constraint(name)),
    )
    run(connection, "attach", table=target.table, partition=final, bound=partition.bound)
    run(connection, "drop_check", table=final)


def _is_stale(job: Job, connection: Connection[Any], partition: Partition) -> bool:
    """Whether a partition is anything else than a score of this version for each row."""
    assert partition.there is not None
    table = Identifier(job.target.schema, partition.there)
    alias = Identifier(job.source.alias)
    relation = SQL("{} AS {}").format(job.source.relation, alias)
    condition = partition.condition(job.source.alias)
    row = run(
        connection,
        "stale",
        relation=relation,
        current=SQL("{} AND {}").format(condition, job.has_no_score(table)),
        whole=SQL("{} WHERE {}").format(relation, condition),
        table=table,
    ).fetchone()
    return bool(row and row[0])

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
from psycopg import errors as pg
from psycopg.sql import SQL, Composable, Identifier

from pgpredict.batch import summary
from pgpredict.batch.connections import local, work_off
from pgpredict.batch.in_place import forget, upsert
from pgpredict.batch.job import Crew, Job, Meter, Outcome
from pgpredict.batch.keeping import attached, is_partition, keep, kept, required
from pgpredict.batch.periods import Partition, wanted_partitions
from pgpredict.batch.statements import Row, columns, raw, run, told
from pgpredict.batch.swapping import Changed, patiently, rename, unchanged
from pgpredict.batch.targets import Target, declared
from pgpredict.batch.whole import build, finish
from pgpredict.errors import InvalidTarget

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
    more = [raw(change) for change in _required(job, crew.control)]
    tasks = [partial(_score, job, alone, helpers, more, one) for one in partitions]
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
    more: Sequence[Composable],
    partition: Partition,
    connection: Connection[Any],
    tell: Callable[[Word], None],
) -> None:
    if job.incremental and partition.there and not _is_stale(job, connection, partition):
        tell(("", Counter()))
        return
    there = partition.there
    if there is not None and attached(connection, there["oid"]):
        tell((there["name"], _write_into(job, connection, partition, there)))
        return
    made = Identifier(job.target.schema, job.target.beside(f"{partition.slug}_unfinished"))
    name = there["name"] if there else job.target.beside(partition.slug)
    with connection.transaction(), job.telling_of_rows():
        local(connection, {"max_parallel_workers_per_gather": str(max(0, helpers))})
        _build(job, connection, partition, made, more)
        counts = summary.counts(connection, job, made)
        with alone:  # threads of ours need not wait for each other in the database

            def put_in_place() -> None:
                _attach(job, connection, partition, made, name)

            patiently(connection, job.target.label, put_in_place)
    tell((name, counts))


def _write_into(
    job: Job, connection: Connection[Any], partition: Partition, there: Row
) -> Counter[str | None]:
    """Into a partition that stays, because something hangs on it: all of it, or nothing."""
    table = Identifier(there["schema"], there["name"])
    with connection.transaction(), job.telling_of_rows():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        upsert(connection, job, table, None, [partition.condition(job.source.alias)])
        forget(connection, job, table)
        return summary.counts(connection, job, table)


def _required(job: Job, connection: Connection[Any]) -> list[str]:
    """What the table demands of each partition, besides what all scores have."""
    if job.target.state is None:
        return []
    named = [column.name for column in job.target.columns if column.is_required]
    return required(connection, job.target.state["oid"], named)


def _build(
    job: Job,
    connection: Connection[Any],
    partition: Partition,
    made: Identifier,
    more: Sequence[Composable],
) -> None:
    """The partition as a table of its own, of which Postgres knows that its rows belong there."""
    build(connection, job, made, [partition.condition(job.source.alias)], partition.rows)
    finish(connection, job, made, _key_of(job, partition), partition.condition(None), more)


def _key_of(job: Job, partition: Partition) -> str:
    """The name of the primary key of a partition that is not in its place yet."""
    return job.target.constraint(job.target.beside(f"{partition.slug}_unfinished"))


def _attach(
    job: Job, connection: Connection[Any], partition: Partition, made: Identifier, name: str
) -> None:
    target, there = job.target, partition.there
    final, key = Identifier(target.schema, name), target.constraint(name)
    statements: list[str] = []
    if there is None:
        run(connection, "lock_parent", table=target.table)
    else:
        _lock(connection, target, there)
        key = there["key"]
        statements = kept(connection, there["oid"], made, final, key)
        run(connection, "detach", table=target.table, partition=final)
        run(connection, "drop", table=final)
    _take_name(job, connection, made, name, (_key_of(job, partition), key))
    keep(connection, statements)
    try:
        run(connection, "attach", table=target.table, partition=final, bound=partition.bound)
    except (pg.CheckViolation, pg.InvalidObjectDefinition, pg.DatatypeMismatch) as error:
        raise InvalidTarget(
            f"{name} cannot become a partition of {target.label}",
            why=error.diag.message_primary or "",
            do="take such rows out of the default partition, or name another table",
        ) from None
    run(connection, "drop_check", table=final)
    owner = there or target.state
    if owner is not None:
        run(connection, "own", table=final, owner=raw(owner["owner"]))


def _take_name(
    job: Job, connection: Connection[Any], made: Identifier, name: str, key: tuple[str, str]
) -> None:
    """Give a finished table and its primary key the names of the partition."""
    try:
        rename(connection, made, Identifier(job.target.schema, name), name, key)
    except pg.DuplicateTable:
        raise InvalidTarget(
            f"there is {told(job.target.schema, name)}, and it is no partition of "
            f"{job.target.label}",
            do="rename or drop it, or name another table for the scores",
        ) from None


def _lock(connection: Connection[Any], target: Target, partition: Row) -> None:
    """Be alone with the table and its partitions, of which this one is as it was found."""
    name = told(partition["schema"], partition["name"])
    with unchanged(name):
        run(connection, "lock_alone", table=target.table)
        is_there = is_partition(connection, partition, target.table)
        if not is_there or attached(connection, partition["oid"]):
            raise Changed


def _is_stale(job: Job, connection: Connection[Any], partition: Partition) -> bool:
    """Whether a partition is anything else than a score of this version for each row."""
    assert partition.there is not None
    table = Identifier(job.target.schema, partition.there["name"])
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

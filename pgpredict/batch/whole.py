"""The whole target at once: a table is made beside it, and takes its place when it is finished."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Connection
from psycopg import errors as pg
from psycopg.sql import SQL, Identifier, Literal

from pgpredict.batch import summary, targets
from pgpredict.batch.connections import local, work_off
from pgpredict.batch.job import Crew, Job, Meter, Outcome
from pgpredict.batch.pages import Range, ranges
from pgpredict.batch.statements import ask, columns, raw, run
from pgpredict.errors import InUse, InvalidTarget

Labels = Counter[str | None]

# Fewer ranges are done before another connection is there.
FEW = 4
LAST_PAGE = 2**32 - 2
# Nobody waits behind us for longer than that while we wait for readers of the old table.
LOCK = "500ms"
# Seconds until a run gives up to wait for them.
PATIENCE = 300.0


def score_whole(job: Job, crew: Crew, meter: Meter) -> Outcome:
    """Score every row into a new table, and put it where the target is to be.

    Several connections score ranges of pages, all of one snapshot, where the source can be read so;
    else one statement scores all, with parallel workers if the server sees fit.
    """
    todo = deque(ranges(job.source))
    made = Identifier(job.target.schema, job.target.beside("unfinished"))
    if len(todo) < FEW or crew.size == 1:
        return _in_one_transaction(job, crew.control, meter, made)
    try:
        with crew.control.transaction():
            run(crew.control, "create", table=made, columns=job.target.declared())
            targets.set_mark(crew.control, made, job.target.mark)
        _fill(job, crew, meter, made, todo)
        outcome = _finish(job, crew, meter, made)
        _take_place(job, crew.control, made)
    except BaseException:
        with suppress(psycopg.Error):
            run(crew.control, "drop", table=made)
        raise
    return outcome


def _in_one_transaction(
    job: Job, connection: Connection[Any], meter: Meter, made: Identifier
) -> Outcome:
    with connection.transaction(), job.telling_of_rows():
        rows = build(connection, job, made, job.rows.select(rows=job.source.rows))
        meter.add(rows)
        meter.doing("building the primary key")
        run(
            connection,
            "primary_key",
            table=made,
            constraint=Identifier(job.target.constraint(job.target.beside("unfinished"))),
            key=columns(job.target.key),
        )
        meter.doing("counting")
        outcome = _outcome(job, connection, made, summary.counts(connection, job, made))
        _take_place(job, connection, made)
    return outcome


def build(
    connection: Connection[Any], job: Job, table: Identifier, rows: psycopg.sql.Composable
) -> int:
    """Make a table of scored rows in one statement, which parallel workers may help with."""
    names = columns(job.target.names)
    made = run(connection, "build", table=table, columns=names, rows=rows)
    required = [column.name for column in job.target.columns if column.is_required]
    requirements = SQL(", ").join(
        SQL("ALTER COLUMN {} SET NOT NULL").format(Identifier(name)) for name in required
    )
    run(connection, "require", table=table, requirements=requirements)
    return made.rowcount


def _fill(job: Job, crew: Crew, meter: Meter, table: Identifier, todo: deque[Range]) -> None:
    """Score the ranges of pages, all as of one moment."""
    with crew.control.transaction():
        crew.control.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        (snapshot,) = run(crew.control, "snapshot").fetchone() or ("",)

        def fill(connection: Connection[Any], tell: Callable[[int], None]) -> None:
            with connection.transaction(), job.telling_of_rows():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                run(connection, "use_snapshot", name=Literal(snapshot))
                # The commit that puts the table in place writes out the log up to itself.
                settings = {"synchronous_commit": "off", "plan_cache_mode": "force_generic_plan"}
                local(connection, settings | {"max_parallel_workers_per_gather": "0"})
                _fill_ranges(job, connection, table, todo, tell)

        workers = crew.workers(len(todo))
        work_off(workers, [fill] * len(workers), meter.add)


def _fill_ranges(
    job: Job,
    connection: Connection[Any],
    table: Identifier,
    todo: deque[Range],
    tell: Callable[[int], None],
) -> None:
    """Score one range after the other, with one plan for each table of the source."""
    planned: dict[int, str] = {}
    place = Identifier(job.source.alias, "ctid")
    within = [SQL("{} >= $1").format(place), SQL("{} < $2").format(place)]
    while True:
        try:
            pages = todo.popleft()
        except IndexError:
            break
        if id(pages.relation) not in planned:
            name = planned[id(pages.relation)] = f"pgpredict_fill_{len(planned)}"
            rows = job.rows.select(pages.relation, within)
            names = columns(job.target.names)
            connection.execute(
                SQL("PREPARE {} (tid, tid) AS INSERT INTO {} ({}) {}").format(
                    Identifier(name), table, names, rows
                )
            )
        first, end = pages.first, LAST_PAGE if pages.end is None else pages.end
        bounds = [Literal(f"({page},0)") for page in (first, end)]
        call = SQL("EXECUTE {} ({}, {})")
        name = planned[id(pages.relation)]
        tell(connection.execute(call.format(Identifier(name), *bounds)).rowcount)
    for name in planned.values():
        connection.execute(SQL("DEALLOCATE {}").format(Identifier(name)))


def _finish(job: Job, crew: Crew, meter: Meter, table: Identifier) -> Outcome:
    """The primary key and the counts, at the same time."""
    meter.doing("building the primary key")
    labels: Labels = Counter()
    index = Identifier(job.target.beside("unfinished_key"))

    def build_index(connection: Connection[Any], _: Callable[[Labels], None]) -> None:
        with job.telling_of_rows():
            run(connection, "unique_index", index=index, table=table, key=columns(job.target.key))

    def count(connection: Connection[Any], tell: Callable[[Labels], None]) -> None:
        tell(summary.counts(connection, job, table))

    work_off(crew.workers(2), [build_index, count], labels.update)
    constraint = Identifier(job.target.constraint(job.target.beside("unfinished")))
    run(crew.control, "use_index", table=table, constraint=constraint, index=index)
    return _outcome(job, crew.control, table, labels)


def _outcome(job: Job, connection: Connection[Any], table: Identifier, labels: Labels) -> Outcome:
    rows = labels.total()
    return Outcome(
        way="new" if job.target.state is None else "replaced",
        rows=rows,
        labels=dict(labels),
        quantiles=summary.quantiles(connection, job, [table], rows),
    )


def _take_place(job: Job, connection: Connection[Any], made: Identifier) -> None:
    """Put the finished table where the target is to be, in a transaction that lasts a moment."""
    target = job.target
    name = target.beside("unfinished")

    def swap() -> None:
        state = targets.state(connection, target.schema, target.name)
        if state is not None:
            _check_unchanged(job, state)
            run(connection, "lock_alone", table=target.table)
            rights = ask(connection, "rights", table=made.as_string(connection), of=state["oid"])
            run(connection, "drop", table=target.table)
            for right in rights:
                connection.execute(raw(right["statement"]))
        run(connection, "rename", table=made, name=Identifier(target.name))
        run(
            connection,
            "rename_constraint",
            table=target.table,
            before=Identifier(target.constraint(name)),
            name=Identifier(target.constraint(target.name)),
        )
        run(connection, "unmark", table=target.table)
        if state is not None:
            run(connection, "own", table=target.table, owner=raw(state["owner"]))

    patiently(connection, target.label, swap)


def _check_unchanged(job: Job, state: dict[str, Any]) -> None:
    before = job.target.state
    if before is None or before["oid"] != state["oid"] or state["others"]:
        raise InvalidTarget(
            f"somebody changed {job.target.label} while it was scored", do="score it again"
        )


def patiently(connection: Connection[Any], label: str, change: Callable[[], None]) -> None:
    """Make a change that has to be alone with a table, without a queue of readers behind it.

    Raises:
        InUse: readers held it for as long as we waited.
    """
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            with connection.transaction():
                local(connection, {"lock_timeout": LOCK})
                change()
            return
        except pg.LockNotAvailable:
            if time.monotonic() > give_up:
                raise InUse(
                    f"{label} is in use by somebody for {PATIENCE:.0f} seconds and more",
                    do="score it again when they are done: SELECT * FROM pg_locks",
                ) from None
            time.sleep(0.1)

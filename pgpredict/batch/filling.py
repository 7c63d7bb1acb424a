"""Many rows into one new table: several connections, range by range, as of one moment.

Not faster than one statement with parallel workers, but it can tell how far it is.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composed, Identifier, Literal

from pgpredict.batch import summary, targets
from pgpredict.batch.connections import local, work_off
from pgpredict.batch.job import Crew, Job, Meter
from pgpredict.batch.pages import Range
from pgpredict.batch.statements import columns, raw, run

Labels = Counter[str | None]

LAST_PAGE = 2**32 - 2


def filled(job: Job, crew: Crew, meter: Meter, todo: deque[Range]) -> Labels:
    """Make the unfinished table, with all rows and its primary key; it goes if that fails.

    Returns:
        How many rows have which label.
    """
    table = job.target.unfinished
    try:
        with crew.control.transaction():
            run(crew.control, "create", table=table, columns=targets.declared(job.target.varying))
            targets.set_mark(crew.control, table, job.target.mark)
        _fill(job, crew, meter, table, todo)
        return _finish(job, crew, meter, table)
    except BaseException:
        remove(crew, job)
        raise


def stamps(job: Job) -> list[Composed]:
    """What adds version and time to a table of scores.

    Postgres keeps what a new column holds in all rows that are there once, for the whole table, so
    that the rows are a quarter smaller than with these columns from the beginning.
    """
    added = zip(job.target.columns[-len(targets.STAMPS) :], job.rows.stamps, strict=True)
    return [
        SQL("ADD COLUMN {} DEFAULT {}").format(raw(column.declared), value)
        for column, value in added
    ]


def remove(crew: Crew, job: Job) -> None:
    """Drop the unfinished table, if the database is still there.

    It is known by its mark: another table of its name is somebody else's.
    """
    with suppress(psycopg.Error):
        targets.remove_leftovers(crew.control, job.target)


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
            rows = job.rows.select(pages.relation, within, stamped=False)
            names = columns(column.name for column in job.target.varying)
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


def _finish(job: Job, crew: Crew, meter: Meter, table: Identifier) -> Labels:
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
    run(crew.control, "change", table=table, changes=SQL(", ").join(stamps(job)))
    run(crew.control, "forget_stamps", table=table)
    constraint = Identifier(job.target.unfinished_key)
    run(crew.control, "use_index", table=table, constraint=constraint, index=index)
    return labels

"""A request becomes a job: everything is checked before anything is changed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from psycopg import Connection

from pgpredict.batch import sources, targets
from pgpredict.batch.job import Job
from pgpredict.batch.request import Request
from pgpredict.batch.rows import rows_of
from pgpredict.batch.sources import Found
from pgpredict.batch.statements import Row, ask, ask_one
from pgpredict.batch.targets import Target
from pgpredict.errors import InvalidTarget

STRATEGY = re.compile(r'(?:RANGE|LIST) \((?:([a-z_][a-z0-9_]*)|"((?:[^"]|"")*)")\)')


def prepare(connection: Connection[Any], asked: Request, place: tuple[str, str]) -> Job:
    """Check a request, in a transaction that leaves nothing.

    Args:
        connection: the run's own.
        asked: what is to be done.
        place: schema and name of the target.

    Returns:
        What to do, with nothing left to doubt but the rows themselves.

    Raises:
        UnknownModel: no such model or version, or a retired one.
        InvalidSource: the source is not there, has not the columns, or does not fit the model.
        InvalidTarget: the target is something else than a table for these scores.
        NoRights: the role may not read the one or write the other.
    """
    with connection.transaction(force_rollback=True):
        learners = ask(connection, "learner", model=asked.model, version=asked.version)
        version = (
            learners or ask(connection, "version", model=asked.model, version=asked.version)
        )[0]
        found = sources.find(connection, asked.source)
        state = targets.state(connection, *place)
        target = Target(*place, key=asked.key, columns=(), state=state)
        _check_not_itself(connection, found, target)
        asked = replace(asked, partition_by=_partition(asked, target))
        sources.check_columns(found, asked.carried)
        target = _with_columns(connection, asked, found, version, target)
        source = sources.examine(connection, found, version, asked.key)
        targets.check(connection, target, incremental=asked.incremental)
        if target.stays(incremental=asked.incremental):
            sources.check_unique(connection, found, asked.key)
        rows = rows_of(connection, asked.model, version, source, asked.carried)
    return Job(
        model=asked.model,
        version=version,
        source=source,
        target=target,
        rows=rows,
        key=asked.key,
        changed=asked.changed,
        incremental=asked.incremental,
        partition=asked.partition_by,
    )


def _check_not_itself(connection: Connection[Any], found: Found, target: Target) -> None:
    if target.state is None:
        return
    reads = ask_one(connection, "reads", source=found.oid, target=target.state["oid"])
    if reads["reads"]:
        raise InvalidTarget(
            f"{found.label} reads {target.label}, which the scores would go to",
            do="name another table for the scores",
        )


def _partition(asked: Request, target: Target) -> str | None:
    """The column by which the target is partitioned, or will be."""
    if target.state is None:
        return asked.partition_by
    if target.state["kind"] != "p":
        if asked.partition_by is not None:
            raise InvalidTarget(
                f"{target.label} is there and is not partitioned", do="name another table"
            )
        return None
    by = STRATEGY.fullmatch(target.state["partitioned_by"])
    column = by and (by[1] or by[2].replace('""', '"'))
    if column is None or column != (asked.partition_by or column):
        raise InvalidTarget(
            f"{target.label} is partitioned by {target.state['partitioned_by']}",
            do="name another table, or partition by one column of the source",
        )
    return column


def _with_columns(
    connection: Connection[Any], asked: Request, found: Found, version: Row, target: Target
) -> Target:
    """The target with the columns that these scores need; it may have been in another place."""
    carried = ask(connection, "carried", source=found.oid, names=list(asked.carried))
    key = (*asked.key, *([asked.partition_by] if asked.partition_by else []))
    key = tuple(dict.fromkeys(key))
    return replace(target, key=key, columns=targets.columns_of(carried, key, version))

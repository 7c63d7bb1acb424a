"""A finished table takes the place of the target, in a transaction that lasts a moment."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection
from psycopg import errors as pg
from psycopg.sql import Identifier

from pgpredict.batch import targets
from pgpredict.batch.connections import local
from pgpredict.batch.job import Job
from pgpredict.batch.keeping import keep, kept
from pgpredict.batch.statements import Row, raw, run
from pgpredict.errors import InUse, InvalidTarget

# Nobody waits behind us for longer than that while we wait for readers of the old table.
LOCK = "500ms"
# What a table has to be still when another takes its place, which would undo what somebody changed.
SAME = ("oid", "kind", "persistence", "names", "types", "primary_key", "key_is_deferrable")
# Seconds until a run gives up to wait for them.
PATIENCE = 300.0


def take_place(job: Job, connection: Connection[Any]) -> None:
    """Put the finished table where the target is to be."""
    target, made = job.target, job.target.unfinished

    def swap() -> None:
        state = _locked(job, connection)
        key, statements = target.constraint(target.name), []
        if state is not None:
            key = state["key"]
            statements = kept(connection, state["oid"], made, target.table, key)
            run(connection, "drop", table=target.table)
        rename(connection, made, target.table, target.name, (target.unfinished_key, key))
        run(connection, "unmark", table=target.table)
        keep(connection, statements)
        if state is not None:
            run(connection, "own", table=target.table, owner=raw(state["owner"]))

    patiently(connection, target.label, swap)


def rename(
    connection: Connection[Any],
    made: Identifier,
    table: Identifier,
    name: str,
    key: tuple[str, str],
) -> None:
    """Give a finished table and its primary key the names of another.

    Args:
        connection: in the transaction that puts it in place.
        made: the finished table.
        table: where it is then, with its schema.
        name: what it is called then.
        key: what its primary key is called now, and then.
    """
    before, after = map(Identifier, key)
    run(connection, "rename", table=made, name=Identifier(name))
    run(connection, "rename_constraint", table=table, before=before, name=after)


def _locked(job: Job, connection: Connection[Any]) -> Row | None:
    """What the target is, locked, so that nobody changes it any more; None: it is not there."""
    target, before = job.target, job.target.state
    if before is None and targets.state(connection, target.schema, target.name) is None:
        return None
    with unchanged(target.label):
        run(connection, "lock_alone", table=target.table)
        state = targets.state(connection, target.schema, target.name)
        if before is None or state is None or state["attached"]:
            raise Changed
        if any(before[fact] != state[fact] for fact in SAME):
            raise Changed
    return state


class Changed(Exception):
    """A table is not what it was when the run began."""


@contextmanager
def unchanged(label: str) -> Iterator[None]:
    """Say whose table it is that somebody changed meanwhile.

    Raises:
        InvalidTarget: in the place of `Changed`, and where Postgres finds no table.
    """
    try:
        yield
    except (Changed, pg.UndefinedTable):
        raise InvalidTarget(
            f"somebody changed {label} while it was scored", do="score it again"
        ) from None


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

"""A run from its first check to its last commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection

from pgpredict.batch import targets
from pgpredict.batch.connections import Connections
from pgpredict.batch.in_place import score_in_place
from pgpredict.batch.job import Crew, Job, Meter, Outcome, Tell
from pgpredict.batch.partitioned import score_partitions
from pgpredict.batch.preparing import prepare
from pgpredict.batch.records import Scoring
from pgpredict.batch.request import Request
from pgpredict.batch.statements import ask_one, told
from pgpredict.batch.whole import score_whole
from pgpredict.database.refusals import refusals
from pgpredict.errors import DatabaseError, InUse

# However many processes the server would give to one query.
MOST_WORKERS = 8


def score(connection: Connection[Any], asked: Request, progress: Tell | None) -> Scoring:
    """Do what was asked for; see `pgpredict.Database.score`.

    Args:
        connection: where it was asked; the run works on connections of its own.
        asked: what is to be done.
        progress: called with a `Progress` after each step.

    Returns:
        What was done.
    """
    meter = Meter(progress)
    with Connections(connection) as connections:
        control, guard = connections.two()
        with _noticing_loss(guard, control), refusals(guard), refusals(control):
            place = targets.place(control, asked.into)
            with _alone(guard, told(*place)):
                job = prepare(control, asked, place)
                targets.remove_leftovers(control, job.target)
                meter.total = job.source.rows
                size = asked.workers or min(connections.session["processes"], MOST_WORKERS)
                outcome = _score(job, asked, Crew(connections, control, size), meter)
    return _record(job, outcome, meter.seconds)


def _score(job: Job, asked: Request, crew: Crew, meter: Meter) -> Outcome:
    """In the way that suits the target."""
    if job.partition is not None:
        return score_partitions(job, crew, meter, asked.every, asked.partitions)
    if job.target.stays(incremental=job.incremental):
        return score_in_place(job, crew, meter)
    return score_whole(job, crew, meter)


@contextmanager
def _noticing_loss(*idle: Connection[Any]) -> Iterator[None]:
    """Name a lost connection as the cause where others only tripped over its end."""
    try:
        yield
    except DatabaseError:
        for connection in idle:
            with refusals(connection):
                connection.execute("SELECT")
        raise


@contextmanager
def _alone(guard: Connection[Any], target: str) -> Iterator[None]:
    """Keep every other run away from the target."""
    with guard.transaction():
        if not ask_one(guard, "lock", target=target)["locked"]:
            raise InUse(
                f"another run scores into {target} at this moment",
                do="wait until it has ended: SELECT * FROM pg_stat_activity "
                "WHERE application_name = 'pgpredict score'",
            )
        yield


def _record(job: Job, outcome: Outcome, seconds: float) -> Scoring:
    nulls = outcome.labels.get(None, 0)
    answered = outcome.rows - nulls
    labels = {label: rows for label, rows in outcome.labels.items() if label is not None}
    return Scoring(
        model=job.model,
        version=job.version["version"],
        into=job.target.label,
        rows=outcome.rows,
        nulls=nulls,
        seconds=seconds,
        way=outcome.way,
        partitions=outcome.partitions,
        skipped=outcome.skipped,
        deleted=outcome.deleted,
        shares={label: labels[label] / answered for label in sorted(labels)}
        if job.is_classifier
        else {},
        quantiles=outcome.quantiles,
    )

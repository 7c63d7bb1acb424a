"""Where Dagster remembers: a database, in which one deployment on this machine works at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.sql import SQL, Identifier

import pgpredict
from pgpredict.errors import InUse, PgpredictError

VARIABLE = "DAGSTER_POSTGRES_URL"
DRIVER = "postgresql+psycopg2"
DATABASE = "dagster"
# Of an advisory lock: any number that others do not take.
LOCK = 1_364_207_811


def beside(dsn: str) -> str:
    """The URL of Dagster's own database on a server; it is made if it is not there.

    Args:
        dsn: another database of that server, whose user may create databases.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
        if found.fetchone() is None:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))
    address = dsn.removeprefix("postgresql://").rpartition("/")[0]
    return f"{DRIVER}://{address}/{DATABASE}"


@contextmanager
def held(url: str) -> Iterator[None]:
    """Keep other deployments on this machine from the database, until the block ends.

    Raises:
        PgpredictError: the URL names no driver, nobody answers, or another one is there.
    """
    scheme, _, address = url.partition("://")
    if scheme != DRIVER:
        raise PgpredictError(
            f"${VARIABLE} begins with {scheme}://",
            why="without a driver's name SQLAlchemy takes psycopg 3, and dagster-postgres fails",
            do=f"let it begin with {DRIVER}://",
        )
    with (
        pgpredict.connect(f"postgresql://{address}") as db,
        db.connection() as connection,
    ):
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        if row != (True,):
            raise InUse("it runs already", do=f"stop it, or name another database in ${VARIABLE}")
        yield


def prepare(*, ours: bool) -> None:
    """Make Dagster's tables before two processes do so at once.

    Args:
        ours: nobody else uses the storage: a run that says that it is running was killed
            with the deployment that it was part of. It has failed, and is begun again.
    """
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        if ours:
            states = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
            for run in instance.get_runs(dg.RunsFilter(statuses=states)):
                instance.report_run_failed(run, "It was killed, with the deployment.")


def named() -> str | None:
    """The URL that the environment gives; None: none."""
    return os.environ.get(VARIABLE) or None

"""A day's flights arrive in a table as they did that day, sped up, and predictions appear."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import class_row
from psycopg.sql import SQL, Identifier

from pgpredict.database import Database
from pgpredict.database.queries import query
from pgpredict.demo.flights import INPUTS
from pgpredict.errors import GoldenRowMismatch, PgpredictError

STREAM = "late_now"
TABLE = "nycflights.departures"
DAY = date(2013, 12, 23)
# How long the day takes, in seconds, from its first flight to its last.
LENGTH = 12.0
PATIENCE = 60.0


@dataclass(frozen=True)
class State:
    """What the table and the stream hold at a moment.

    Attributes:
        rows: flights that have come.
        predictions: how many of them have a prediction.
        depth: how many wait for one.
        lag_ms: how long the oldest flight of the last batch had waited, in milliseconds.
    """

    rows: int
    predictions: int
    depth: int
    lag_ms: float | None


class Arrivals:
    """The day, on a connection and a clock of its own, in a thread.

    Args:
        dsn: the database.
        length: how long the day takes, in seconds.
    """

    def __init__(self, dsn: str, length: float) -> None:
        self.minute = 0
        self._dsn = dsn
        self._length = length
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: BaseException | None = None

    def start(self) -> None:
        """Let the first flight come."""
        self._thread.start()

    @property
    def over(self) -> bool:
        """Whether the last one has come; raises what went wrong on the way."""
        if self._error is not None:
            raise self._error
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            with psycopg.connect(self._dsn, autocommit=True) as connection:
                self._insert(connection)
        except BaseException as error:  # it is raised where somebody looks: see `over`
            self._error = error

    def _insert(self, connection: psycopg.Connection[Any]) -> None:
        rows = connection.execute(query("minutes", "demo_arrivals"), {"day": DAY}).fetchall()
        minutes = [row[0] for row in rows]
        begin = time.monotonic()
        for minute in minutes:
            due = begin + self._length * (minute - minutes[0]) / max(minutes[-1] - minutes[0], 1)
            time.sleep(max(0.0, due - time.monotonic()))
            connection.execute(query("depart", "demo_arrivals"), {"day": DAY, "minute": minute})
            self.minute = minute


def prepare(db: Database) -> None:
    """Make the table and the stream, anew if they are there."""
    with db.connection() as connection:
        there = connection.execute(query("has_stream", "demo_arrivals"), {"stream": STREAM})
        if there.fetchone() == (True,):
            db.drop_stream(STREAM)
        connection.execute(query("make_departures", "demo_arrivals"))
    db.create_stream(STREAM, "late", TABLE)


@contextmanager
def worker(dsn: str) -> Iterator[None]:
    """``pgpredict worker late_now`` in a process of its own, as one would run it; it listens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pgpredict", "worker", STREAM, "--json"],
        env={**os.environ, "PGPREDICT_DSN": dsn},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for event in process.stdout:
        if json.loads(event)["event"] == "connected":
            break
    else:
        raise PgpredictError("the worker failed", why=process.communicate()[1].strip())
    try:
        yield
    finally:
        process.terminate()
        _, complaint = process.communicate()
    if process.returncode:
        raise PgpredictError("the worker failed", why=complaint.strip())


def watch(
    connection: psycopg.Connection[Any],
    arrivals: Arrivals,
    show: Callable[[int, State, list[Any]], None],
) -> State:
    """Look four times a second until every flight has a prediction.

    Args:
        connection: to look with.
        arrivals: the day, started.
        show: is called with the minute of the day, the state, and the latest predictions.

    Returns:
        The state at the end.

    Raises:
        PgpredictError: predictions do not come.
    """
    deadline = None
    while True:
        over = arrivals.over
        state = look(connection)
        show(
            arrivals.minute, state, connection.execute(query("latest", "demo_arrivals")).fetchall()
        )
        if over and state.rows == state.predictions and not state.depth:
            return state
        deadline = deadline or (time.monotonic() + PATIENCE if over else None)
        if deadline is not None and time.monotonic() > deadline:
            raise PgpredictError(
                f"{state.rows - state.predictions} flights still wait for a prediction",
                do="SELECT * FROM pgpredict.streams; SELECT * FROM pgpredict.dead_letters",
            )
        time.sleep(0.25)


def look(connection: psycopg.Connection[Any]) -> State:
    """What the table and the stream hold now."""
    with connection.cursor(row_factory=class_row(State)) as cursor:
        state = cursor.execute(query("state", "demo_arrivals")).fetchone()
    assert state is not None
    return state


def delays(connection: psycopg.Connection[Any]) -> tuple[float, float]:
    """Milliseconds until the worker had a row: half of the rows, and 99 in 100."""
    row = connection.execute(query("delays", "demo_arrivals")).fetchone()
    assert row is not None
    return float(row[0]), float(row[1])


def check(connection: psycopg.Connection[Any]) -> None:
    """Hold every prediction against what ``predict.late`` says now.

    Raises:
        GoldenRowMismatch: one differs, or is missing.
    """
    columns = SQL(", ").join(Identifier("d", name) for name in INPUTS)
    statement = SQL(query("wrong", "demo_arrivals")).format(columns=columns)
    row = connection.execute(statement).fetchone()
    if row != (0,):
        raise GoldenRowMismatch(
            f"{row and row[0]} flights have no prediction, or another than predict.late gives",
            do="report it with the output above: this is a bug in pgpredict",
        )

"""What Database gives back of streams."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Stream:
    """A stream: what it does, what waits, how fast it goes. The view ``pgpredict.streams``.

    Attributes:
        name: its name, as in ``predict.<name>_live``.
        model: name of the model that predicts.
        version: its live version; None: none is live.
        source: qualified and quoted name of the table whose rows are predicted.
        key: names of the columns that tell its rows apart.
        mode: ``queue`` or ``transaction``.
        state: ``running``, ``paused``, or ``source gone``: somebody dropped the table.
        depth: how many rows wait, those included whose prediction failed and is tried again.
        oldest_age: how long the oldest of them has waited; None: none waits.
        rate: rows a second that workers predicted in this minute and the one before.
        dead_letters: how many rows could not be predicted, and are not tried any more.
        lag: how long the oldest row of the last batch had waited; None: there was no batch yet.
        last_at: when the last batch was done.
        rows: how many rows the workers of the last day did.
        backfill: ``running`` or ``finished``; None: there was none.
        backfill_rows: how many rows it has done.
        shadows: versions that are scored beside the live one.
        level: of the triggers: ``statement`` or ``row``.
        notify: whether writers wake the worker.
        retention: how long the log keeps predictions; None: for ever; 0: there is no log.
        attempts: how often a row is tried before it is a dead letter.
        created_at: when it was created.
        created_by: by which role.
        shadow_error: why a version in the shadow could not be scored the last time; None: it
            could.
        failing: how many rows could not be predicted yet, and are tried again.
        last_error: what the database said of the last of them; None: none failed.
    """

    name: str
    model: str
    version: int | None
    source: str
    key: list[str]
    mode: str
    state: str
    depth: int
    oldest_age: timedelta | None
    rate: float
    dead_letters: int
    lag: timedelta | None
    last_at: datetime | None
    rows: int
    backfill: str | None
    backfill_rows: int
    shadows: list[int]
    level: str
    notify: bool
    retention: timedelta | None
    attempts: int
    created_at: datetime
    created_by: str
    shadow_error: str | None
    failing: int
    last_error: str | None


@dataclass(frozen=True)
class DeadLetter:
    """A row that could not be predicted. The view ``pgpredict.dead_letters``.

    Attributes:
        stream: name of the stream.
        key: the row's key: ``{"id": 17}``; the whole row where it has no such column any more.
        error: what the database said.
        sqlstate: its code for that: ``22003``.
        attempts: how often it was tried.
        first_at: when it failed first.
        last_at: when it failed last.
    """

    stream: str
    key: dict[str, Any]
    error: str
    sqlstate: str
    attempts: int
    first_at: datetime
    last_at: datetime

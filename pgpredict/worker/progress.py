"""What a worker did and how its streams stand, told once a second."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pgpredict.worker.connecting import statement
from pgpredict.worker.events import Event, Screen, StreamStatus
from pgpredict.worker.pulse import Pulse
from pgpredict.worker.schedule import Schedule

BUSY, IDLE = 1.0, 5.0
# Counting what waits reads the queues: a twentieth of the time at most.
COUNTING_SHARE = 20


class Progress:
    """Counts rows, and asks the database for the rest.

    Args:
        screen: who is told.
        pulse: where it is kept for who asks.
        schedule: the streams.
    """

    def __init__(self, screen: Screen, pulse: Pulse, schedule: Schedule) -> None:
        self.rows: Counter[str] = Counter()
        self._new: Counter[str] = Counter()
        self._held: dict[tuple[str, str], int] = {}
        self._failing: dict[str, int] = {}
        self._screen, self._pulse, self._schedule = screen, pulse, schedule
        self._told_at = time.monotonic()
        self._cost = 0.0

    def worked(self, stream: str, rows: int) -> None:
        """A batch is done."""
        self.rows[stream] += rows
        self._new[stream] += rows
        self._pulse.rows += rows

    def failing(self) -> int:
        """How many rows had failed, and were to be tried again, when it was told last."""
        return sum(self._failing.values())

    def next_at(self) -> float:
        """When to tell next."""
        every = BUSY if self._new else IDLE
        return self._told_at + max(every, COUNTING_SHARE * self._cost)

    def tell(self, connection: psycopg.Connection[Any]) -> str:
        """Count, and tell.

        Returns:
            All of it in one line.
        """
        began = time.monotonic()
        with connection.cursor(row_factory=dict_row) as cursor:
            figures = cursor.execute(statement("figures")).fetchall()
        now = time.monotonic()
        self._cost = now - began
        seconds = max(now - self._told_at, 1e-3)
        streams = [self._status(row, seconds) for row in figures if self._is_ours(row["name"])]
        for status in streams:
            self._tell_of(status, seconds)
        rate = self._new.total() / seconds
        self._told_at = now
        self._new.clear()
        self._pulse.streams = streams
        self._screen.show(streams)
        waiting = sum(status.depth for status in streams)
        dead = sum(status.dead_letters for status in streams)
        quarantined = sum(status.quarantined for status in streams)
        return (
            f"{self.rows.total():,} rows done, {rate:,.0f} rows/s, {waiting:,} waiting, "
            f"{dead:,} dead letters, {quarantined:,} in quarantine"
        )

    def _is_ours(self, name: str) -> bool:
        return name in self._schedule.streams

    def _status(self, row: dict[str, Any], seconds: float) -> StreamStatus:
        name = row["name"]
        state = "failing" if self._schedule.streams[name].trouble else row["state"]
        return StreamStatus(
            stream=name,
            state=state,
            rows=self.rows[name],
            rows_per_second=round(self._new[name] / seconds, 1),
            depth=row["depth"],
            oldest_seconds=row["oldest_seconds"],
            lag_seconds=row["lag_seconds"],
            dead_letters=row["dead_letters"],
            quarantined=row["quarantined"],
            failing=row["failing"],
            last_error=row["last_error"],
        )

    def _tell_of(self, status: StreamStatus, seconds: float) -> None:
        name = status.stream
        if self._new[name]:
            facts = {
                "stream": name,
                "rows": self._new[name],
                "seconds": round(seconds, 3),
                "rows_per_second": status.rows_per_second,
                "depth": status.depth,
                "lag_seconds": status.lag_seconds,
            }
            self._screen.tell(Event("worked", facts))
        more = status.failing - self._failing.get(name, 0)
        self._failing[name] = status.failing
        if more > 0:
            facts = {
                "stream": name,
                "new": more,
                "rows": status.failing,
                "error": status.last_error,
            }
            self._screen.tell(Event("rows_failed", facts))
        for kind, held in (
            ("dead_letters", status.dead_letters),
            ("quarantined", status.quarantined),
        ):
            more = held - self._held.get((name, kind), 0)
            self._held[name, kind] = held
            if more > 0:
                self._screen.tell(Event(kind, {"stream": name, "new": more, kind: held}))

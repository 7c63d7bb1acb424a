"""What a worker does on one connection, round after round: look, maintain, work, wait."""

from __future__ import annotations

import math
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pgpredict.errors import DatabaseError
from pgpredict.worker.connecting import reads_committed, statement
from pgpredict.worker.ear import Ear
from pgpredict.worker.events import Event
from pgpredict.worker.faults import in_words, is_lost, passes
from pgpredict.worker.schedule import WINDOW, Stream
from pgpredict.worker.shift import Shift
from pgpredict.worker.watching import watch

# A transaction may commit long after the notification that spoke for it too. So a look follows
# work quickly, and then ever more slowly: after an eighth of the time that nothing came.
SOONEST, IDLE_SHARE = 0.05, 8
# Attempts at a stream with an error that may pass, where nobody waits for the end.
ATTEMPTS_ONCE = 5
TELL_AGAIN = 60.0


class Rounds:
    """The rounds on a connection.

    Args:
        connection: in autocommit.
        ear: hears its notifications.
        shift: the orders.
        poll: seconds between looks where nothing happens.
    """

    def __init__(
        self, connection: psycopg.Connection[Any], ear: Ear, shift: Shift, poll: float
    ) -> None:
        self._connection, self._ear, self._shift, self._poll = connection, ear, shift, poll
        self._schedule = shift.schedule
        self._looked_at = -math.inf
        self._active_at = -math.inf
        # A transaction of its own says its isolation level, in two more messages to the server.
        self._needs_transaction = not reads_committed(connection)

    def run(self) -> None:
        """Go on until the shift is stopped, or with ``once`` until nothing waits.

        Raises:
            psycopg.Error: of the connection, or of what concerns all streams.
            DatabaseError: with ``once``: some streams could not be done.
        """
        while not self._shift.stop.is_set():
            self._shift.turn()
            now = time.monotonic()
            if now >= self._look_at(now):
                self._look()
            for stream in self._schedule.to_maintain(now)[:1]:
                self._maintain(stream)
            for stream in self._schedule.due(time.monotonic()):
                if not self._shift.stop.is_set():
                    self._work(stream)
            for stream in self._schedule.to_watch(time.monotonic()):
                watch(self._connection, self._shift, stream)
            if self._shift.once and self._is_done():
                self._watch_the_rest()
                self._tell()
                self._refuse_unfinished()
                return
            if time.monotonic() >= self._shift.progress.next_at():
                self._tell()
            self._wait()
        self._tell()

    def look(self) -> list[Event]:
        """See which streams there are, and which have something to do.

        Returns:
            What changed since the last look.
        """
        with self._connection.cursor(row_factory=dict_row) as cursor:
            found = cursor.execute(statement("look")).fetchall()
        self._looked_at = now = time.monotonic()
        return self._schedule.update(found, now)

    def _look(self) -> None:
        for change in self.look():
            self._shift.screen.tell(change)

    def _look_at(self, now: float) -> float:
        if self._shift.once and self._looked_at > 0:
            return math.inf
        idle = now - self._active_at
        after = self._poll if idle < WINDOW else max(SOONEST, idle / IDLE_SHARE)
        return self._looked_at + min(after, self._poll)

    def _work(self, stream: Stream) -> None:
        try:
            rows = self._taught(stream) if stream.outside else self._worked(stream)
        except Exception as error:
            # Of an estimator, or of this Python: as with the database's own, the others go on.
            self._failed(stream, error)
            return
        now = time.monotonic()
        if stream.trouble:
            self._shift.tell("recovered", stream=stream.name)
        stream.worked(rows, self._shift.batch, now)
        if rows:
            self._active_at = now
            self._shift.backoff.reset()
            self._shift.progress.worked(stream.name, rows)
        if self._shift.once:
            stream.due_at = now if rows else math.inf

    def _worked(self, stream: Stream) -> int:
        asked = {"stream": stream.name, "batch": self._shift.batch}
        with self._at_read_committed():
            row = self._connection.execute(statement("work"), asked).fetchone()
        return 0 if row is None else int(row[0])

    def _taught(self, stream: Stream) -> int:
        return self._shift.lessons.learn(self._connection, stream.name, self._shift.batch)

    def _at_read_committed(self) -> AbstractContextManager[object]:
        return self._connection.transaction() if self._needs_transaction else nullcontext()

    def _failed(self, stream: Stream, error: Exception) -> None:
        if isinstance(error, psycopg.Error) and is_lost(error, self._connection):
            raise error
        self._look()
        if stream.name not in self._schedule.streams:
            return  # it was dropped in the middle of this
        now, said = time.monotonic(), in_words(error)
        is_news = said != stream.trouble or now - stream.told_at >= TELL_AGAIN
        wait = stream.failed(said, now)
        if self._shift.once and (not passes(error) or stream.backoff.attempts >= ATTEMPTS_ONCE):
            stream.due_at = math.inf
        elif is_news:
            stream.told_at = now
            self._shift.tell(
                "failing",
                stream=stream.name,
                error=said,
                sqlstate=getattr(error, "sqlstate", None),
                retry_in_seconds=round(wait, 3),
            )

    def _maintain(self, stream: Stream) -> None:
        stream.maintained(time.monotonic())
        asked = {"stream": stream.name}
        try:
            said = self._connection.execute(statement("maintain"), asked).fetchall()
            notes = tuple(str(note) for (note,) in said)
        except psycopg.Error as error:
            if is_lost(error, self._connection):
                raise
            self._look()
            if stream.name not in self._schedule.streams:
                return
            notes = (in_words(error),)
        for note in notes:
            if note not in stream.noted:
                self._shift.tell("maintained", stream=stream.name, note=note)
        if notes:
            stream.wake(time.monotonic())
        stream.noted = notes

    def _watch_the_rest(self) -> None:
        self._look()
        for stream in self._schedule.to_watch(time.monotonic()):
            watch(self._connection, self._shift, stream)

    def _tell(self) -> None:
        line = self._shift.progress.tell(self._connection)
        self._shift.systemd.status(line)

    def _wait(self) -> None:
        now = time.monotonic()
        until = min(
            self._schedule.next_at(),
            self._look_at(now),
            self._schedule.maintain_next_at(),
            self._shift.progress.next_at(),
            now + self._shift.longest_wait(),
        )
        heard = self._ear.wait(until - now)
        if self._schedule.wake(heard, time.monotonic()):
            self._looked_at = -math.inf

    def _is_done(self) -> bool:
        nothing_due = self._schedule.next_at() == math.inf
        return nothing_due and not self._schedule.to_maintain(time.monotonic())

    def _refuse_unfinished(self) -> None:
        left = [stream for stream in self._schedule.streams.values() if stream.trouble]
        if left:
            raise DatabaseError(
                "cannot do what waits in " + ", ".join(stream.name for stream in left),
                details=tuple(f"{stream.name}: {stream.trouble}" for stream in left),
            )

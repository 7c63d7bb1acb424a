"""Worker: from the start to the end, over any number of connections."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from typing import Any

import psycopg

from pgpredict.database.refusals import refusals
from pgpredict.errors import PgpredictError, UnknownStream
from pgpredict.worker.connecting import address, check, connect, listen
from pgpredict.worker.ear import Ear
from pgpredict.worker.events import Screen, Silence
from pgpredict.worker.faults import heals, in_words
from pgpredict.worker.health import Address, serving
from pgpredict.worker.progress import Progress
from pgpredict.worker.pulse import Pulse
from pgpredict.worker.rounds import Rounds
from pgpredict.worker.schedule import Schedule
from pgpredict.worker.shift import Shift
from pgpredict.worker.stopping import announcing

# Without notifications rows are found by asking alone.
POLL_UNHEARD = 0.1
# After a connection that held so long the waits begin anew, even if nothing was to be done.
HELD = 10.0


class Worker:
    """Does what waits in the queues of streams, until it is asked to stop.

    Args:
        dsn: the database; None: ``$PGPREDICT_DSN``, else the embedded server.
        streams: names; empty: all, those too that come while it runs.
        batch: rows per transaction at most.
        poll: seconds after which to ask although nobody notified.
        once: do what waits now, then end. Rows that are to be tried again later are not waited for.
        screen: who is told what happens; None: nobody.
        health: where to answer GET /healthz; None: nowhere.
        patience: seconds that one round may take, before health says that something is stuck.

    Example:
        >>> worker = Worker("postgresql://me@host/shop", ["churn_now"])
        >>> threading.Thread(target=worker.run).start()  # doctest: +SKIP
        >>> worker.stop()
    """

    def __init__(
        self,
        dsn: str | None = None,
        streams: Sequence[str] = (),
        *,
        batch: int = 1000,
        poll: float = 0.5,
        once: bool = False,
        screen: Screen | None = None,
        health: Address | None = None,
        patience: float = 60.0,
    ) -> None:
        screen = screen or Silence()
        pulse, schedule = Pulse(patience), Schedule(streams)
        progress = Progress(screen, pulse, schedule)
        self._shift = Shift(batch, poll, once, screen, schedule, progress, pulse)
        self._dsn, self._health = dsn, health
        self._was_met = False  # whether this database ever took us
        self._told_of_polling = False

    def stop(self, reason: str = "asked to") -> None:
        """Ask it to end after the batch in hand. Safe in a signal handler and in any thread.

        Args:
            reason: is told with the event "stopping".
        """
        self._shift.stop.set(reason)

    @property
    def failing(self) -> int:
        """How many of the rows that it did failed, and will be tried again, when it looked last."""
        return self._shift.progress.failing()

    def run(self) -> int:
        """Work until `stop` is called, or with ``once`` until nothing waits.

        Returns:
            How many rows it did.

        Raises:
            NoServer: nobody answers at the start, or ever with ``once``; a connection that is lost
                later is made again.
            NoSchema, NewerSchema, NoRights: this database is none to work in.
            UnknownStream: a stream that was named is not there at the start.
            PgpredictError: the address for health cannot be used.
        """
        began, shift = time.monotonic(), self._shift
        where = address(self._dsn)
        with serving(self._health, shift.pulse) if self._health else nullcontext() as url:
            shift.tell(
                "started", pid=os.getpid(), batch=shift.batch, poll_seconds=shift.poll, health=url
            )
            with announcing(shift.stop, self._announce_end):
                while not self._is_finished(where):
                    pass
            rows = shift.progress.rows.total()
            shift.tell("stopped", rows=rows, seconds=round(time.monotonic() - began, 3))
        return rows

    def _is_finished(self, where: Callable[[], str]) -> bool:
        """Work on one connection; where it is lost, wait. Returns whether that was all."""
        shift, began = self._shift, time.monotonic()
        try:
            dsn = where()
            with closing(connect(dsn)) as connection:
                self._work(connection, dsn)
            return True
        except PgpredictError as error:
            if shift.once or not self._was_met or not heals(error):
                raise
            if time.monotonic() - began > HELD:
                shift.backoff.reset()
            wait = shift.backoff.next()
            said = in_words(error.__cause__ or error)
            shift.tell("reconnecting", error=said, retry_in_seconds=round(wait, 3))
            return self._wait(wait)
        finally:
            shift.pulse.connected = False

    def _work(self, connection: psycopg.Connection[Any], dsn: str) -> None:
        shift = self._shift
        check(connection)
        with refusals(connection), Ear(connection, shift.stop) as ear:
            # Listen first, look second: what comes between is heard.
            listening = not shift.once and listen(connection, dsn)
            poll = shift.poll if listening else min(shift.poll, POLL_UNHEARD)
            rounds = Rounds(connection, ear, shift, poll)
            changes = rounds.look()
            if self._was_met:
                for change in changes:
                    shift.screen.tell(change)
            else:
                self._refuse_unknown()
            shift.pulse.connected, shift.pulse.listening = True, listening
            self._greet(connection, listening, poll)
            rounds.run()

    def _greet(self, connection: psycopg.Connection[Any], listening: bool, poll: float) -> None:
        shift, info = self._shift, connection.info
        shift.tell(
            "connected",
            host=info.host,
            port=info.port,
            database=info.dbname,
            listening=listening,
            streams=list(shift.schedule.streams),
        )
        if not listening and not shift.once and not self._told_of_polling:
            self._told_of_polling = True
            shift.tell("polling", poll_seconds=poll)
        if not self._was_met:
            self._was_met = True
            shift.systemd.ready()

    def _announce_end(self, reason: str) -> None:
        self._shift.systemd.stopping()
        self._shift.tell("stopping", reason=reason)

    def _refuse_unknown(self) -> None:
        schedule = self._shift.schedule
        unknown = sorted(schedule.wanted.difference(schedule.there))
        if unknown:
            raise UnknownStream(
                f"there is no stream {', '.join(unknown)}",
                details=(f"streams: {', '.join(schedule.there) or 'none yet'}",),
                do="see `pgpredict stream list`",
            )

    def _wait(self, seconds: float) -> bool:
        """Wait before the next connection. Returns whether it was asked to stop."""
        until = time.monotonic() + seconds
        while not self._shift.stop.is_set() and (left := until - time.monotonic()) > 0:
            self._shift.turn()
            self._shift.stop.wait(min(left, self._shift.longest_wait()))
        return self._shift.stop.is_set()

"""Kills workers, backends and the server, at random moments while they work."""

from __future__ import annotations

import itertools
import random
import time

from tests.faults.place import OURS, Place, connect
from tests.faults.plan import Kill, Plan, Standing
from tests.faults.workers import Workers

# How long to wait for workers to do something after a kill: if nobody works, a kill tests nothing.
PATIENCE = 60
# Seconds between the work after one kill and the next kill, at most.
PAUSE = 0.6


class NobodyWorks(Exception):
    """After a kill no worker went on."""


class Killer:
    """Kills.

    Args:
        plan: how often.
        standing: how far the run is.
        place: whose server and backends.
        workers: whose processes.

    Attributes:
        DONE: the statement that counts what workers did.
    """

    DONE = "SELECT coalesce(sum(rows), 0)::bigint FROM pgpredict.worker"

    def __init__(self, plan: Plan, standing: Standing, place: Place, workers: Workers) -> None:
        self._plan = plan
        self._standing = standing
        self.place = place
        self.workers = workers
        self._choice = random.Random(f"killer of {plan.seed}")

    def run(self) -> None:
        """Kill as often as planned, each kind alike, in random order."""
        kinds = list(itertools.islice(itertools.cycle(Kill), self._plan.kills))
        self._choice.shuffle(kinds)
        done = 0
        for number, kind in enumerate(kinds, start=1):
            while self._standing.rows < self._plan.rows_before(number):
                if self._standing.over.wait(0.01):
                    return
            done = self._worked_after(done)
            if self._standing.over.wait(self._choice.uniform(0, PAUSE)):
                return
            self._kill(kind)
            self._standing.kills.append(kind)

    def _kill(self, kind: Kill) -> None:
        if kind is Kill.WORKER:
            self.workers.kill_one()
        elif kind is Kill.SERVER:
            self.place.restart()
        else:
            self._terminate()

    def _terminate(self) -> None:
        """Terminate a backend of a client or a worker; one that is at work, if there is one."""
        with connect(self.place.dsn) as connection:
            found = connection.execute(
                "SELECT pid, state <> 'idle' FROM pg_stat_activity WHERE application_name <> %s"
                " AND backend_type = 'client backend' AND datname = current_database()"
                " ORDER BY pid",
                [OURS],
            ).fetchall()
            busy = [pid for pid, works in found if works]
            if pids := busy or [pid for pid, _ in found]:
                connection.execute("SELECT pg_terminate_backend(%s)", [self._choice.choice(pids)])

    def _worked_after(self, before: int) -> int:
        """Waits until workers have done more rows than before. Returns how many in all."""
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up and not self._standing.over.is_set():
            if (done := self._done()) > before:
                return done
            time.sleep(0.02)
        if self._standing.over.is_set():
            return before
        raise NobodyWorks(f"no worker did anything for {PATIENCE} seconds after a kill")

    def _done(self) -> int:
        with connect(self.place.dsn) as connection:
            (done,) = connection.execute(self.DONE.encode()).fetchone() or (0,)
            return int(done)

"""A run: clients write, workers predict, the killer kills; at the end the judge looks at it all."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import psycopg

from tests.faults.client import Client
from tests.faults.judge import Finding, judge
from tests.faults.killer import Killer
from tests.faults.place import Place, connect, furnish, place
from tests.faults.plan import Kill, Plan, Standing
from tests.faults.workers import Workers

# How long workers may do nothing while something waits, before we say that it is lost.
PATIENCE = 60
Tell = Callable[[Standing, int, float], None]
# How many rows wait, and for how many seconds the oldest of them does.
WAITING = """
    SELECT sum(depth)::bigint, coalesce(extract(epoch FROM max(oldest_age)), 0)::float8
    FROM pgpredict.streams
"""


class Writer(Protocol):
    """A client."""

    def run(self) -> None:
        """Write until there is enough."""


@dataclass(frozen=True)
class Report:
    """What was done, and what was found.

    Attributes:
        plan: what was planned.
        seconds: how long the writing and killing took, and the draining after it.
        kills: how many of each kind there were.
        transactions: how many ended how.
        changes: what the committed ones did, in rows.
        claims: how many keys workers claimed, by stream.
        findings: the judge's; none if there was trouble before.
        troubles: what else should not have happened.
    """

    plan: Plan
    seconds: tuple[float, float]
    kills: Counter[Kill]
    transactions: Counter[str]
    changes: Counter[str]
    claims: dict[str, int]
    findings: list[Finding]
    troubles: list[str]

    @property
    def wrong(self) -> list[str]:
        """Everything that is wrong, in words; nothing: all is well."""
        return self.troubles + [
            f"{f.what}: not so: {f.question} ({f.wrong} wrong of {f.seen}, such as {f.example})"
            for f in self.findings
            if f.wrong
        ]


def run(plan: Plan, tell: Tell | None = None) -> Report:
    """Do what is planned, on a server of its own that is gone afterwards.

    Args:
        plan: how much.
        tell: told several times a second how far the run is, how many rows wait, and for how many
            seconds the oldest of them does.

    Returns:
        What was done and found.
    """
    with place(plan.version) as here:
        furnish(here.dsn, plan.clients)
        standing = Standing(inserted=[0] * plan.clients)
        clients = [
            Client(number, plan, standing, here.dsn) for number in range(1, plan.clients + 1)
        ]
        choice = random.Random(f"workers of {plan.seed}")
        workers = Workers(here.dsn, here.folder, plan.workers, choice)
        began = time.monotonic()
        try:
            killer = Killer(plan, standing, here, workers)
            write_and_kill(standing, clients, killer, tell)
            written = time.monotonic()
            if not standing.troubles:
                drain(standing, here, workers, tell)
            drained = time.monotonic()
        finally:
            if wrong := workers.stop():
                standing.trouble(wrong)
        with connect(here.dsn) as connection:
            memories = [client.memory for client in clients]
            findings = [] if standing.troubles else judge(connection, memories)
            claims = _claims(connection)
    return Report(
        plan,
        (written - began, drained - written),
        Counter(standing.kills),
        sum((client.transactions for client in clients), Counter()),
        sum((client.memory.counts for client in clients), Counter()),
        claims,
        findings,
        standing.troubles,
    )


def write_and_kill(
    standing: Standing,
    clients: Sequence[Writer],
    killer: Killer,
    tell: Tell | None,
    waiting: str = WAITING,
) -> None:
    """Let clients and killer run until both are done, or something goes wrong."""
    with ThreadPoolExecutor(len(clients) + 1) as threads:
        running = [threads.submit(client.run) for client in clients]
        running.append(threads.submit(killer.run))
        try:
            while not all(one.done() for one in running):
                _note_failures(running, standing)
                if wrong := killer.workers.tend():
                    standing.trouble(wrong)
                _tell(standing, killer.place, tell, waiting)
                standing.over.wait(0.2)
        finally:
            standing.over.set()
    _note_failures(running, standing)


def _note_failures(running: Sequence[Future[None]], standing: Standing) -> None:
    for one in running:
        if one.done() and (error := one.exception()) is not None:
            words = f"{type(error).__name__}: {error}"
            if words not in standing.troubles:
                standing.trouble(words)


def drain(
    standing: Standing, here: Place, workers: Workers, tell: Tell | None, waiting: str = WAITING
) -> None:
    """Let the workers do what waits."""
    waited, give_up = -1, time.monotonic() + PATIENCE
    while (waits := _tell(standing, here, tell, waiting)) != 0:
        if wrong := workers.tend():
            standing.trouble(wrong)
            return
        if waits != waited:
            waited, give_up = waits, time.monotonic() + PATIENCE
        if time.monotonic() > give_up:
            standing.trouble(f"{waits} rows wait, and no worker did any for {PATIENCE} seconds")
            return
        time.sleep(0.05)


def _tell(standing: Standing, here: Place, tell: Tell | None, waiting: str) -> int:
    """Say how far we are. Returns how many rows wait; -1: the server does not answer just now."""
    waits, lag = -1, 0.0
    with suppress(psycopg.OperationalError), connect(here.dsn) as connection:
        waits, lag = connection.execute(waiting.encode()).fetchone() or (-1, 0.0)
    if tell is not None:
        tell(standing, waits, lag)
    return waits


def _claims(connection: psycopg.Connection) -> dict[str, int]:
    """How many keys workers claimed, by stream."""
    found = connection.execute(
        "SELECT stream, sum(rows)::bigint FROM pgpredict.worker GROUP BY stream ORDER BY stream"
    )
    return dict(found.fetchall())

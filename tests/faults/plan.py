"""What a run of faults is to do, and how far it is."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import StrEnum


class Kill(StrEnum):
    """What can be killed, and how."""

    WORKER = "worker by SIGKILL"
    BACKEND = "backend by pg_terminate_backend"
    SERVER = "server by immediate stop"


@dataclass(frozen=True)
class Plan:
    """What to do.

    Attributes:
        rows: how many rows the clients insert, and commit, between them.
        kills: how many kills meanwhile; each kind as often as the others.
        clients: how many connections write.
        workers: how many worker processes predict.
        seed: what the choices of clients and killer follow from. When each of them comes is not
            the same in two runs.
        version: major version of Postgres.
    """

    rows: int = 100_000
    kills: int = 200
    clients: int = 4
    workers: int = 2
    seed: int = 1
    version: int = 18

    def rows_before(self, kill: int) -> int:
        """After how many rows a kill comes: they are spread over all of them."""
        return self.rows * kill // (self.kills + 1)

    def may_insert(self, kills_done: int) -> int:
        """How many rows may be there after so many kills.

        Clients do not run away from the killer: those who are too far ahead change rows that are
        there, until he is as far. So the last kill, too, meets somebody at work.
        """
        return self.rows if kills_done >= self.kills else self.rows_before(kills_done + 2)


@dataclass
class Standing:
    """How far a run is; written by its threads, read by all.

    Attributes:
        kills: what was killed, in order.
        inserted: rows that each client inserted and knows to be committed.
        troubles: what should not have happened, in words.
        over: set when clients and killer are to end, whatever they have not done yet.
    """

    inserted: list[int]
    kills: list[Kill] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def rows(self) -> int:
        """Rows inserted so far."""
        return sum(self.inserted)

    def trouble(self, words: str) -> None:
        """Note what should not have happened, and let the run end: nothing after it is worth it."""
        self.troubles.append(words)
        self.over.set()

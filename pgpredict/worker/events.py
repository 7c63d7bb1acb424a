"""What a worker tells, and to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol


@dataclass(frozen=True)
class Event:
    """Something that happened. docs/worker.md lists the names and what each of them carries.

    Attributes:
        name: such as "started", "worked", "stopped".
        facts: numbers, texts and lists; times are in seconds.
        at: when.
    """

    name: str
    facts: Mapping[str, object] = field(default_factory=dict)
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class StreamStatus:
    """How a stream stands.

    Attributes:
        stream: its name.
        state: running, paused, source gone, or failing.
        rows: how many rows this worker did since it started.
        rows_per_second: how many of late.
        depth: how many rows wait, those that are tried again included.
        oldest_seconds: how long the oldest of them has waited; None: none waits.
        lag_seconds: how long the oldest row of the last batch had waited; None: no batch yet.
        dead_letters: rows that could not be predicted.
        quarantined: rows that a learner did not learn.
        failing: rows that could not be predicted yet, and are tried again.
        last_error: of the last of these.
    """

    stream: str
    state: str
    rows: int
    rows_per_second: float
    depth: int
    oldest_seconds: float | None
    lag_seconds: float | None
    dead_letters: int
    failing: int = 0
    quarantined: int = 0
    last_error: str | None = None


class Screen(Protocol):
    """Who is told."""

    def tell(self, event: Event) -> None:
        """Hear of an event, at once."""

    def show(self, streams: Sequence[StreamStatus]) -> None:
        """Hear how the streams stand, once a second at most."""


class Silence:
    """Nobody is told."""

    def tell(self, event: Event) -> None:
        """Ignore it."""

    def show(self, streams: Sequence[StreamStatus]) -> None:
        """Ignore it."""

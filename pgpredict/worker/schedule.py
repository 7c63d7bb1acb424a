"""Which streams there are, and when each is to be asked again. Times are `time.monotonic`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pgpredict.worker.events import Event
from pgpredict.worker.faults import Backoff

# Writers notify once per 50 ms at most. Until that time is over a row may come unannounced: a
# stream that had something is asked again every 2 ms.
QUICK = 0.002
WINDOW = 0.1
MAINTAIN_EVERY = 60.0
# After so many rows the queue may be large: once it is empty, maintenance gives its disk back.
BURST = 10_000


@dataclass
class Stream:
    """A stream, and when to ask it.

    Attributes:
        name: its name.
        paused: as the database said last.
        outside: whether it is a learner that scikit-learn teaches, in this process.
        due_at: when to ask; infinity: when somebody notifies, or a look says so.
        hot_until: until when rows may come unannounced.
        maintain_at: when to maintain it next.
        backoff: how often it failed in a row.
        trouble: the error that it has now; empty: none.
        told_at: when that was told last.
        noted: what maintenance said last.
        rows_since: how many rows were done since the last maintenance.
        to_watch: whether a learner has errors that its detector was not fed.
        watch_from: not before then, after that failed.
        unwatched: why it failed; empty: it did not.
    """

    name: str
    paused: bool = False
    outside: bool = False
    due_at: float = math.inf
    hot_until: float = -math.inf
    maintain_at: float = -math.inf
    backoff: Backoff = field(default_factory=Backoff)
    trouble: str = ""
    told_at: float = -math.inf
    noted: tuple[str, ...] = ()
    rows_since: int = 0
    to_watch: bool = False
    watch_from: float = -math.inf
    unwatched: str = ""

    def wake(self, now: float) -> None:
        """Something may wait. A stream that failed keeps its time."""
        if not self.trouble:
            self.due_at = min(self.due_at, now)

    def worked(self, rows: int, batch: int, now: float) -> None:
        """It was asked, and gave that many rows.

        Example:
            >>> stream = Stream("churn_now")
            >>> stream.worked(1_000, 1_000, now=10.0); stream.due_at  # a full batch: go on
            10.0
            >>> stream.worked(0, 1_000, now=20.0); stream.due_at  # nothing for a long time
            inf
        """
        self.trouble = ""
        self.backoff.reset()
        self.rows_since += rows
        if rows > 0:
            self.hot_until = now + WINDOW
        elif self.rows_since >= BURST:
            self.maintain_at = min(self.maintain_at, now)
        if rows >= batch:
            self.due_at = now
        elif now < self.hot_until:
            self.due_at = min(now + QUICK, self.hot_until)
        else:
            self.due_at = math.inf

    def maintained(self, now: float) -> None:
        """It was maintained, or that was tried."""
        self.maintain_at = now + MAINTAIN_EVERY
        self.rows_since = 0

    def failed(self, trouble: str, now: float) -> float:
        """It raised. Returns the seconds until it is asked again."""
        self.trouble = trouble
        wait = self.backoff.next()
        self.due_at = now + wait
        return wait


class Schedule:
    """The streams that a worker serves.

    Args:
        wanted: their names; empty: all that there are.

    Attributes:
        streams: ours, by name.
        there: the names of all that the last look found.
    """

    def __init__(self, wanted: Sequence[str] = ()) -> None:
        self.wanted = frozenset(wanted)
        self.streams: dict[str, Stream] = {}
        self.there: list[str] = []

    def wants(self, name: str) -> bool:
        """Whether a stream of that name is ours."""
        return not self.wanted or name in self.wanted

    def update(self, found: Iterable[Mapping[str, Any]], now: float) -> list[Event]:
        """Take over what a look at the database found.

        Args:
            found: per stream its ``name``, and whether it is ``paused``, ``outside``, ``ready`` and
                ``to_watch``.
            now: the time.

        Returns:
            What changed: stream_added, stream_dropped, paused, resumed.
        """
        rows = {row["name"]: row for row in found}
        self.there = list(rows)
        ours = {name: row for name, row in rows.items() if self.wants(name)}
        gone = [name for name in self.streams if name not in ours]
        events = [Event("stream_dropped", {"stream": name}) for name in gone]
        for name in gone:
            del self.streams[name]
        for name, row in ours.items():
            stream = self.streams.get(name)
            if stream is None:
                stream = self.streams[name] = Stream(name, paused=row["paused"])
                events.append(Event("stream_added", {"stream": name, "paused": row["paused"]}))
            elif stream.paused != row["paused"]:
                stream.paused = row["paused"]
                events.append(Event("paused" if stream.paused else "resumed", {"stream": name}))
            stream.to_watch = row["to_watch"]
            stream.outside = row["outside"]
            if row["ready"]:
                stream.wake(now)
        return events

    def wake(self, names: Iterable[str], now: float) -> bool:
        """Streams were notified of. Returns whether one of them is new, so that a look is due."""
        new = False
        for name in names:
            stream = self.streams.get(name)
            if stream is not None:
                stream.wake(now)
            elif self.wants(name):
                new = True
        return new

    def due(self, now: float) -> list[Stream]:
        """The streams to ask now. Each is asked for one batch: none keeps the others waiting."""
        return [stream for stream in self.streams.values() if stream.due_at <= now]

    def to_maintain(self, now: float) -> list[Stream]:
        """The streams to maintain now."""
        return [stream for stream in self.streams.values() if stream.maintain_at <= now]

    def to_watch(self, now: float) -> list[Stream]:
        """The learners whose detectors to feed now."""
        return [s for s in self.streams.values() if s.to_watch and s.watch_from <= now]

    def maintain_next_at(self) -> float:
        """When the next of them is to be maintained; infinity: there is none."""
        return min((stream.maintain_at for stream in self.streams.values()), default=math.inf)

    def next_at(self) -> float:
        """When the next of them is due; infinity: none is."""
        return min((stream.due_at for stream in self.streams.values()), default=math.inf)

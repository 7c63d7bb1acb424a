"""How a worker looks: a table that moves on a terminal, a line now and then elsewhere, or JSON."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pgpredict.cli import screen

if TYPE_CHECKING:
    from pgpredict.worker import Event, Screen, StreamStatus

# Seconds between two lines about the same stream where nobody watches.
SPARSE = 60.0

COLUMNS = ("stream", "state", "rows", "rows/s", "lag", "waiting", "set aside")

# What people read of an event; events that are not here are for scripts.
SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "started": lambda e: (
        f"worker {e['pid']}: {screen.count(e['batch'], 'row')} per batch"
        + (f", health at {e['health']}" if e["health"] else "")
    ),
    "connected": lambda e: (
        f"connected to {e['host']}, port {e['port']}, database {e['database']}: "
        + (", ".join(e["streams"]) or "no streams yet")
    ),
    "polling": lambda e: (
        "notifications do not arrive here, as behind a pooler in transaction mode: "
        f"looking every {e['poll_seconds']:g} s instead"
    ),
    "stream_added": lambda e: f"{e['stream']}: a new stream",
    "stream_dropped": lambda e: f"{e['stream']}: the stream was dropped",
    "paused": lambda e: f"{e['stream']}: paused",
    "resumed": lambda e: f"{e['stream']}: resumed",
    "failing": lambda e: (
        f"{e['stream']}: {e['error']} (again in {duration(e['retry_in_seconds'])})"
    ),
    "recovered": lambda e: f"{e['stream']}: works again",
    "rows_failed": lambda e: (
        f"{e['stream']}: {screen.count(e['rows'], 'row')} failed, to be tried again: {e['error']}"
    ),
    "dead_letters": lambda e: (
        f"{e['stream']}: {screen.count(e['new'], 'dead letter')}; "
        "see pgpredict.dead_letters, pgpredict.retry_dead"
    ),
    "quarantined": lambda e: (
        f"{e['stream']}: {screen.count(e['new'], 'row')} in quarantine; see pgpredict.quarantine"
    ),
    "maintained": lambda e: f"{e['stream']}: {e['note']}",
    "drifted": lambda e: (
        f"{e['learner']}: its errors have grown ({e['action']}); see pgpredict.learner_drift"
    ),
    "unwatched": lambda e: f"{e['learner']}: its drift is not watched: {e['error']}",
    "reconnecting": lambda e: (
        f"the connection is lost: {e['error']} (again in {duration(e['retry_in_seconds'])})"
    ),
    "stopping": lambda e: f"{e['reason']}: finishing the batch in hand",
}
WARNINGS = {
    *("polling", "stream_dropped", "failing", "rows_failed", "dead_letters", "maintained"),
    *("quarantined", "reconnecting", "drifted", "unwatched"),
}


@contextmanager
def screen_for(*, json: bool) -> Iterator[Screen]:
    """The screen that fits where it is shown: events on stdout, all else on stderr."""
    if json:
        yield JsonScreen()
    elif sys.stderr.isatty():
        with LiveScreen().shown() as live:
            yield live
    else:
        yield PlainScreen()


class JsonScreen:
    """Every event as a line of JSON."""

    def __init__(self) -> None:
        self._lock = Lock()

    def tell(self, event: Event) -> None:
        """Print it."""
        facts = {"event": event.name, "at": event.at.isoformat(), **event.facts}
        with self._lock:
            screen.say(json.dumps(facts, ensure_ascii=False, allow_nan=False))
            sys.stdout.flush()

    def show(self, streams: Sequence[StreamStatus]) -> None:
        """Nothing: the events say it."""


class PlainScreen:
    """A line per event, and one per stream and minute in which something was done."""

    def __init__(self) -> None:
        self._rows: Counter[str] = Counter()
        self._said_at: dict[str, float] = {}

    def tell(self, event: Event) -> None:
        """Print it if people want to know."""
        sentence = SENTENCES.get(event.name)
        if sentence is not None:
            label = "warning" if event.name in WARNINGS else ""
            screen.complain(screen.cell(sentence(event.facts)), label=label)
        elif event.name == "worked":
            self._tell_of_work(event.facts)

    def show(self, streams: Sequence[StreamStatus]) -> None:
        """Nothing: the lines about work say it."""

    def _tell_of_work(self, facts: Mapping[str, Any]) -> None:
        stream, now = facts["stream"], time.monotonic()
        self._rows[stream] += facts["rows"]
        if now - self._said_at.get(stream, -SPARSE) >= SPARSE:
            self._said_at[stream] = now
            done = screen.count(self._rows.pop(stream), "row")
            lag = duration(facts["lag_seconds"])  # none after a backfill
            behind = f"lag {lag}, " if lag else ""
            rate = f"now {facts['rows_per_second']:,.0f} rows/s"
            screen.complain(f"{stream}: {done}, {rate}, {behind}{facts['depth']:,} waiting")


class LiveScreen:
    """A table of the streams that is redrawn once a second; events go by above it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False)

    @contextmanager
    def shown(self) -> Iterator[LiveScreen]:
        """Draw while the block runs; the last table stays."""
        with self._live:
            yield self

    def tell(self, event: Event) -> None:
        """Print it above the table if people want to know."""
        sentence = SENTENCES.get(event.name)
        if sentence is not None:
            style = "yellow" if event.name in WARNINGS else "dim"
            self._console.print(Text(screen.cell(sentence(event.facts)), style))

    def show(self, streams: Sequence[StreamStatus]) -> None:
        """Draw the table."""
        table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
        for place, column in enumerate(COLUMNS):
            table.add_column(column, justify="left" if place < 2 else "right")
        for status in streams:
            table.add_row(*cells(status))
        self._live.update(table, refresh=True)


def cells(status: StreamStatus) -> list[Text]:
    """A stream's line of the table. The lag is that of the oldest row that waits, if one does."""
    lag = status.lag_seconds if status.oldest_seconds is None else status.oldest_seconds
    set_aside = status.dead_letters + status.quarantined
    state = {"failing": "red", "source gone": "red", "paused": "yellow"}.get(status.state, "green")
    return [
        Text(status.stream),
        Text(status.state, state),
        Text(f"{status.rows:,}"),
        Text(f"{status.rows_per_second:,.0f}"),
        Text(duration(lag)),
        Text(f"{status.depth:,}"),
        Text(f"{set_aside:,}", "red" if set_aside else ""),
    ]


def duration(seconds: float | None) -> str:
    """A time as people read it.

    Example:
        >>> [duration(seconds) for seconds in (None, 0.0031, 0.25, 12.34, 125, 7_300)]
        ['', '3 ms', '250 ms', '12.3 s', '2 min', '2 h']
    """
    if seconds is None:
        return ""
    if seconds < 1:
        return f"{seconds * 1_000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3_600 else f"{seconds / 3_600:.0f} h"

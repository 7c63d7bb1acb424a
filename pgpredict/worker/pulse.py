"""Whether a worker is well. The worker's thread writes it, the threads of health read it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from pgpredict.worker.events import StreamStatus


@dataclass
class Pulse:
    """The state of a worker.

    Attributes:
        patience: seconds that a round may take.
        connected: whether it has a connection.
        listening: whether notifications arrive; False: it polls.
        rows: how many rows it did.
        streams: how the streams stand.
        turned_at: when it began its last round, by `time.monotonic`.
    """

    patience: float
    connected: bool = False
    listening: bool = False
    rows: int = 0
    streams: Sequence[StreamStatus] = ()
    turned_at: float = field(default_factory=time.monotonic)

    def turn(self) -> None:
        """A round begins."""
        self.turned_at = time.monotonic()

    def state(self) -> str:
        """One of ok, disconnected, stuck.

        Example:
            >>> Pulse(patience=60).state(), Pulse(patience=60, connected=True).state()
            ('disconnected', 'ok')
        """
        if not self.connected:
            return "disconnected"
        return "stuck" if time.monotonic() - self.turned_at > self.patience else "ok"

    def report(self) -> dict[str, object]:
        """All of it, for JSON."""
        return {
            "state": self.state(),
            "connected": self.connected,
            "listening": self.listening,
            "last_round_seconds_ago": round(time.monotonic() - self.turned_at, 3),
            "rows": self.rows,
            "streams": [asdict(stream) for stream in self.streams],
        }

"""What a worker holds from its start to its end, whatever becomes of its connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from pgpredict.worker.events import Event, Screen
from pgpredict.worker.faults import Backoff
from pgpredict.worker.progress import Progress
from pgpredict.worker.pulse import Pulse
from pgpredict.worker.schedule import Schedule
from pgpredict.worker.stopping import Stop
from pgpredict.worker.systemd import Systemd

if TYPE_CHECKING:
    from pgpredict.database.outside.learning import Lessons


@dataclass
class Shift:
    """The orders of a worker, and how far it has come.

    Attributes:
        batch: rows per transaction at most.
        poll: seconds after which to ask although nobody notified.
        once: end when nothing waits.
        screen: who is told.
        schedule: the streams.
        progress: what was done.
        pulse: whether it is well.
        stop: set by who wants it to end.
        systemd: the supervisor, if there is one.
        backoff: the waits between connections that were lost.
    """

    batch: int
    poll: float
    once: bool
    screen: Screen
    schedule: Schedule
    progress: Progress
    pulse: Pulse
    stop: Stop = field(default_factory=Stop)
    systemd: Systemd = field(default_factory=Systemd)
    backoff: Backoff = field(default_factory=Backoff)

    @cached_property
    def lessons(self) -> Lessons:
        """Teaches the learners that scikit-learn teaches; most workers need not load it."""
        from pgpredict.database.outside.learning import Lessons

        return Lessons(soon=True)

    def tell(self, name: str, **facts: object) -> None:
        """Tell of an event."""
        self.screen.tell(Event(name, facts))

    def turn(self) -> None:
        """A round begins: whoever watches over this worker knows that it lives."""
        self.pulse.turn()
        self.systemd.alive()

    def longest_wait(self) -> float:
        """Seconds after which whoever watches wants to hear of it again."""
        return min(self.pulse.patience / 2, self.systemd.every or self.pulse.patience)

"""How a worker is asked to stop: from a signal handler, or from another thread."""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread


class Stop:
    """A wish that wakes whoever waits for it, and whoever waits for something else besides.

    Example:
        >>> stop = Stop()
        >>> stop.wait(0.001)
        False
        >>> stop.set("SIGTERM")
        >>> stop.wait(60), stop.reason
        (True, 'SIGTERM')
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        self.reason = ""

    def __del__(self) -> None:
        os.close(self._read)
        os.close(self._write)

    def set(self, reason: str) -> None:
        """Ask to stop. Safe in a signal handler; once is as good as twice."""
        if not self.reason:
            self.reason = reason
            self.wake()

    def wake(self) -> None:
        """End all waits, without a wish."""
        os.write(self._write, b"!")

    def is_set(self) -> bool:
        """Whether somebody asked."""
        return bool(self.reason)

    def fileno(self) -> int:
        """Is readable once somebody asked."""
        return self._read

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until somebody asks, but not longer than that.

        Returns:
            Whether somebody asked.
        """
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.select(None if seconds is None else max(0.0, seconds))
        return self.is_set()


@contextmanager
def announcing(stop: Stop, announce: Callable[[str], None]) -> Iterator[None]:
    """Say at once that somebody asked, while the block is still busy with its last batch.

    Args:
        stop: the wish.
        announce: is called with the reason, in a thread of its own.
    """

    def wait() -> None:
        if stop.wait():
            announce(stop.reason)

    thread = Thread(target=wait, name="stopping", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.wake()
        thread.join()

"""What systemd wants to know of a service of Type=notify: see sd_notify(3)."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress


class Systemd:
    """The socket that systemd listens on; says nothing where there is none.

    Args:
        environment: with ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        # A name that begins with @ is in the abstract name space.
        self._name = f"\0{name[1:]}" if name.startswith("@") else name
        meant = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        # Half of the time that it allows, as the manual recommends.
        microseconds = environment.get("WATCHDOG_USEC", "") if meant and name else ""
        self.every = int(microseconds) / 2_000_000 if microseconds.isdigit() else None
        self._said_at = 0.0

    def ready(self) -> None:
        """The worker is connected, and begins."""
        self._say("READY=1")

    def stopping(self) -> None:
        """The worker finishes the batch in hand."""
        self._say("STOPPING=1")

    def status(self, text: str) -> None:
        """A line for ``systemctl status``."""
        self._say(f"STATUS={text}")

    def alive(self) -> None:
        """The worker's loop turns; as often as the watchdog wants to hear it."""
        now = time.monotonic()
        if self.every is not None and now - self._said_at >= self.every / 2:
            self._said_at = now
            self._say("WATCHDOG=1")

    def _say(self, text: str) -> None:
        if not self._name:
            return
        # Nobody there: a service does not fail because its supervisor cannot be told.
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as mouth:
            mouth.settimeout(1)
            mouth.sendto(text.encode(), self._name)

"""A worker as a process, and what it tells."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from queue import Empty, Queue
from threading import Thread
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

# Seconds until a test gives up on what should happen at once.
PATIENCE = 30.0


class Process:
    """``pgpredict worker --json`` with further arguments."""

    def __init__(self, *arguments: object, **environment: str) -> None:
        path = os.pathsep.join(entry for entry in sys.path if entry)
        kept = {key: value for key, value in os.environ.items() if not key.startswith("PGPREDICT")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pgpredict", "worker", "--json", *map(str, arguments)],
            env=kept | {"PYTHONPATH": path} | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._told: Queue[dict[str, Any]] = Queue()
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._told.put(json.loads(line))

    def event(self, name: str, **facts: object) -> dict[str, Any]:
        """Wait until it tells of an event with these facts; gives all of them."""
        give_up = monotonic() + PATIENCE
        while True:
            try:
                told = self._told.get(timeout=max(0.0, give_up - monotonic()))
            except Empty:
                raise AssertionError(f"no {name} among {self.events}") from None
            self.events.append(told)
            if told["event"] == name and facts.items() <= told.items():
                return told

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self) -> int:
        """Wait for its end; gives the exit code, and puts what it told in `events`."""
        code = self._process.wait(PATIENCE)
        self._reader.join()
        while not self._told.empty():
            self.events.append(self._told.get())
        return code

    def stop(self) -> int:
        """Ask it to stop; gives the exit code."""
        self.send(signal.SIGTERM)
        return self.end()

    @property
    def names(self) -> list[str]:
        """The names of the events that were told."""
        return [event["event"] for event in self.events]

    @property
    def stderr(self) -> str:
        """What it said on stderr, once it has ended."""
        assert self._process.stderr is not None
        return self._process.stderr.read()


def until(question: Callable[[], object]) -> None:
    """Ask again and again until the answer is yes."""
    give_up = monotonic() + PATIENCE
    while not question():
        assert monotonic() < give_up, f"not yet: {question}"
        sleep(0.005)

"""A process that runs beside others: started, watched, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

LAST_LINES = 15


class Ended(Exception):
    """A process ended that should run."""


class Process:
    """A program of the environment that Python runs in, and its log.

    Args:
        name: what it is called, for people.
        command: the program and its arguments.
        environment: its environment variables.
        log: the file that it writes to; written anew.
    """

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self._log = log
        program = Path(sys.executable).parent / command[0]
        with log.open("wb") as output:
            # Ctrl-C is for us, who then stop it, and what it started.
            self._process = subprocess.Popen(
                [program, *command[1:]],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def check(self) -> None:
        """See that it runs.

        Raises:
            Ended: it does not; with the end of its log.
        """
        status = self._process.poll()
        if status is not None:
            lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
            last = "\n".join(lines[-LAST_LINES:])
            raise Ended(f"{self.name} ended with status {status}\n{last}\n  log: {self._log}")

    def wait(self, ready: Callable[[], bool], patience: float) -> None:
        """Wait until something is true, which the process brings about.

        Args:
            ready: what is asked, several times a second.
            patience: seconds after which it has failed.

        Raises:
            Ended: the process ended, or it took too long.
        """
        give_up = time.monotonic() + patience
        while not ready():
            self.check()
            if time.monotonic() > give_up:
                raise Ended(f"{self.name} is not ready after {patience:g} s\n  log: {self._log}")
            time.sleep(0.2)

    def tell_to_end(self) -> None:
        """Let it begin to end."""
        if self._process.poll() is None:
            self._process.terminate()

    def ends_within(self, seconds: float) -> bool:
        """Wait until it has ended, and all that it started."""
        give_up = time.monotonic() + seconds
        while self._lives():
            if time.monotonic() > give_up:
                return False
            time.sleep(0.1)
        return True

    def _lives(self) -> bool:
        # A run may outlive the process that it is a child of.
        return self._process.poll() is None or any(
            group == self._process.pid for group in map(_group, psutil.pids())
        )

    def kill(self) -> None:
        """It, and all that it started, are gone afterwards."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _group(process: int) -> int | None:
    """The process group; None: the process has ended."""
    with suppress(ProcessLookupError, psutil.NoSuchProcess):
        if psutil.Process(process).status() != psutil.STATUS_ZOMBIE:
            return os.getpgid(process)
    return None

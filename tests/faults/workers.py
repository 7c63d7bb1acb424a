"""The worker processes of a run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

COMMAND = (sys.executable, "-m", "pgpredict", "worker")
STOP_SECONDS = 30


class Workers:
    """Processes of `pgpredict worker`, on all streams of a database.

    Args:
        dsn: the database.
        folder: for what they write.
        number: how many.
    """

    def __init__(self, dsn: str, folder: Path, number: int) -> None:
        self._environment = {
            **os.environ,
            "PGPREDICT_DSN": dsn,
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        }
        self._logs = [folder / f"worker-{n}.log" for n in range(1, number + 1)]
        self._processes = [self._start(log) for log in self._logs]

    def kill_one(self, choice: random.Random) -> None:
        """Kill one of them as the kernel does when memory is short, and start another."""
        number = choice.randrange(len(self._processes))
        self._processes[number].kill()
        self._processes[number].wait()
        self._processes[number] = self._start(self._logs[number])

    def ended(self) -> str:
        """What those who ended by themselves said last; nothing: all are at work."""
        return "".join(
            f"a worker ended by itself, with code {process.returncode}:\n{_end_of(log)}"
            for process, log in zip(self._processes, self._logs, strict=True)
            if process.poll() is not None
        )

    def stop(self) -> str:
        """Let them finish and end. Returns what went wrong; nothing: nothing did."""
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        wrong = ""
        for process, log in zip(self._processes, self._logs, strict=True):
            try:
                code = process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if code not in {0, -signal.SIGTERM}:  # the latter: before Python was awake
                wrong += f"a worker did not end well on SIGTERM, code {code}:\n{_end_of(log)}"
        return wrong

    def _start(self, log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                COMMAND,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:]) + "\n"

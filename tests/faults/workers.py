"""The worker processes of a run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from pgpredict.cli.exit_codes import ExitCode

COMMAND = (sys.executable, "-m", "pgpredict", "worker")
# Rows per transaction: much, or little, to overtake others and leave a part of an entry. Each
# process draws one.
BATCHES = (1000, 1000, 20)
STOP_SECONDS = 30
# After SIGTERM: as asked; before Python was awake; and one that had just found no server.
GOOD_ENDS = {ExitCode.DONE, -signal.SIGTERM, ExitCode.DATABASE}


class Workers:
    """Processes of `pgpredict worker`, on all streams of a database.

    Args:
        dsn: the database.
        folder: for what they write.
        number: how many.
        choice: which of them is killed, and how much each takes at once.
        batches: rows per transaction to choose from.
    """

    def __init__(
        self,
        dsn: str,
        folder: Path,
        number: int,
        choice: random.Random,
        batches: Sequence[int] = BATCHES,
    ) -> None:
        self._choice = choice
        self._batches = batches
        self._environment = {
            **os.environ,
            "PGPREDICT_DSN": dsn,
            "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        }
        self._logs = [folder / f"worker-{n}.log" for n in range(1, number + 1)]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._busy = threading.Lock()
        for worker in range(number):
            self._start(worker)

    def kill_one(self) -> None:
        """Kill one of them as the kernel does when memory is short, and start another."""
        number = self._choice.randrange(len(self._logs))
        with self._busy:
            self._processes[number].kill()
            self._processes[number].wait()
            self._start(number)

    def tend(self) -> str:
        """Start those again who found no server when they began, as systemd would.

        Returns:
            What those who ended in another way said last; nothing: there are none.
        """
        with self._busy:
            for number, process in self._processes.items():
                if process.poll() == ExitCode.DATABASE:
                    self._start(number)
                elif process.returncode is not None:
                    said = _end_of(self._logs[number])
                    return f"a worker ended by itself, with code {process.returncode}:\n{said}"
        return ""

    def stop(self) -> str:
        """Let them finish and end. Returns what went wrong; nothing: nothing did."""
        for process in self._processes.values():
            process.send_signal(signal.SIGTERM)
        wrong = ""
        for number, process in self._processes.items():
            try:
                code = process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if code not in GOOD_ENDS:
                said = _end_of(self._logs[number])
                wrong += f"a worker did not end well on SIGTERM, code {code}:\n{said}"
        return wrong

    def _start(self, number: int) -> None:
        with self._logs[number].open("ab") as output:
            self._processes[number] = subprocess.Popen(
                [*COMMAND, f"--batch={self._choice.choice(self._batches)}"],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:]) + "\n"

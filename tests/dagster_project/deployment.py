"""The deployment on this machine, as ``make dagster`` runs it, on databases of a test."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import psutil

ROOT = Path(__file__).parents[2]
# Of a machine that does other things, too.
PATIENCE = 120


@contextmanager
def running(data: str, storage: str, home: Path) -> Iterator[str]:
    """Run all of it; gives the address of the UI. Told to end, it leaves nothing behind.

    It is started as a script starts it in its background, by nohup: SIGINT and SIGHUP are ignored.

    Args:
        data: DSN of the database with the flights.
        storage: DSN of the database in which Dagster remembers.
        home: an empty folder.
    """
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "PGPREDICT_DSN": data,
        "DAGSTER_POSTGRES_URL": storage.replace("postgresql://", "postgresql+psycopg2://"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "transpiler")]),
    }
    with subprocess.Popen(
        ["sh", "-c", "trap '' INT HUP; exec \"$0\" -m dagster_project.serve", sys.executable],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as served:
        assert served.stdout is not None
        try:
            yield _address(served.stdout)
        finally:
            children = psutil.Process(served.pid).children(recursive=True)
            served.send_signal(signal.SIGTERM)
            assert served.wait(PATIENCE) == 0
            gone, left = psutil.wait_procs(children, timeout=10)
            assert (len(gone) >= 4, left) == (True, [])


def _address(said: IO[str]) -> str:
    """What is printed when everything runs."""
    found: queue.Queue[str] = queue.Queue()

    def read() -> None:
        lines = []
        for line in said:
            lines.append(line)
            if line.startswith("http://"):
                found.put(line.split()[0])
                return
        found.put("".join(lines))

    threading.Thread(target=read, daemon=True).start()
    address = found.get(timeout=PATIENCE)
    assert address.startswith("http://"), address
    return address

"""Everything on one machine: Postgres, the project, Dagster's daemon and its UI, and the worker.

    python -m dagster_project.serve --port 3000

The processes are those of a deployment (docs/dagster.md). They write their logs into
``$DAGSTER_HOME``, by default ``.dagster`` in this checkout, and end with Ctrl-C. The data are in
``$PGPREDICT_DSN``, and what Dagster remembers in ``$DAGSTER_POSTGRES_URL``; by default in two
databases of the embedded server, which goes on running.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

import pgpredict
from dagster_project import storage
from dagster_project.processes import Ended, Process
from pgpredict.errors import NoSchema, PgpredictError
from pgpredict.server import EmbeddedServer
from pgpredict.server.ports import HOST, free_port, is_free

HERE = Path(__file__).parent
ROOT = HERE.parent
# Seconds until the UI answers, on a slow machine that does other things, too.
PATIENCE = 180
# Seconds in which all processes end, if nothing is under way.
GRACE = 10


def main() -> int:
    """Start it, say where it is, and wait for Ctrl-C.

    Returns:
        0: it was told to stop; 1: it could not be started, or a process ended by itself.
    """
    parser = argparse.ArgumentParser(description="Run the reference deployment on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="address of the UI (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port of the UI (the first free one from 3000)")
    given = parser.parse_args()
    _hear_signals()
    try:
        _say("starting; in half a minute the address stands here")
        ours = storage.named() is None
        os.environ.update(_environment())
        pgpredict.connect(os.environ["PGPREDICT_DSN"]).close()
        port = _free(given.port)
        with (
            storage.held(os.environ[storage.VARIABLE]),
            _running(given.host, port, ours=ours) as processes,
        ):
            address = f"http://{given.host}:{port}"
            _say(f"{address}  (Ctrl-C to stop)")
            _say(f"a first run: {address}/asset-groups")
            _say("  Materialize all…, All, Launch backfill")
            while True:
                for process in processes:
                    process.check()
                time.sleep(0.5)
    except KeyboardInterrupt:
        _say("stopped; a Postgres of ours goes on, until: pgpredict server stop")
        return 0
    except (Ended, PgpredictError, psycopg.Error) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def _hear_signals() -> None:
    """End at SIGTERM as at Ctrl-C, and when the terminal is closed, unless that is for nohup.

    In the background of a script SIGINT is ignored, and so it would be by our processes, of which
    the code server ends its own child by it. A signal that we handle is an ordinary one to them.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.default_int_handler)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)


def _free(port: int | None) -> int:
    if port is not None and not is_free(port):
        raise PgpredictError(f"port {port} is taken", do="name another: --port 3001")
    return port or free_port(3000)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _environment() -> dict[str, str]:
    """The environment of the processes: where the data are, and what Dagster remembers."""
    return {
        "DAGSTER_HOME": str(_home()),
        "DAGSTER_CODE_PORT": str(free_port(4000)),
        "PGPREDICT_DSN": os.environ.get("PGPREDICT_DSN") or _embedded(),
        storage.VARIABLE: storage.named() or storage.beside(_embedded()),
        "PYTHONUNBUFFERED": "1",
    }


def _home() -> Path:
    """The folder of Dagster, with its settings; those of a folder that was named are kept."""
    named = os.environ.get("DAGSTER_HOME")
    home = Path(named or ROOT / ".dagster").absolute()
    home.mkdir(parents=True, exist_ok=True)
    if not (named and (home / "dagster.yaml").exists()):
        shutil.copy(HERE / "dagster.yaml", home)
    return home


def _embedded() -> str:
    status = EmbeddedServer().start()
    assert status.dsn is not None
    return status.dsn


def _have_schema() -> None:
    """Make the schema in a database without pgpredict, in which the worker would not stay."""
    with pgpredict.connect(os.environ["PGPREDICT_DSN"]) as db:
        try:
            db.models()
        except NoSchema:
            db.install()


@contextmanager
def _running(host: str, port: int, *, ours: bool) -> Iterator[list[Process]]:
    """All processes, until the block ends; the UI answers when it begins."""
    home, code = Path(os.environ["DAGSTER_HOME"]), os.environ["DAGSTER_CODE_PORT"]
    workspace = ["--workspace", str(HERE / "workspace.yaml")]
    project = ["--module-name", "dagster_project.definitions", "--working-directory", str(ROOT)]
    project += ["--location-name", "dagster_project"]
    processes: list[Process] = []

    def start(name: str, *command: str) -> Process:
        processes.append(Process(name, command, os.environ, home / f"{name}.log"))
        return processes[-1]

    try:
        served = start("code", "dagster", "code-server", "start", *project, "--port", code)
        _have_schema()
        start("worker", "pgpredict", "worker")
        storage.prepare(ours=ours)
        served.wait(lambda: _listens(HOST, int(code)), PATIENCE)
        shown = start("ui", "dagster-webserver", *workspace, "--host", host, "--port", str(port))
        start("daemon", "dagster-daemon", "run", *workspace)
        shown.wait(lambda: _listens(host, port), PATIENCE)
        yield processes
    finally:
        _stop(processes)


def _stop(processes: list[Process]) -> None:
    """Let all end by themselves, which takes as long as the runs that are under way."""
    for process in processes:
        process.tell_to_end()
    try:
        if not all(process.ends_within(GRACE) for process in processes):
            _say("a run is under way, and ends first (Ctrl-C again breaks it off)")
        for process in processes:
            process.ends_within(math.inf)
    finally:
        for process in processes:
            process.kill()


def _listens(host: str, port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((host, port)) == 0


if __name__ == "__main__":
    sys.exit(main())

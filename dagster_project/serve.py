"""Everything on one machine: Postgres, the project, Dagster's daemon and its UI.

    python -m dagster_project.serve --port 3000

The processes are those of a deployment (docs/dagster.md). They write their logs into
``$DAGSTER_HOME``, by default ``.dagster`` in this checkout, and end with Ctrl-C. The data are in
``$PGPREDICT_DSN``, and what Dagster remembers in ``$DAGSTER_POSTGRES_URL``; by default in two
databases of the embedded server, which goes on running.
"""

from __future__ import annotations

import argparse
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
from psycopg.sql import SQL, Identifier

import pgpredict
from dagster_project.processes import Ended, Process
from pgpredict.errors import PgpredictError
from pgpredict.server import EmbeddedServer
from pgpredict.server.ports import HOST, free_port, is_free

HERE = Path(__file__).parent
ROOT = HERE.parent
DATABASE = "dagster"
DRIVER = "postgresql+psycopg2"
# Seconds until the UI answers, on a slow machine that does other things, too.
PATIENCE = 180


def main() -> int:
    """Start it, say where it is, and wait for Ctrl-C.

    Returns:
        0: it was told to stop; 1: it could not be started, or a process ended by itself.
    """
    parser = argparse.ArgumentParser(description="Run the reference deployment on this machine.")
    parser.add_argument("--host", default="127.0.0.1", help="address of the UI (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port of the UI (the first free one from 3000)")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        os.environ.update(_environment())
        port = _free(given.port)
        with _running(given.host, port) as processes:
            address = f"http://{given.host}:{port}"
            _say(f"{address}  (Ctrl-C to stop)")
            _say(f"a first run: {address}/locations/dagster_project/jobs/everything")
            _say("  Materialize all…, All, Launch backfill")
            while True:
                for process in processes:
                    process.check()
                time.sleep(0.5)
    except KeyboardInterrupt:
        _say("stopped; Postgres goes on: pgpredict server stop")
        return 0
    except (Ended, PgpredictError, psycopg.Error) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1


def _free(port: int | None) -> int:
    if port is not None and not is_free(port):
        raise PgpredictError(f"port {port} is taken", do="name another: --port 3001")
    return port or free_port(3000)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _environment() -> dict[str, str]:
    """The environment of the processes: where the data are, and what Dagster remembers."""
    environment = {
        "DAGSTER_HOME": str(_home()),
        "DAGSTER_CODE_PORT": str(free_port(4000)),
        "PGPREDICT_DSN": os.environ.get("PGPREDICT_DSN") or _embedded(),
        "DAGSTER_POSTGRES_URL": os.environ.get("DAGSTER_POSTGRES_URL") or _storage(_embedded()),
        "PYTHONUNBUFFERED": "1",
    }
    scheme, _, address = environment["DAGSTER_POSTGRES_URL"].partition("://")
    if scheme != DRIVER:
        raise PgpredictError(
            f"$DAGSTER_POSTGRES_URL begins with {scheme}://",
            why="without a name SQLAlchemy takes psycopg 3, with which dagster-postgres fails",
            do=f"let it begin with {DRIVER}://",
        )
    for dsn in (environment["PGPREDICT_DSN"], f"postgresql://{address}"):
        pgpredict.connect(dsn).close()
    return environment


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


def _storage(dsn: str) -> str:
    """The URL of Dagster's own database on a server; it is made if it is not there."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
        if found.fetchone() is None:
            connection.execute(SQL("CREATE DATABASE {}").format(Identifier(DATABASE)))
    address = dsn.removeprefix("postgresql://").rpartition("/")[0]
    return f"{DRIVER}://{address}/{DATABASE}"


@contextmanager
def _running(host: str, port: int) -> Iterator[list[Process]]:
    """The three processes, until the block ends; the UI answers when it begins."""
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
        _make_tables()
        served.wait(lambda: _listens(HOST, int(code)), PATIENCE)
        shown = start("ui", "dagster-webserver", *workspace, "--host", host, "--port", str(port))
        start("daemon", "dagster-daemon", "run", *workspace)
        shown.wait(lambda: _listens(host, port), PATIENCE)
        yield processes
    finally:
        for process in processes:
            process.tell_to_end()
        for process in processes:
            process.stop()


def _make_tables() -> None:
    """Make Dagster's tables before two processes do so at once."""
    import dagster as dg

    dg.DagsterInstance.get().dispose()


def _listens(host: str, port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex((host, port)) == 0


if __name__ == "__main__":
    sys.exit(main())

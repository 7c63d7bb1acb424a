"""The server process: is it alive, start it, stop it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from pgpredict.server.folder import ServerFolder
from pgpredict.server.ports import HOST
from pgpredict.server.programs import Programs

# Recovery after a kill can take as long as it takes to replay the log since the last checkpoint.
START_SECONDS = 120
STOP_SECONDS = 60


@dataclass(frozen=True)
class Postmaster:
    """A server process that is alive.

    Attributes:
        pid: its process id.
        port: the port that it listens on.
    """

    pid: int
    port: int


def find(data: Path) -> Postmaster | None:
    """The server process of a data folder.

    Its file alone does not tell: after a kill or a crash of the machine another process may have
    the process id that is written there.

    Args:
        data: the data folder.

    Returns:
        The process, or None if there is none.

    Raises:
        PermissionError: the data folder is closed to the caller.
    """
    try:
        pid, _, _, port = (data / "postmaster.pid").read_text().splitlines()[:4]
        alive = _works_in(psutil.Process(int(pid)), data)
        return Postmaster(int(pid), int(port)) if alive else None
    except (FileNotFoundError, NotADirectoryError, ValueError, psutil.NoSuchProcess):
        return None


def forget(data: Path) -> None:
    """Remove what a killed server left behind, if Postgres would not.

    Postgres takes a process that has the old process id for a server, and does not start. Otherwise
    the file stays: by it Postgres finds out whether children of the killed server still write.

    Args:
        data: the data folder, of which the caller knows that no server process is alive.
    """
    file = data / "postmaster.pid"
    if not file.exists():
        return
    pid = int(file.read_text().splitlines()[0])
    if psutil.pid_exists(pid) and not any(_works_in(one, data) for one in psutil.process_iter()):
        file.unlink()


def _works_in(process: psutil.Process, data: Path) -> bool:
    try:
        return Path(process.cwd()) == data.resolve()
    except psutil.Error:
        return False


def start(
    folder: ServerFolder, programs: Programs, port: int, settings: Mapping[str, str]
) -> list[str]:
    """Start the server and wait until it takes connections.

    It is detached: it outlives the process that started it.

    Args:
        folder: the server's folder, with data.
        programs: the Postgres programs.
        port: the port to listen on.
        settings: configuration for this run alone.

    Returns:
        Nothing if it runs, else the last lines of its log.
    """
    sockets = str(folder.make_socket_folder(programs.account)).replace('"', '""')
    ours = {
        "listen_addresses": HOST,
        "port": str(port),
        "unix_socket_directories": f'"{sockets}"',
    }
    options = [
        f"-c {shlex.quote(f'{name}={value}')}" for name, value in ({**settings, **ours}).items()
    ]
    _open_log(folder.log, programs)
    begin = folder.log.stat().st_size
    started = programs.run(
        "pg_ctl",
        "start",
        "--wait",
        f"--timeout={START_SECONDS}",
        f"--pgdata={folder.data}",
        f"--log={folder.log}",
        f"--options={' '.join(options)}",
    )
    if started.code == 0:
        return []
    with folder.log.open("rb") as log:
        log.seek(begin)
        said = log.read().decode(errors="replace").splitlines()
    return said[-10:] or started.output.splitlines()


def stop(folder: ServerFolder, programs: Programs) -> bool:
    """Stop the server: end its sessions, roll their transactions back, write everything out.

    Returns:
        Whether it ended within a minute.
    """
    arguments = ("--wait", f"--timeout={STOP_SECONDS}", f"--pgdata={folder.data}")
    return programs.run("pg_ctl", "stop", "--mode=fast", *arguments).code == 0


def _open_log(log: Path, programs: Programs) -> None:
    """Make the log for the server's user; a long one is put aside."""
    if log.exists() and log.stat().st_size > 10_000_000:
        log.replace(log.with_suffix(".log.old"))
    if not log.exists():
        log.touch(mode=0o600)
        programs.account.own(log)

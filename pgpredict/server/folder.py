"""The folder of an embedded server: what lies where, and who may read it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pgpredict.errors import NoServer
from pgpredict.server.account import Account
from pgpredict.server.programs import not_installed

ROOT_HOME = Path("/var/lib/pgpredict")
# The longest path of a Unix socket, without its closing zero byte.
SOCKET_PATH_BYTES = 103 if sys.platform == "darwin" else 107


def default_path() -> Path:
    """The folder of the server when no other is named.

    Returns:
        ``server`` in ``$PGPREDICT_HOME``, else in the user's folder for data. root's own is closed
        to the system user that runs the server, so root's server lives in ``/var/lib/pgpredict``.

    Raises:
        NoServer: the extra ``embedded`` is not installed, which knows where that folder is.
    """
    if home := os.environ.get("PGPREDICT_HOME"):
        return Path(home).expanduser().absolute() / "server"
    if os.geteuid() == 0:
        return ROOT_HOME
    try:
        from platformdirs import user_data_path
    except ImportError:
        raise not_installed() from None
    return user_data_path("pgpredict", appauthor=False) / "server"


class ServerFolder:
    """Names everything in the folder of a server.

    Args:
        path: the folder; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data = path / "data"
        self.log = path / "server.log"
        self._password = path / "password"
        self._port = path / "port"
        self._lock = path / "lock"

    @property
    def version(self) -> int | None:
        """Major version of the Postgres that made the data; None if there are none."""
        return _number(self.data / "PG_VERSION")

    @property
    def port(self) -> int | None:
        """The port that was used last; None if the server never ran."""
        return _number(self._port)

    @port.setter
    def port(self, port: int) -> None:
        self._port.write_text(f"{port}\n")

    @property
    def password(self) -> str | None:
        """The password of the server's user; None if the server never ran."""
        try:
            return self._password.read_text().strip()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unusable(self.path, error) from error

    def make_password(self) -> str:
        """The password; a new one is written to a file that only the caller can read."""
        if known := self.password:
            return known
        password = secrets.token_urlsafe(24)
        self._password.touch(mode=0o600)
        self._password.chmod(0o600)
        self._password.write_text(f"{password}\n")
        return password

    def prepare(self) -> None:
        """Make the folder if it is not there.

        Raises:
            NoServer: it cannot be made, or the caller may not write in it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.path, error) from error
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise _unusable(self.path, PermissionError())

    def open_to(self, account: Account) -> None:
        """Let the server's user pass through the folder, which stays closed to reading.

        Raises:
            NoServer: a folder above is closed to that user.
        """
        if account.uid == os.geteuid():
            return
        self.path.chmod(self.path.stat().st_mode | 0o111)
        if not account.can_enter(self.path):
            raise NoServer(
                f"the system user {account.name} cannot enter {self.path}",
                why="Postgres refuses to run as root, so that user runs it",
                do="choose another folder by $PGPREDICT_HOME, such as /var/lib/pgpredict",
            )

    def make_socket_folder(self, account: Account) -> Path:
        """An empty folder for the socket, which only the server's user can enter.

        Args:
            account: who runs the server.

        Returns:
            The folder. A path that is too long for a socket is replaced by one under ``/tmp``.

        Raises:
            NoServer: somebody else made that folder under ``/tmp``.
        """
        folder = self.socket_folder
        try:
            folder.mkdir(mode=0o700)
            account.own(folder)
        except FileExistsError:
            if folder.is_symlink() or folder.stat().st_uid != account.uid:
                raise NoServer(
                    f"{folder} does not belong to {account.name}", do=f"remove {folder}"
                ) from None
        for leftover in folder.glob(".s.PGSQL.*"):
            leftover.unlink()
        return folder

    def remove_socket_folder(self) -> None:
        """Remove the folder of the socket, which a server that stopped leaves empty."""
        with suppress(OSError):
            self.socket_folder.rmdir()

    @property
    def socket_folder(self) -> Path:
        """Where the socket is while the server runs."""
        beside_data = self.path / "socket"
        if len(os.fsencode(beside_data / ".s.PGSQL.65535.lock")) <= SOCKET_PATH_BYTES:
            return beside_data
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"pgpredict-{digest}"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder: another process that asks for it waits."""
        with self._lock.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    except OSError as error:
        raise _unusable(file.parent, error) from error


def _unusable(path: Path, error: OSError) -> NoServer:
    closed = isinstance(error, PermissionError)
    return NoServer(
        f"cannot use the folder {path}",
        why="you have no right to read and write there"
        if closed
        else (error.strerror or "").lower(),
        do="choose another by $PGPREDICT_HOME, or run as its owner",
    )

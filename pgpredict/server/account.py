"""The system user that the server runs as.

Postgres refuses to run as root. An ordinary user runs it as himself; root hands it to a system user
that owns nothing but the data.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from pgpredict.errors import NoServer

SYSTEM_USER = "pgpredict"


class Identity(TypedDict, total=False):
    """The arguments of `subprocess.run` that make a child run as somebody else."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A system user.

    Attributes:
        name: its name.
        uid: its user id.
        gid: its group id.
    """

    name: str
    uid: int
    gid: int

    def become(self) -> Identity:
        """What `subprocess.run` needs to run a child as this user; nothing if we are that user."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a file or folder to this user."""
        if self.uid != os.geteuid():
            os.chown(path, self.uid, self.gid)

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can reach what lies in a folder."""
        try:
            command = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
            entered = subprocess.run(
                command, cwd="/", stderr=subprocess.DEVNULL, check=False, **self.become()
            )
        except PermissionError:
            return False
        return entered.returncode == 0


def server_account(data: Path) -> Account:
    """The user that a server with this data folder runs as.

    Args:
        data: the data folder; it need not exist.

    Returns:
        For an ordinary user, himself. For root, the owner of the data; of new data a system user,
        which is made if it does not exist.

    Raises:
        NoServer: root cannot make the system user.
    """
    if os.geteuid() != 0:
        return _account(pwd.getpwuid(os.geteuid()))
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return _account(pwd.getpwuid(owner))
    return _account(_system_user())


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        made = _add_system_user()
    try:
        # Another process may have made it in the meantime: only its absence is a failure.
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise NoServer(
            f"cannot make the system user {SYSTEM_USER}",
            why=f"Postgres refuses to run as root, so it needs another user; {made}",
            do=f"add the user {SYSTEM_USER}, or start the server as an ordinary user",
        ) from None


def _add_system_user() -> str:
    """Add the system user; says what went wrong, if something did."""
    useradd = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if useradd is None:
        return "there is no useradd on this machine"
    arguments = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command = [useradd, *arguments, "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    return finished.stderr.strip()

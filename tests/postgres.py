"""The Postgres servers of a test run, and the databases of its tests.

One server of each version per run, started by the first test that needs it, shared by all xdist
workers, stopped when the run ends. The tests' user is no superuser: like the one that managed
Postgres hands out he owns his database and may make roles.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
from psycopg.sql import SQL, Identifier, Literal

from pgpredict.errors import NoServer
from pgpredict.server import VERSIONS, EmbeddedServer

# Names another server, on which all tests run, once; see tests/conftest.py.
TEST_DSN = os.environ.get("PGPREDICT_TEST_DSN")
# What the servers of a run are called.
EVERY = ["dsn"] if TEST_DSN else [str(version) for version in VERSIONS]

# Handed down to the xdist workers, which are children of the process that holds the run.
FOLDER = "PGPREDICT_TEST_FOLDER"
PASSWORD = "PGPREDICT_TEST_PASSWORD"
PREFIX = "pgpredict-tests-"
# Tests create and drop databases all the time, and nobody mourns the data.
FORGETFUL = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "max_prepared_transactions": "20",
    "max_wal_size": "1GB",
    "shared_buffers": "128MB",
    "synchronous_commit": "off",
    "wal_level": "logical",
}


@dataclass(frozen=True)
class Server:
    """A server for tests.

    Attributes:
        name: what it is called in the ids of tests.
        admin_dsn: how its administrator connects.
        owner: the role that owns new databases; None: the administrator himself.
    """

    name: str
    admin_dsn: str
    owner: str | None = None

    def dsn(self, database: str) -> str:
        """How the owner of a database connects to it."""
        return with_database(self.admin_dsn, database, self.owner)

    def dsn_of_admin(self, database: str) -> str:
        """How the administrator connects to a database."""
        return with_database(self.admin_dsn, database)


def with_database(dsn: str, database: str, owner: str | None = None) -> str:
    """The same server, another database, and the test owner as user if asked for."""
    parts = urlsplit(dsn)
    netloc = parts.netloc
    if owner:
        netloc = f"{owner}:{os.environ[PASSWORD]}@{netloc.rpartition('@')[2]}"
    return urlunsplit(parts._replace(netloc=netloc, path=f"/{database}"))


def begin_run() -> None:
    """Choose the folder for the servers of this run; remove those of runs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        run = folder.name.removeprefix(PREFIX)
        if run.isdigit() and not psutil.pid_exists(int(run)):
            with suppress(PermissionError, NoServer):  # another user's; he will
                _remove(folder)
    folder = Path(tempfile.gettempdir()) / f"{PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o711, exist_ok=True)
    os.environ[FOLDER] = str(folder)
    os.environ[PASSWORD] = secrets.token_urlsafe(16)


def end_run(dsn: str | None) -> None:
    """Stop the servers of this run and remove their folder; remove its role from a named server."""
    if dsn:
        with psycopg.connect(dsn) as admin:
            admin.execute(SQL("DROP ROLE IF EXISTS {}").format(Identifier(_owner())))
    _remove(Path(os.environ.pop(FOLDER)))


def _remove(folder: Path) -> None:
    for home in folder.iterdir():
        EmbeddedServer(home).stop()
    shutil.rmtree(folder)


def start(version: int) -> Server:
    """Start the run's server of a version, or find it running."""
    home = Path(os.environ[FOLDER]) / str(version)
    dsn = EmbeddedServer(home, version, settings=FORGETFUL).start().dsn
    assert dsn is not None
    return named(str(version), dsn)


def named(name: str, dsn: str) -> Server:
    """A server by the DSN of its administrator.

    A superuser makes an ordinary role for the run, which owns the databases; anybody else owns them
    himself.
    """
    with psycopg.connect(dsn) as admin:
        admin.execute("SELECT pg_advisory_xact_lock(1)")  # workers come at the same time
        superuser, made = admin.execute(
            "SELECT bool_or(rolsuper AND rolname = current_user), bool_or(rolname = %s) "
            "FROM pg_roles",
            [_owner()],
        ).fetchone() or (False, False)
        if superuser and not made:
            _make_owner(admin)
    return Server(name, dsn, _owner() if superuser else None)


def _owner() -> str:
    """The role of this run: two runs may use a named server at the same time."""
    return f"pgpredict_test_owner_{Path(os.environ[FOLDER]).name.removeprefix(PREFIX)}"


def _make_owner(admin: psycopg.Connection) -> None:
    create = SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}")
    admin.execute(create.format(Identifier(_owner()), Literal(os.environ[PASSWORD])))
    if admin.info.server_version >= 160000:
        # He may act as the roles that he makes, as everywhere before.
        may_act = SQL("ALTER ROLE {} SET createrole_self_grant = 'set, inherit'")
        admin.execute(may_act.format(Identifier(_owner())))


@contextmanager
def fresh_database(server: Server, name: str, template: str = "template0") -> Iterator[str]:
    """A database for one test, dropped afterwards; gives the DSN of its owner."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        owner = Identifier(server.owner or admin.info.user)
        create = SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}")
        admin.execute(create.format(Identifier(name), Identifier(template), owner))
        try:
            yield server.dsn(name)
        finally:
            admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))

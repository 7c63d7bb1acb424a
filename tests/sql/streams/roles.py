"""Roles for a test: they may log in, and nothing else until somebody grants it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg.sql import SQL, Identifier

from tests.sql.streams.asking import Connection

PASSWORD = "of-a-role-of-one-test"


class Roles:
    """Makes roles, and connects as them to the database of the test.

    Attributes:
        admin: the administrator, in that database.
    """

    def __init__(self, dsn: str, admin: Connection, until_the_end: ExitStack) -> None:
        self.admin = admin
        self._dsn = urlsplit(dsn)
        self._until_the_end = until_the_end

    def make(self, name: str) -> str:
        """A new role; returns its name, which is its own in the whole server."""
        name = f"{name}_{os.getpid()}"
        role = Identifier(name)
        self.admin.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, PASSWORD))
        drop = SQL("DROP OWNED BY {0} CASCADE; DROP ROLE {0}").format(role)
        self._until_the_end.callback(self.admin.execute, drop)
        return name

    def connect(self, role: str) -> Connection:
        """A connection of a role, autocommit; closed when the test ends."""
        place = f"{role}:{PASSWORD}@{self._dsn.netloc.rpartition('@')[2]}"
        dsn = urlunsplit(self._dsn._replace(netloc=place))
        connection = psycopg.connect(dsn, autocommit=True)
        self._until_the_end.callback(connection.close)
        return connection


@contextmanager
def some_roles(dsn: str, admin_dsn: str) -> Iterator[Roles]:
    """Gives the maker of roles for the database of `dsn`; drops them when the test ends."""
    here = urlunsplit(urlsplit(admin_dsn)._replace(path=urlsplit(dsn).path))
    with psycopg.connect(here, autocommit=True) as admin, ExitStack() as until_the_end:
        yield Roles(dsn, admin, until_the_end)

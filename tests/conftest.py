"""Fixtures that every test may ask for.

    dsn                a fresh, empty database on Postgres 18; its user owns it and is no superuser
    admin_dsn          the same database, as superuser
    connection         a psycopg connection to `dsn`
    every_dsn          like `dsn`, but the test runs once per Postgres version
    every_connection   a psycopg connection to `every_dsn`
    installed_dsn      a fresh database in which pgpredict is installed
    db                 `pgpredict.connect(installed_dsn)`
    server, servers    the server of `every_dsn`; any server by version

`PGPREDICT_TEST_DSN` (a URL) names another server, whose user may create databases; then every test
runs there, once.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from functools import cache

import psycopg
import pytest

import pgpredict
from pgpredict.server import VERSIONS
from tests import postgres
from tests.postgres import Server, fresh_database

TEST_DSN = os.environ.get("PGPREDICT_TEST_DSN")
EVERY = ["dsn"] if TEST_DSN else [str(version) for version in VERSIONS]
_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.begin_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.end_run()


@pytest.fixture(scope="session")
def servers() -> Callable[[str], Server]:
    """Gives the server that is called '18', '16' or 'dsn', started at first use."""

    @cache
    def server(name: str) -> Server:
        return Server(name, TEST_DSN) if TEST_DSN else postgres.start(int(name))

    return server


@pytest.fixture(scope="session", params=EVERY)
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """Each server in turn."""
    return servers(request.param)


@pytest.fixture
def dsn(servers: Callable[[str], Server]) -> Iterator[str]:
    with fresh_database(servers(EVERY[0]), _fresh_name()) as dsn:
        yield dsn


@pytest.fixture
def admin_dsn(dsn: str, servers: Callable[[str], Server]) -> str:
    return servers(EVERY[0]).dsn_of_admin(dsn.rpartition("/")[2])


@pytest.fixture
def connection(dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn) as connection:
        yield connection


@pytest.fixture
def every_dsn(server: Server) -> Iterator[str]:
    with fresh_database(server, _fresh_name()) as dsn:
        yield dsn


@pytest.fixture
def every_connection(every_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(every_dsn) as connection:
        yield connection


@pytest.fixture(scope="session")
def template(servers: Callable[[str], Server]) -> Iterator[str]:
    """A database with pgpredict installed: copying it is faster than installing again."""
    with fresh_database(servers(EVERY[0]), _fresh_name()) as dsn:
        pgpredict.connect(dsn).install()
        yield dsn.rpartition("/")[2]


@pytest.fixture
def installed_dsn(template: str, servers: Callable[[str], Server]) -> Iterator[str]:
    with fresh_database(servers(EVERY[0]), _fresh_name(), template) as dsn:
        yield dsn


@pytest.fixture
def db(installed_dsn: str) -> pgpredict.Database:
    return pgpredict.connect(installed_dsn)


def _fresh_name() -> str:
    return f"pgpredict_test_{os.getpid()}_{next(_numbers)}"

"""Fixtures that every test may ask for.

    dsn             a fresh, empty database on Postgres 18; its user owns it and is no superuser
    admin_dsn       the same database, as superuser
    connection      a psycopg connection to `dsn`
    installed_dsn   a fresh database in which pgpredict is installed
    db              `pgpredict.connect(installed_dsn)`

`every_dsn`, `every_connection`, `every_installed_dsn` and `every_db` are the same for tests that
run once per Postgres version; `server` is their server.

`PGPREDICT_TEST_DSN` (a URL) names another server, whose user is a superuser or may create databases
and roles; then every test runs there, once.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import psycopg
import pytest

import pgpredict
from tests import postgres
from tests.postgres import EVERY, TEST_DSN, Server, fresh_database

# Says what was compared when an assertion in there does not hold. Tests of other folders ask, too:
# it has to be said before the first of them is read.
pytest.register_assert_rewrite("tests.sql.streams.asking")

_numbers = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.begin_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        postgres.end_run(TEST_DSN)


@pytest.fixture(scope="session")
def servers() -> Callable[[str], Server]:
    """Gives the server that is called '18', '16' or 'dsn', started at first use."""

    @cache
    def server(name: str) -> Server:
        return postgres.named(name, TEST_DSN) if TEST_DSN else postgres.start(int(name))

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
def template() -> Iterator[Callable[[Server], str]]:
    """Gives a database with pgpredict installed: a copy is faster than another install."""
    with ExitStack() as until_the_end:

        @cache
        def installed(server: Server) -> str:
            dsn = until_the_end.enter_context(fresh_database(server, _fresh_name()))
            with pgpredict.connect(dsn) as db:
                db.install()
            return dsn.rpartition("/")[2]

        yield installed


@pytest.fixture
def installed_dsn(
    template: Callable[[Server], str], servers: Callable[[str], Server]
) -> Iterator[str]:
    server = servers(EVERY[0])
    with fresh_database(server, _fresh_name(), template(server)) as dsn:
        yield dsn


@pytest.fixture
def every_installed_dsn(template: Callable[[Server], str], server: Server) -> Iterator[str]:
    with fresh_database(server, _fresh_name(), template(server)) as dsn:
        yield dsn


@pytest.fixture
def db(installed_dsn: str) -> Iterator[pgpredict.Database]:
    with pgpredict.connect(installed_dsn) as db:
        yield db


@pytest.fixture
def every_db(every_installed_dsn: str) -> Iterator[pgpredict.Database]:
    with pgpredict.connect(every_installed_dsn) as db:
        yield db


def _fresh_name() -> str:
    return f"pgpredict_test_{os.getpid()}_{next(_numbers)}"

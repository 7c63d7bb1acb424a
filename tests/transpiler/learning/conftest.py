"""A database that the tests of learners share; each test leaves it as it was."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.postgres import EVERY, Server, fresh_database


@pytest.fixture(scope="session")
def workbench(servers: Callable[[str], Server]) -> Iterator[psycopg.Connection]:
    name = f"pgpredict_test_{os.getpid()}_learning"
    with (
        fresh_database(servers(EVERY[0]), name) as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        yield connection


@pytest.fixture
def connection(workbench: psycopg.Connection) -> Iterator[psycopg.Connection]:
    with workbench.transaction(force_rollback=True):
        yield workbench

"""A shop with customers, a model of their churn, and workers.

shop         a connection in autocommit to a database with the table and the model
dsn          how its owner connects
new_stream   creates a stream of the customers, by name
start        starts `pgpredict worker --json` as a process; it is killed when the test ends
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import psycopg
import pytest

import pgpredict
from tests.pgpredict.database.models import CUSTOMERS, churn, customers
from tests.pgpredict.worker.processes import Process
from tests.postgres import Server, fresh_database

_numbers = itertools.count(1)

Shop = psycopg.Connection[Any]


@pytest.fixture(scope="session")
def template(template: Callable[[Server], str]) -> Iterator[Callable[[Server], str]]:
    with ExitStack() as until_the_end:

        @cache
        def deployed(server: Server) -> str:
            name = f"pgpredict_test_worker_{os.getpid()}_{next(_numbers)}"
            dsn = until_the_end.enter_context(fresh_database(server, name, template(server)))
            open_shop(dsn)
            return name

        yield deployed


def open_shop(dsn: str) -> None:
    """Put the table and the model into a database, and pgpredict if it is not there."""
    with pgpredict.connect(dsn) as db:
        db.install()
        with db.connection() as connection:
            connection.execute(CUSTOMERS)
        db.deploy("churn", churn(), customers(), source="customers")


@pytest.fixture
def dsn(installed_dsn: str) -> str:
    return installed_dsn


@pytest.fixture
def shop(dsn: str) -> Iterator[Shop]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def new_stream(shop: Shop) -> Callable[..., str]:
    def create(name: str = "s", **options: object) -> str:
        given = "".join(f", {option} => %({option})s" for option in options)
        shop.execute(
            f"SELECT pgpredict.create_stream('{name}', 'churn', 'customers'{given})".encode(),
            options,
        )
        return name

    return create


@pytest.fixture
def start(dsn: str) -> Iterator[Callable[..., Process]]:
    with ExitStack() as until_the_end:

        def start(*arguments: object, dsn: str = dsn) -> Process:
            return until_the_end.enter_context(Process("--dsn", dsn, *arguments))

        yield start

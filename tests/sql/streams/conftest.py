"""Databases with a table of payments and a model of their risk: v1 is live, v2 is not.

    db, every_db    as everywhere (tests/conftest.py), with that in them
    connection      autocommit, to the database of `db`: each statement is a transaction
    another         gives further connections; they are closed when the test ends
    stream          the stream `s` of the table, in each of its two modes (`mode`)

A module whose tests run on every Postgres says so with its own `installed_dsn`, which gives
`every_installed_dsn`.
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
from tests.postgres import Server, fresh_database
from tests.sql.streams.models import PAYMENTS, payments, risk

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def template(template: Callable[[Server], str]) -> Iterator[Callable[[Server], str]]:
    """Gives a database with the table and the model: a copy is faster than another deploy."""
    with ExitStack() as until_the_end:

        @cache
        def deployed(server: Server) -> str:
            name = f"pgpredict_test_streams_{os.getpid()}_{next(_numbers)}"
            dsn = until_the_end.enter_context(fresh_database(server, name, template(server)))
            with pgpredict.connect(dsn) as db:
                with db.connection() as connection:
                    connection.execute(PAYMENTS)
                db.deploy("risk", risk(), payments(), source="payments")
                db.deploy("risk", risk(turned=True), payments())
            return name

        yield deployed


@pytest.fixture
def another(installed_dsn: str) -> Iterator[Callable[[], psycopg.Connection[Any]]]:
    with ExitStack() as until_the_end:
        yield lambda: until_the_end.enter_context(psycopg.connect(installed_dsn, autocommit=True))


@pytest.fixture
def connection(another: Callable[[], psycopg.Connection[Any]]) -> psycopg.Connection[Any]:
    return another()


@pytest.fixture(params=["queue", "transaction"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stream(connection: psycopg.Connection[Any], mode: str) -> str:
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s)", [mode]
    )
    return "s"

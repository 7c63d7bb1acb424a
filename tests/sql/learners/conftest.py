"""Databases with a table of payments, some of them frauds, for learners.

db, every_db    as everywhere (tests/conftest.py), with that in them
connection      autocommit, to the database of `db`: each statement is a transaction
another         gives further connections; they are closed when the test ends
fraud           the learner `fraud` of the table: log loss on its two features
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
from tests.sql.learners.payments import PAYMENTS, create

# Says what was compared when an assertion in there does not hold.
pytest.register_assert_rewrite("tests.sql.learners.asking")

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def template(template: Callable[[Server], str]) -> Iterator[Callable[[Server], str]]:
    """Gives a database with the table: a copy is faster than another install."""
    with ExitStack() as until_the_end:

        @cache
        def with_table(server: Server) -> str:
            name = f"pgpredict_test_learners_{os.getpid()}_{next(_numbers)}"
            dsn = until_the_end.enter_context(fresh_database(server, name, template(server)))
            with psycopg.connect(dsn) as connection:
                connection.execute(PAYMENTS)
            return name

        yield with_table


@pytest.fixture
def another(installed_dsn: str) -> Iterator[Callable[[], psycopg.Connection[Any]]]:
    with ExitStack() as until_the_end:
        yield lambda: until_the_end.enter_context(psycopg.connect(installed_dsn, autocommit=True))


@pytest.fixture
def connection(another: Callable[[], psycopg.Connection[Any]]) -> psycopg.Connection[Any]:
    return another()


@pytest.fixture
def fraud(db: pgpredict.Database) -> str:
    create(db)
    return "fraud"

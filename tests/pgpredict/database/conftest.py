"""A connection beside `db`, in a database with a table of customers; and a model `returns`."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

import pgpredict
from tests.pgpredict.database.models import CUSTOMERS
from tests.pgpredict.database.visits import TABLE, returns, visits


@pytest.fixture
def connection(installed_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(CUSTOMERS)
        yield connection


@pytest.fixture
def visited(db: pgpredict.Database, connection: psycopg.Connection) -> pgpredict.Database:
    """A deployed model `returns`, and an empty table "Visits" that fits it."""
    sample = visits()
    db.deploy("returns", returns(sample), sample)
    connection.execute(TABLE)
    return db

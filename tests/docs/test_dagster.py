"""docs/dagster.md names every attribute and setting, and its example runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import yaml
from dagster.components.testing import create_defs_folder_sandbox

from pgpredict.dagster import ServedModel

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "dagster.md").read_text(encoding="utf-8")
REFERENCE = DOCUMENT[DOCUMENT.index("\n## Attributes\n") : DOCUMENT.index("\n## The database\n")]
# A row of a table names one attribute, or several that need no more words.
ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \|", re.MULTILINE)


def test_every_attribute_is_there_and_no_other() -> None:
    model = ServedModel.get_model_cls()
    assert model is not None
    schema = model.model_json_schema()
    known = [name for part in [schema, *schema["$defs"].values()] for name in part["properties"]]

    named = [name for row in ROW.findall(REFERENCE) for name in re.findall(r"\w+", row)]

    assert sorted(named) == sorted(known)


def example(language: str, begins: str) -> str:
    """The one block of code that begins so."""
    blocks = re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(begins)]
    return str(found)


@pytest.fixture
def flights(installed_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """The table that the example speaks of: three days of flights."""
    monkeypatch.setenv("PGPREDICT_DSN", installed_dsn)
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE flights (id integer PRIMARY KEY, day date NOT NULL, carrier text, "
            "hour integer, distance float8, late boolean);"
            "INSERT INTO flights SELECT n, date '2013-01-01' + n % 3, substr('ABC', n * 5 % 3 + 1, "
            "1), n * 7 % 24, n * 13 % 997, n * 7 % 24 + 9 * sin(n) > 15 "
            "FROM generate_series(1, 900) AS n"
        )
        yield connection


def test_the_example_runs(flights: psycopg.Connection) -> None:
    with create_defs_folder_sandbox() as sandbox:
        folder = sandbox.defs_folder_path / "late_flights"
        folder.mkdir()
        (folder / "defs.yaml").write_text(example("yaml", "type: pgpredict.dagster.ServedModel"))
        (folder / "models.py").write_text(example("python", "# models.py"))
        with sandbox.build_all_defs() as defs, dg.DagsterInstance.ephemeral() as instance:
            assert {schedule.name for schedule in defs.get_repository_def().schedule_defs} == {
                "late_retrain_schedule",
                "late_score_schedule",
            }
            for job, day in {"late_retrain": None, "late_score": "2013-01-02"}.items():
                done = defs.resolve_job_def(job).execute_in_process(
                    instance=instance, partition_key=day
                )
                assert done.success

    scored = "SELECT count(*), count(prediction), min(day)::text FROM late_scores"
    assert flights.execute(scored).fetchone() == (300, 300, "2013-01-02")


def test_every_setting_of_the_deployment_is_explained() -> None:
    settings = yaml.safe_load((ROOT / "dagster_project" / "dagster.yaml").read_text("utf-8"))
    section = DOCUMENT[DOCUMENT.index("\n## In production\n") :]

    explained = {name for row in ROW.findall(section) for name in re.findall(r"\w+", row)}
    explained |= set(re.findall(r"^\| `(\w+):", section, re.MULTILINE))

    assert set(settings) - explained == set()

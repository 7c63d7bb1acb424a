"""SQL without a database: what `sql` prints runs, and `supported` tells the truth."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import psycopg
import skops.io
from sklearn.datasets import load_wine

import pgpredict
from pgpredict.cli.families import FAMILIES
from pgpredict_transpiler.lowering.registry import REGISTRY

from .conftest import Run


def test_the_select_for_duckdb_answers_as_the_model(folder: Path, run: Run) -> None:
    wine, _ = load_wine(return_X_y=True, as_frame=True)
    wine = wine.rename(columns={"od280/od315_of_diluted_wines": "diluted"})

    result = run(
        *("sql", folder / "wine.skops", "--sample", folder / "wine.csv", "--dialect", "duckdb"),
        *("--source", f"read_parquet('{folder / 'wine.parquet'}')", "--keep", "bottle"),
    )

    assert result.exit_code == 0, result.output
    rows = duckdb.connect().execute(result.stdout).fetchall()
    predicted = [row[1] for row in sorted(rows)]
    assert predicted == skops.io.load(folder / "wine.skops").predict(wine).tolist()


def test_the_function_for_postgres_can_be_created(
    folder: Path, run: Run, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE SCHEMA predict_versions")
    for output in ([], ["--probability"]):
        result = run(
            *("sql", folder / "tree.skops", "--sample", folder / "wine.csv"),
            *("--function", f"tree{len(output)}", "--form", "block", *output),
        )
        assert result.exit_code == 0, result.output
        connection.execute(result.stdout)

    row = connection.execute(
        "SELECT predict_versions.tree0(14, 2, 2, 16, 127, 3, 3, 0.3, 2, 6, 1, 4, 1065), "
        "predict_versions.tree1(14, 2, 2, 16, 127, 3, 3, 0.3, 2, 6, 1, 4, 1065)"
    ).fetchone()
    assert row is not None
    assert row[0] == 0
    assert len(row[1]) == 3


def test_a_function_whose_trees_are_walked(folder: Path, run: Run, db: pgpredict.Database) -> None:
    asked = ("--sample", folder / "wine.csv", "--function", "walked", "--form", "nodes")
    printed = run("sql", folder / "tree.skops", *asked)
    assert printed.exit_code == 0, printed.output
    with db.connection() as connection:
        connection.execute(printed.stdout)
        row = connection.execute(
            "SELECT predict_versions.walked(14, 2, 2, 16, 127, 3, 3, 0.3, 2, 6, 1, 4, 1065)"
        ).fetchone()
    assert row == (0,)

    refused = run("sql", folder / "wine.skops", *asked)
    assert refused.exit_code == 3
    assert "this model has no form nodes" in refused.stderr


def test_a_model_that_has_no_sql_form_is_refused(folder: Path, run: Run) -> None:
    result = run("sql", folder / "unfitted.skops", "--sample", folder / "wine.csv")

    assert result.exit_code == 3
    assert result.stderr.startswith(f"error: cannot turn {folder / 'unfitted.skops'} into SQL: ")


def test_an_unknown_dialect_is_refused(folder: Path, run: Run) -> None:
    result = run(
        *("sql", folder / "wine.skops", "--sample", folder / "wine.csv", "--dialect", "cobol")
    )

    assert result.exit_code == 3
    assert "there is no dialect 'cobol'" in result.stderr


def test_supported_lists_the_registry(run: Run) -> None:
    listed = [entry["estimator"] for entry in json.loads(run("supported", "--json").stdout)]

    assert sorted(listed) == sorted(REGISTRY)
    text = run("supported").stdout
    assert all(f"  {name}\n" in text for name in REGISTRY)


def test_supported_sorts_into_families_that_users_know(run: Run) -> None:
    entries = json.loads(run("supported", "--json").stdout)
    families = {entry["estimator"]: entry["family"] for entry in entries}

    assert set(families.values()) == set(FAMILIES), "each has members, and nobody has none"
    assert families["sklearn.GridSearchCV"] == families["sklearn.HalvingGridSearchCV"]
    assert families["sklearn.LinearSVC"] == families["sklearn.Ridge"] == "linear models"

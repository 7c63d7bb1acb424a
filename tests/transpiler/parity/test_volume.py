"""Forests and boosters on 200,000 rows: random ones, and rows on thresholds and beside them."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import psycopg
import pytest
from sklearn import ensemble

from pgpredict_transpiler import Program, transpile
from pgpredict_transpiler.equality import same
from pgpredict_transpiler.oracle import Answers, ask
from tests.postgres import EVERY
from tests.transpiler.parity.case import NUMBERS, mixed_frame
from tests.transpiler.parity.hostile import neighbours, thresholds

ROWS = 200_000
COLUMNS = [*NUMBERS, "gap"]

MODELS: dict[str, Any] = {
    "forest": ensemble.RandomForestRegressor(15, max_depth=7, random_state=0),
    "forest of labels": ensemble.RandomForestClassifier(10, max_depth=7, random_state=0),
    "extra trees": ensemble.ExtraTreesRegressor(15, max_depth=7, random_state=0),
    "extra trees of labels": ensemble.ExtraTreesClassifier(10, max_depth=7, random_state=0),
    "boosting": ensemble.GradientBoostingRegressor(n_estimators=40, random_state=0),
    "boosting of labels": ensemble.GradientBoostingClassifier(n_estimators=15, random_state=0),
    "histogram boosting": ensemble.HistGradientBoostingRegressor(max_iter=25),
    "histogram boosting of labels": ensemble.HistGradientBoostingClassifier(max_iter=10),
}

# The texts are the same for every Postgres: on older ones a forest and a booster will do.
ON_OLDER = {"forest of labels", "boosting"}


def _given(name: str, *before: str) -> Any:
    return pytest.param(*before, name, marks=pytest.mark.xdist_group(name))


every_model = pytest.mark.parametrize("name", [_given(name) for name in MODELS])
every_model_in_postgres = pytest.mark.parametrize(
    ("server", "name"),
    [
        _given(name, server)
        for name in MODELS
        for server in EVERY
        if server == EVERY[0] or name in ON_OLDER
    ],
    indirect=["server"],
)


@cache
def prepared(name: str) -> tuple[Program, pd.DataFrame, Answers]:
    """The program of a model, the rows, and what Python says of them."""
    frame, score, label = mixed_frame()
    sample = (
        frame[COLUMNS].fillna(0.0) if "Gradient" in type(MODELS[name]).__name__ else frame[COLUMNS]
    )
    model = MODELS[name].fit(sample, label if "label" in name else score)
    program = transpile(model, sample)
    rows = _rows(program, sample)
    return program, rows, ask(model, rows)


def _rows(program: Program, sample: pd.DataFrame) -> pd.DataFrame:
    """Columns drawn one by one: from the sample, from around it, and from the thresholds."""
    rng = np.random.default_rng(3)
    columns = {}
    for name, bounds in ((n, thresholds(program).get(str(n), [])) for n in sample.columns):
        seen = sample[name].to_numpy(dtype=np.float64)
        near = np.array(neighbours(np.array([b for b in bounds if abs(b) < 1e30])) or [0.0])
        smooth = rng.normal(np.nanmean(seen), 2 * np.nanstd(seen), ROWS)
        source = rng.integers(0, 3, ROWS)
        columns[name] = np.choose(source, [rng.choice(seen, ROWS), smooth, rng.choice(near, ROWS)])
    return pd.DataFrame(columns)


@every_model_in_postgres
def test_postgres_answers_as_python_on_200_000_rows(
    name: str, workbench: psycopg.Connection
) -> None:
    program, rows, expected = prepared(name)
    with workbench.transaction(force_rollback=True):
        told = _in_postgres(workbench, program, rows)
    _assert_same(expected, told, rows)


@every_model
def test_duckdb_answers_as_python_on_200_000_rows(name: str) -> None:
    program, rows, expected = prepared(name)
    table = rows.assign(id=np.arange(len(rows)))
    with duckdb.connect() as connection:
        connection.register("rows", table)
        told = connection.execute(program.to_sql("duckdb", "rows", keep=["id"])).fetchall()
    told.sort()
    _assert_same(expected, [(row[1], list(row[2:])) for row in told], rows)


def _in_postgres(connection: psycopg.Connection, program: Program, rows: pd.DataFrame) -> list[Any]:
    columns = ", ".join(f'"{name}" float8' for name in rows.columns)
    connection.execute(f"CREATE TEMPORARY TABLE rows (id serial, {columns})".encode())
    names = ", ".join(f'"{i.name}"' for i in program.inputs)
    text = io.StringIO()
    rows.to_csv(text, index=False, header=False)
    with connection.cursor().copy(
        f"COPY rows ({', '.join(_quoted(rows))}) FROM STDIN (FORMAT csv)".encode()
    ) as copy:
        copy.write(text.getvalue())
    select = program.to_sql("postgres", "rows", keep=["id"])
    connection.execute("CREATE SCHEMA predict_versions")
    connection.execute(program.create_function("answer", form="block").encode())
    called = connection.execute(
        f"SELECT predict_versions.answer({names}) FROM rows ORDER BY id".encode()
    ).fetchall()
    selected = connection.execute(f"{select} ORDER BY id".encode()).fetchall()
    assert [row[0] for row in called] == [row[1] for row in selected]
    return [(row[1], list(row[2:])) for row in selected]


def _quoted(rows: pd.DataFrame) -> list[str]:
    return [f'"{name}"' for name in rows.columns]


def _assert_same(expected: Answers, told: list[Any], rows: pd.DataFrame) -> None:
    assert len(told) == len(rows) == ROWS
    predictions = [prediction for prediction, _ in told]
    if expected.probability is None:
        assert bool(same(expected.prediction, predictions).all())
        return
    assert predictions == expected.prediction
    shares = np.array([[np.nan] * len(p) if p[0] is None else p for _, p in told], dtype=np.float64)
    wanted = np.array(
        [[np.nan] * shares.shape[1] if p is None else p for p in expected.probability]
    )
    assert bool(same(wanted.ravel(), shares.ravel()).all())

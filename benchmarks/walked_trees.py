"""Ensembles of trees as expressions, and walked as arrays: in PL/pgSQL and in C."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import psycopg
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor

import pgpredict
from benchmarks.workbench import race, server
from pgpredict.errors import UnsupportedEstimator

COLUMNS = 20
FITTED_ON = 60_000
# How many rows a statement scores: it should take about a second.
ROWS = {"block": 200_000, "nodes, PL/pgSQL": 1_000, "nodes, C": 200_000}
ROUNDS = 3
MODELS: dict[str, Any] = {
    "100 trees, depth 3": GradientBoostingRegressor(max_depth=3, random_state=0),
    "100 trees, depth 6": GradientBoostingRegressor(max_depth=6, random_state=0),
    "forest, 100 trees, depth 12": RandomForestRegressor(max_depth=12, n_jobs=2, random_state=0),
}
HUGE = 200_000  # nodes from which on even C gets fewer rows


def main(console: Console) -> None:
    """Print what a row costs in a table, and a statement for one row."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(max(ROWS.values()), COLUMNS))
    names = [f"x{i}" for i in range(COLUMNS)]
    table = Table(title="trees: microseconds a row of a table, serial; of a statement for one row")
    for heading in ("model", "nodes", "way", "a row", "one row"):
        table.add_column(heading, justify="left" if heading in ("model", "way") else "right")
    with server(native=True) as connection:
        _load(connection, names, rows)
        library = _ask(connection, "SELECT probin FROM pg_proc WHERE proname = 'walk_trees'")
        for title, model in MODELS.items():
            sample = pd.DataFrame(rows[:FITTED_ON], columns=names)
            model.fit(sample, _target(rows[:FITTED_ON], rng))
            nodes = sum(e.tree_.node_count for e in np.ravel(model.estimators_))
            for way in ROWS:
                timed = _timed(connection, way, model, sample, str(library), nodes)
                if timed is not None:
                    table.add_row(title, f"{nodes:,}", way, *(f"{micro:,.1f}" for micro in timed))
    console.print(table)


def _target(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    noise = rng.normal(0, 0.2, len(rows))
    target: np.ndarray = rows[:, 0] * rows[:, 1] + np.sin(3 * rows[:, 2]) + rows[:, 3:].mean(axis=1)
    return target + noise


def _timed(
    connection: psycopg.Connection,
    way: str,
    model: Any,
    sample: pd.DataFrame,
    library: str,
    nodes: int,
) -> tuple[float, float] | None:
    """Microseconds of a row in a table, and of a statement for one; None: there is no such form."""
    db = pgpredict.connect(connection)
    try:
        db.deploy("bench", model, sample.head(100), form=way.partition(",")[0], promote=True)
    except UnsupportedEstimator:
        return None
    if way == "nodes, PL/pgSQL":
        connection.execute("DROP FUNCTION predict_runtime.walk_trees")
        db.install()
    count = ROWS[way] // 10 if nodes > HUGE else ROWS[way]
    arguments = ", ".join(sample.columns)
    query = f"SELECT sum(predict.bench({arguments})) FROM bench_rows WHERE number <= {count}"
    single = f"SELECT predict.bench({arguments}) FROM bench_rows WHERE number = 7"
    connection.execute(f"PREPARE single AS {single}".encode())
    runners: dict[str, Callable[[], object]] = {
        "many": lambda: connection.execute(query.encode()).fetchone(),
        "one": lambda: [connection.execute("EXECUTE single").fetchone() for _ in range(20)],
    }
    times = race(runners, ROUNDS)
    connection.execute("DEALLOCATE single")
    if way == "nodes, PL/pgSQL":
        db.use_native_walker(library)
    return times["many"] / count * 1e6, times["one"] / 20 * 1e6


def _load(connection: psycopg.Connection, names: list[str], rows: np.ndarray) -> None:
    columns = ", ".join(f"{name} float8" for name in names)
    connection.execute(f"CREATE TABLE bench_rows (number integer PRIMARY KEY, {columns})".encode())
    with connection.cursor().copy("COPY bench_rows FROM STDIN") as copy:
        for number, row in enumerate(rows.tolist(), 1):
            copy.write_row([number, *row])
    connection.execute("VACUUM ANALYZE bench_rows")


def _ask(connection: psycopg.Connection, question: str) -> object:
    row = connection.execute(question.encode()).fetchone()
    assert row is not None
    return row[0]

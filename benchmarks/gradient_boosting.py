"""Gradient boosting, 100 trees of depth 3: the function beside the same trees written by hand.

By hand: one expression, each tree a balanced nest of CASEs over the raw columns, constants as
float8, thresholds pulled back so that it gives the right answers; no guard against NaN or infinity.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import psycopg
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import GradientBoostingRegressor

from benchmarks.workbench import race, server
from pgpredict_transpiler import transpile
from pgpredict_transpiler.floats import pull_back
from pgpredict_transpiler.lowering.splits import at_float32

ROWS = 200_000
COLUMNS = 20


def main(console: Console) -> None:
    """Print seconds for each way, and how it compares with the expression written by hand."""
    with server() as connection:
        times = run(connection)
    base = times["by hand, in the query"]
    table = Table(title=f"gradient boosting, 100 trees of depth 3, {ROWS:,} rows, serial")
    for heading in ("way", "seconds", "us a row", "by hand = 1"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for name, seconds in times.items():
        micro = seconds / ROWS * 1e6
        table.add_row(name, f"{seconds:.2f}", f"{micro:.2f}", f"{seconds / base:.2f}")
    console.print(table)


def run(connection: psycopg.Connection) -> dict[str, float]:
    """Seconds for each way to score 200,000 rows of 20 columns."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4_000, COLUMNS))
    y = (
        X[:, 0] * X[:, 1]
        + np.sin(3 * X[:, 2])
        + X[:, 3:].sum(axis=1) / 5
        + rng.normal(0, 0.2, len(X))
    )
    names = [f"x{i}" for i in range(COLUMNS)]
    sample = pd.DataFrame(X, columns=names)
    model = GradientBoostingRegressor(n_estimators=100, max_depth=3, random_state=0).fit(sample, y)
    rows = rng.normal(size=(ROWS, COLUMNS))
    _load(connection, names, rows)
    program = transpile(model, sample)
    for form in ("inline", "block"):
        connection.execute(program.create_function(f"boosting_{form}", form=form).encode())
    arguments = ", ".join(names)
    queries = {
        "by hand, in the query": f"SELECT sum({by_hand(model, names)}) FROM bench_rows",
        "block": f"SELECT sum(predict_versions.boosting_block({arguments})) FROM bench_rows",
        "inline": f"SELECT sum(predict_versions.boosting_inline({arguments})) FROM bench_rows",
        "sum of one column": "SELECT sum(x0) FROM bench_rows",
    }
    runners: dict[str, Any] = {
        name: lambda query=query: connection.execute(query.encode()).fetchone()
        for name, query in queries.items()
    }
    frame = pd.DataFrame(rows, columns=names)
    runners["scikit-learn, rows in memory"] = lambda: model.predict(frame).sum()
    return race(runners)


def by_hand(model: GradientBoostingRegressor, names: list[str]) -> str:
    """The trees as one balanced expression."""
    start = float(model._raw_predict_init(np.zeros((1, len(names)), dtype=np.float32))[0, 0])
    terms = [f"'{start!r}'::float8"]
    terms += [_tree(e.tree_, 0, names, model.learning_rate) for e in model.estimators_[:, 0]]
    return _balanced(terms)


def _tree(tree: Any, node: int, names: list[str], rate: float) -> str:
    if tree.children_left[node] == -1:
        return f"'{float(rate * tree.value[node, 0, 0])!r}'::float8"
    threshold = float(pull_back(at_float32, np.array([tree.threshold[node]]))[0])
    left = _tree(tree, tree.children_left[node], names, rate)
    right = _tree(tree, tree.children_right[node], names, rate)
    test = f"{names[tree.feature[node]]} <= '{threshold!r}'::float8"
    return f"CASE WHEN {test} THEN {left} ELSE {right} END"


def _balanced(terms: list[str]) -> str:
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({_balanced(terms[:middle])} + {_balanced(terms[middle:])})"


def _load(connection: psycopg.Connection, names: list[str], rows: np.ndarray) -> None:
    connection.execute("CREATE SCHEMA predict_versions")
    columns = ", ".join(f"{name} float8" for name in names)
    connection.execute(f"CREATE TABLE bench_rows ({columns})".encode())
    with connection.cursor().copy("COPY bench_rows FROM STDIN") as copy:
        for row in rows.tolist():
            copy.write_row(row)
    connection.execute("VACUUM ANALYZE bench_rows")

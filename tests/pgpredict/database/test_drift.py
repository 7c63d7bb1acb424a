"""Drift: what rows are found to be beside the sample of a version."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import pgpredict
from tests.pgpredict.database.models import customers
from tests.pgpredict.database.visits import baselines, drifted, fill, named, returns, visits


@pytest.mark.parametrize("rows", [30, 300, 10_000])
def test_rows_of_the_same_kind_have_not_drifted(
    visited: pgpredict.Database, connection: psycopg.Connection, rows: int
) -> None:
    fill(connection, visits(rows, seed=rows))
    found = visited.drift("returns", '"Visits"', outputs=True)
    assert drifted(found) == []
    assert [column.rows for column in found] == [rows] * 6
    assert [c.name for c in found if c.role == "output"] == ["prediction", "probability"]


def test_psi_is_that_of_pandas(visited: pgpredict.Database, connection: psycopg.Connection) -> None:
    later = visits(500, seed=1).assign(age=lambda f: f["age"] * 1.1 // 1)
    fill(connection, later)
    found = named(visited.drift("returns", '"Visits"', outputs=True))
    model, kept = returns(visits()), baselines(connection, "returns")
    answers = {
        "prediction": pd.Series(np.where(model.predict(later), "true", "false")),
        "probability": pd.Series(model.predict_proba(later)[:, 1]),
    }
    booleans = later["member"].map({True: "true", False: "false"})
    for name, column in {**later, "member": booleans, **answers}.items():
        role = "output" if name in answers else "input"
        assert found[str(name)].psi == pytest.approx(psi_of(kept[f"{role} {name}"], column))


def psi_of(kept: Any, column: pd.Series[Any]) -> float:
    _, edges, labels, shares, null_share, rows = kept
    if edges is not None:
        bins = pd.cut(column, [-np.inf, *edges, np.inf], right=False, labels=False)
    else:
        bins = column.map({label: number for number, label in enumerate(labels, 1)}).fillna(0)
        bins[column.isna()] = np.nan
    counts = bins.fillna(len(shares)).value_counts()
    table = pd.DataFrame({"sample": np.array([*shares, null_share]) * rows})
    table["now"] = counts.reindex(table.index).fillna(0)
    table = table[(table > 0).any(axis=1)] + 0.5
    table /= table.sum()
    return float(((table["now"] - table["sample"]) * np.log(table["now"] / table["sample"])).sum())


@pytest.mark.parametrize(
    ("name", "shift"),
    [
        ("age", lambda f: f.assign(age=f["age"] + 15)),
        ("Spent €", lambda f: f.assign(**{"Spent €": f["Spent €"] * 100})),
        ("plan", lambda f: f.assign(plan=np.where(f["member"], f["plan"], "business"))),
        ("member", lambda f: f.assign(member=True)),
    ],
)
def test_each_kind_of_shift_is_found_in_its_column(
    visited: pgpredict.Database,
    connection: psycopg.Connection,
    name: str,
    shift: Callable[[pd.DataFrame], pd.DataFrame],
) -> None:
    fill(connection, shift(visits(400, seed=2)))
    assert drifted(visited.drift("returns", '"Visits"')) == [name]


def test_a_column_that_empties_has_drifted(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    fill(connection, visits(1_000, seed=3))
    connection.execute('UPDATE "Visits" SET plan = NULL WHERE age % 3 = 0')
    empty = connection.execute('SELECT avg((plan IS NULL)::integer)::float8 FROM "Visits"')
    plan = named(visited.drift("returns", '"Visits"'))["plan"]
    assert plan.drifted
    assert (plan.null_share,) == empty.fetchone()
    assert plan.baseline_null_share == 0


def test_bins_say_what_changed(visited: pgpredict.Database, connection: psycopg.Connection) -> None:
    fill(connection, visits(100).assign(plan=["basic"] * 50 + ["new"] * 50))
    plan = named(visited.drift("returns", '"Visits"'))["plan"]
    assert {b["bin"]: b["share"] for b in plan.bins} == {
        "(other)": 0.5,
        "basic": 0.5,
        "plus": 0,
        "family": 0,
        "(missing)": 0,
    }
    age = named(visited.drift("returns", '"Visits"'))["age"]
    assert age.bins[0]["bin"].startswith("< ")
    assert sum(b["share"] for b in age.bins) == pytest.approx(1)
    assert sum(b["baseline"] for b in age.bins) == pytest.approx(1)


def test_minimum_decides_where_there_are_many_rows(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    fill(connection, visits(10_000, seed=4).assign(age=lambda f: f["age"] + 3))
    assert drifted(visited.drift("returns", '"Visits"')) == []
    assert drifted(visited.drift("returns", '"Visits"', minimum=0.01)) == ["age"]


def test_no_rows_have_not_drifted(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    found = visited.drift("returns", '"Visits"', outputs=True)
    assert [(c.psi, c.threshold, c.drifted, c.rows) for c in found] == [(None, None, False, 0)] * 6
    assert {b["share"] for column in found for b in column.bins} == {None}


def test_a_constant_that_changes_is_found(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    sample = pd.DataFrame({"x": np.arange(100.0), "rate": [0.19] * 100})
    db.deploy("tax", LinearRegression().fit(sample, sample["x"]), sample)
    connection.execute(
        "CREATE TABLE sales AS SELECT x::real, 0.19::real AS rate FROM generate_series(0, 99) x"
    )
    # 0.19 as real is not 0.19 as float8, but no drift either.
    assert drifted(db.drift("tax", "sales")) == []
    connection.execute("UPDATE sales SET rate = 0.25")
    assert drifted(db.drift("tax", "sales")) == ["rate"]


def test_probabilities_of_certain_models_do_not_drift_by_rounding(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    """Answers near 0 and 1 differ from Python's in their last digits."""
    sample = customers(1_000)
    steep = LogisticRegression(C=1e6, max_iter=10_000).fit(sample, sample["spend"] > 600)
    db.deploy("steep", steep, sample)
    connection.execute(
        "CREATE TABLE sold AS SELECT n % 70 AS tenure, n * 1.25 AS spend"
        " FROM generate_series(1, 1000) AS n"
    )
    probability = named(db.drift("steep", "sold", outputs=True))["probability"]
    assert probability.psi == pytest.approx(0, abs=1e-3)

"""Visits to a shop, a model of who returns, and how their drift is read."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import psycopg
from psycopg.sql import SQL, Identifier
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from pgpredict.database import Drift

ROWS = 3_000


def visits(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": np.where(rng.random(rows) < 0.1, np.nan, rng.integers(18, 90, rows)),
            "Spent €": np.where(rng.random(rows) < 0.7, 0, rng.gamma(2, 50, rows)),
            "plan": rng.choice(["basic", "plus", "family"], rows, p=[0.6, 0.3, 0.1]),
            "member": rng.random(rows) < 0.4,
        }
    )


def returns(sample: pd.DataFrame) -> Any:
    """A classifier with numbers, text and booleans that says true or false."""
    model = make_pipeline(
        make_column_transformer(
            (SimpleImputer(), ["age", "Spent €"]),
            (OneHotEncoder(handle_unknown="ignore"), ["plan"]),
            (FunctionTransformer(), ["member"]),
        ),
        LogisticRegression(max_iter=1000),
    )
    return model.fit(sample, (sample["age"].fillna(50) + sample["member"] * 30) > 60)


TABLE = """
    CREATE TABLE "Visits" (
        id integer, age integer, "Spent €" numeric, plan text, member boolean, "at" timestamptz)"""


def fill(connection: psycopg.Connection, frame: pd.DataFrame, table: str = "Visits") -> None:
    """Its rows, an hour apart from 2026-05-01 on."""
    columns = [*frame.columns, "at"]
    hours = pd.date_range("2026-05-01", periods=len(frame), freq="h", tz="UTC")
    copy_in = SQL("COPY {} ({}) FROM STDIN").format(
        Identifier(table), SQL(", ").join(map(Identifier, columns))
    )
    with connection.cursor().copy(copy_in) as copy:
        for *values, at in frame.assign(at=hours).itertuples(index=False):
            row = [None if pd.isna(x) else x for x in values]
            copy.write_row([int(row[0]) if row[0] is not None else None, *row[1:], at])


def baselines(connection: psycopg.Connection, model: str) -> dict[str, Any]:
    rows = connection.execute(
        """SELECT role || ' ' || name, kind, edges, labels, shares, null_share, rows
           FROM pgpredict.baseline WHERE model = %s ORDER BY position""",
        [model],
    ).fetchall()
    return {row[0]: row[1:] for row in rows}


def named(found: list[Drift]) -> dict[str, Drift]:
    return {column.name: column for column in found}


def drifted(found: list[Drift]) -> list[str]:
    return [column.name for column in found if column.drifted]

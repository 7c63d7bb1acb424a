"""The table that learners which revise learn from, and what scikit-learn makes of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from psycopg import Connection
from sklearn.base import clone, is_classifier

import pgpredict

# `note` is the column that no learner reads.
FLATS = """
    CREATE TABLE flats (
        id bigint PRIMARY KEY, size float8, rooms numeric, rent float8, kind text, note text)
"""
FEATURES = ["size", "rooms"]
KINDS = ["loft", "shared", "whole"]


def target_of(estimator: Any) -> str:
    """The column that it learns."""
    return "kind" if is_classifier(estimator) else "rent"


def create(
    db: pgpredict.Database, estimator: Any, name: str = "flat", **options: Any
) -> pgpredict.database.Learner:
    """Create a learner that takes back what it learnt of rows that change."""
    classes = KINDS if is_classifier(estimator) else None
    return db.create_learner(
        name,
        estimator,
        **{
            "source": "flats",
            "target": target_of(estimator),
            "features": FEATURES,
            "classes": classes,
            "updates": "revise",
        }
        | options,
    )


def insert(connection: Connection[Any], first: int, last: int) -> None:
    """Insert flats by number, in one statement: the same each time."""
    connection.execute(
        "INSERT INTO flats SELECT n, 20 + n * 37 %% 101 * 0.7, 1 + n %% 5 * 0.5,"
        " 300 + n * 37 %% 101 * 9.1 + n * 13 %% 29, (%s::text[])[1 + (n * n + n / 3) %% 3]"
        " FROM generate_series(%s::integer, %s) AS n",
        [KINDS, first, last],
    )


def labelled(
    connection: Connection[Any], target: str, but: str = "false"
) -> tuple[pd.DataFrame, NDArray[Any]]:
    """The rows that a learner knows when it has come to rest: X and y."""
    rows = connection.execute(
        f"SELECT size, rooms::float8, {target} FROM flats"
        f" WHERE {target} IS NOT NULL AND NOT ({but}) ORDER BY id"
    ).fetchall()
    X = pd.DataFrame([row[:2] for row in rows], columns=FEATURES)
    return X, np.array([row[2] for row in rows])


def assert_fitted(
    db: pgpredict.Database,
    connection: Connection[Any],
    estimator: Any,
    name: str = "flat",
    but: str = "false",
) -> None:
    """The learner is scikit-learn's own fit of the rows that are there, but for some."""
    X, y = labelled(connection, target_of(estimator), but)
    learnt, oracle = db.export_learner(name), clone(estimator).fit(X, y)
    assert db.learner(name).rows == len(y)
    if is_classifier(estimator):
        np.testing.assert_array_equal(learnt.class_count_, oracle.class_count_)
        np.testing.assert_allclose(learnt.feature_count_, oracle.feature_count_, rtol=1e-12)
        np.testing.assert_allclose(learnt.feature_log_prob_, oracle.feature_log_prob_, rtol=1e-12)
    else:
        np.testing.assert_allclose(learnt.coef_, oracle.coef_, rtol=1e-11)
        np.testing.assert_allclose(learnt.intercept_, oracle.intercept_, rtol=1e-11)

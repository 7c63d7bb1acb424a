"""The table that the tests of learners learn from, and a learner of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from psycopg import Connection
from sklearn.linear_model import SGDClassifier

import pgpredict

# `note` is the column that no learner reads.
PAYMENTS = """
    CREATE TABLE payments (
        id bigint PRIMARY KEY, amount float8, hours integer, is_fraud boolean, note text)
"""
FEATURES = ["amount", "hours"]


def estimator() -> SGDClassifier:
    """Learns in the order of the rows, so that batches alone decide on its numbers."""
    return SGDClassifier(loss="log_loss", shuffle=False)


def create(db: pgpredict.Database, name: str = "fraud", **options: Any) -> None:
    """Create the learner."""
    options = {"classes": [False, True], "target": "is_fraud"} | options
    made_of = options.pop("estimator", None) or estimator()
    db.create_learner(name, made_of, source="payments", features=FEATURES, **options)


def rows(first: int, last: int) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """The features and labels of payments by number, the same each time.

    Returns:
        X, and y of shape (n_rows,).
    """
    numbers = np.arange(first, last + 1)
    amount, hours = (numbers * 37 % 101) / 50 - 1.0, (numbers * 7 % 24).astype(float)
    return pd.DataFrame({"amount": amount, "hours": hours}), amount + hours / 12 > 1


def insert(connection: Connection[Any], first: int, last: int, labelled: bool = True) -> None:
    """Insert payments by number, in one statement."""
    X, y = rows(first, last)
    connection.execute(
        "INSERT INTO payments (id, amount, hours, is_fraud)"
        " SELECT * FROM unnest(%s::bigint[], %s::float8[], %s::integer[], %s::boolean[])",
        [
            list(range(first, last + 1)),
            X["amount"].tolist(),
            X["hours"].astype(int).tolist(),
            y.tolist() if labelled else [None] * len(y),
        ],
    )


def label(connection: Connection[Any], first: int, last: int) -> None:
    """Give payments their labels, in one statement."""
    _, y = rows(first, last)
    connection.execute(
        "UPDATE payments AS p SET is_fraud = l.label"
        " FROM unnest(%s::bigint[], %s::boolean[]) AS l (id, label) WHERE p.id = l.id",
        [list(range(first, last + 1)), y.tolist()],
    )

"""Small models that the tests of the database half deploy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

CUSTOMERS = """
    CREATE TABLE customers (id integer PRIMARY KEY, tenure integer, spend numeric(10, 2));
    INSERT INTO customers SELECT n, n % 70, n * 1.25 FROM generate_series(1, 200) AS n;
"""


def customers(rows: int = 200, columns: Sequence[str] = ("tenure", "spend")) -> pd.DataFrame:
    """Rows of numbers, as the table `CUSTOMERS` has them."""
    numbers = np.arange(1, rows + 1)
    given = {"tenure": (numbers % 70).astype(float), "spend": numbers * 1.25}
    return pd.DataFrame(
        {name: given.get(name, np.sin(numbers * (place + 1))) for place, name in enumerate(columns)}
    )


def churn(sample: pd.DataFrame | None = None, *, leaves_above: float = 100.0) -> Any:
    """A classifier with the labels 'leaves' and 'stays'."""
    frame = customers() if sample is None else sample
    first = frame.iloc[:, -1]
    labels = np.where(first > min(leaves_above, float(first.median())), "leaves", "stays")
    return LogisticRegression().fit(frame, labels)


def value(slope: float = 1.0, *, columns: Sequence[str] = ("tenure", "spend")) -> Any:
    """A regressor that answers with `slope` times the sum of its inputs."""
    frame = customers(columns=columns)
    return LinearRegression().fit(frame, slope * frame.sum(axis=1))

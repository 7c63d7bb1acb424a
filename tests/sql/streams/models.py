"""A table of payments and two versions of a model of their risk, for the tests of streams."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

# `note` is the column that the model does not read.
PAYMENTS = """
    CREATE TABLE payments (
        id bigint PRIMARY KEY, amount float8, days integer, region text, note text)
"""
INPUTS = "amount float8, days integer, region text"
REGIONS = ["north", "south", "west"]


def payments(rows: int = 60) -> pd.DataFrame:
    """Rows without missing values: amount and days are numbers, region is one of three."""
    numbers = np.arange(rows)
    return pd.DataFrame(
        {
            "amount": 10.0 + 3.7 * (numbers * 7 % rows),
            "days": (numbers * 5 % 31).astype(float),
            "region": [REGIONS[n % 3] for n in numbers],
        }
    )


def risk(turned: bool = False) -> Any:
    """A classifier ('risky', 'safe') whose probability differs with every input.

    A missing number makes the answer NULL, since scikit-learn would raise; a missing or unknown
    region counts as none. `turned` gives the opposite answers, for a second version.
    """
    frame = payments()
    score = frame["amount"] / 100 - frame["days"] / 20 + (frame["region"] == "south")
    risky = (score > score.median()) != turned
    preparation = make_column_transformer(
        (StandardScaler(), ["amount", "days"]),
        (OneHotEncoder(handle_unknown="ignore"), ["region"]),
    )
    return make_pipeline(preparation, LogisticRegression()).fit(
        frame, np.where(risky, "risky", "safe")
    )

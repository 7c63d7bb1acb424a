"""A parity case: a fitted model and the sample that it was fitted on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Case:
    """One model to compare with its SQL.

    Attributes:
        name: what is special about it.
        covers: the estimators that it is a case of, by the names of the registry.
        fit: gives the fitted model and a sample of its inputs.
    """

    name: str
    covers: tuple[str, ...]
    fit: Callable[[], tuple[Any, pd.DataFrame]]


def mixed_frame(rows: int = 400, seed: int = 7) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """A frame of all kinds of columns, a number to predict and a label to predict.

    Returns:
        inputs (numbers of several scales, one with NaN, whole numbers, two categories with None, a
        boolean), a float target, and a text label of three classes.
    """
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "amount": rng.gamma(2.0, 1000.0, rows),
            "ratio": rng.normal(0.0, 1.0, rows),
            "Größe in m": rng.normal(1e6, 10.0, rows),
            "gap": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(5.0, 3.0, rows)),
            "count": rng.integers(0, 12, rows),
            "plan": rng.choice(
                np.array(["basic", "plus", "it's", "Ünï", None], dtype=object), rows
            ),
            "region": rng.choice([f"r{i:02d}" for i in range(30)], rows),
            "active": rng.random(rows) < 0.5,
        }
    )
    gap = frame["gap"].fillna(2.0)
    score = (
        frame["ratio"] * 2
        + gap / 3
        + frame["count"] / 4
        + frame["active"]
        + rng.normal(0, 0.5, rows)
    )
    score = score + (frame["plan"] == "plus") * 1.5 - (frame["region"] < "r10") * 1.0
    label = pd.Series(np.where(score > 5, "high", np.where(score > 3, "mid", "low")))
    return frame, score, label


NUMBERS = ["amount", "ratio", "Größe in m", "count"]

"""How delay_minutes is trained."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OrdinalEncoder

CATEGORIES = ["carrier", "origin", "dest"]


def train(X: pd.DataFrame, y: pd.Series[Any]) -> Pipeline:
    """Gradient boosting, which takes categories and missing weather as they are."""
    numbered = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    return make_pipeline(
        make_column_transformer((numbered, CATEGORIES), remainder="passthrough"),
        HistGradientBoostingRegressor(
            categorical_features=list(range(len(CATEGORIES))),
            max_leaf_nodes=8,
            min_samples_leaf=200,
            l2_regularization=10,
            random_state=0,
        ),
    ).fit(X, y)

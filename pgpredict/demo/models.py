"""Two pipelines that say before departure whether a flight will be late."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from pgpredict.demo.flights import CATEGORIES, TIMES, WEATHER, Flights


@dataclass(frozen=True)
class Trained:
    """A pipeline that has learnt.

    Attributes:
        title: what it is, for people.
        model: the fitted pipeline.
        training_auc: area under the ROC curve on the flights that it learnt from.
        test_auc: the same on later flights.
        seconds: how long it learnt.
    """

    title: str
    model: Pipeline
    training_auc: float
    test_auc: float
    seconds: float


def logistic() -> Pipeline:
    """Logistic regression: every kind of column needs a preparation of its own."""
    circle = make_pipeline(
        MinMaxScaler(feature_range=(0, 2 * np.pi)),
        make_union(FunctionTransformer(np.sin), FunctionTransformer(np.cos)),
    )
    measured = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    rare_together = OneHotEncoder(min_frequency=100, handle_unknown="infrequent_if_exist")
    return make_pipeline(
        make_column_transformer(
            (rare_together, CATEGORIES), (circle, TIMES), (measured, ["distance", *WEATHER])
        ),
        LogisticRegression(max_iter=300),
    )


def boosting() -> Pipeline:
    """Gradient boosting, which takes categories and missing values as they are."""
    numbered = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    return make_pipeline(
        make_column_transformer((numbered, CATEGORIES), remainder="passthrough"),
        HistGradientBoostingClassifier(
            categorical_features=list(range(len(CATEGORIES))),
            max_leaf_nodes=8,
            min_samples_leaf=200,
            l2_regularization=10,
            random_state=0,
        ),
    )


def train(title: str, model: Pipeline, flights: Flights) -> Trained:
    """Fit a pipeline to the flights before October, and measure it on the others."""
    begin = time.perf_counter()
    model.fit(flights.inputs[flights.training], flights.late[flights.training])
    seconds = time.perf_counter() - begin
    return Trained(
        title,
        model,
        training_auc=_auc(model, flights, flights.training),
        test_auc=_auc(model, flights, flights.test),
        seconds=seconds,
    )


def _auc(model: Pipeline, flights: Flights, chosen: Any) -> float:
    probability = model.predict_proba(flights.inputs[chosen])[:, 1]
    return float(roc_auc_score(flights.late[chosen], probability))

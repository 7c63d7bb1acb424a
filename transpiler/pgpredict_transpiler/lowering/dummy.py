"""Estimators that answer the same whatever they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Column
from pgpredict_transpiler.prediction import Prediction, label, labels_of
from pgpredict_transpiler.scope import Scope


def dummy_regressor(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:  # noqa: ARG001
    """A constant: the mean, the median, a quantile, or one that was given."""
    if model.n_outputs_ > 1:
        scope.refuse("it predicts several targets at once: deploy one model for each")
    return Prediction(sql.number(float(np.ravel(model.constant_)[0])), "constant")


def dummy_classifier(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:  # noqa: ARG001
    """The most frequent class, or one that was given; no strategy that draws at random."""
    if model.n_outputs_ > 1:
        scope.refuse("it predicts several labels at once: deploy one model for each")
    if model.strategy not in ("most_frequent", "prior", "constant"):
        scope.refuse(
            "it answers at random, and a function in a database may not",
            f"strategy={model.strategy!r}",
        )
    labels = labels_of(model.classes_, scope)
    if model.strategy == "constant":
        best = labels.index(np.ravel(model.constant).tolist()[0])
    else:
        best = int(model.class_prior_.argmax())
    shares = model.class_prior_ if model.strategy == "prior" else np.eye(len(labels))[best]
    return Prediction(
        label(labels[best]), "constant", labels, tuple(sql.number(share) for share in shares)
    )

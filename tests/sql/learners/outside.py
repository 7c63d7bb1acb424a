"""Learners that scikit-learn teaches, beside a process that calls partial_fit itself."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier, is_regressor

import pgpredict
from pgpredict.database import Learner
from tests.sql.learners.asking import Connection, batches
from tests.sql.learners.payments import FEATURES, rows


def create_outside(
    db: pgpredict.Database, estimator: Any, name: str = "pupil", **options: Any
) -> Learner:
    """A learner of the payments: whether they are frauds, which number they have, or no label."""
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    if is_classifier(last):
        options = {"target": "is_fraud", "classes": [False, True]} | options
    elif is_regressor(last):
        options = {"target": "id"} | options
    return db.create_learner(name, estimator, source="payments", features=FEATURES, **options)


def drain_outside(db: pgpredict.Database, batch: int = 1000, name: str = "pupil") -> int:
    """Learn until nothing waits; returns how many rows that were."""
    done = 0
    while count := db.learn(name, batch):
        done += count
    return done


def partial_fit(estimator: Any, X: Any, keys: Any) -> None:
    """One call for the payments of these keys, whose features are X."""
    if hasattr(estimator, "steps"):
        *before, (_, last) = estimator.steps
        for _, step in before:
            step.partial_fit(X)
            X = step.transform(X)
        partial_fit(last, X, keys)
    elif is_classifier(estimator):
        labels = rows(1, max(keys))[1][np.array(keys) - 1]
        estimator.partial_fit(X, labels, classes=np.array([False, True]))
    elif is_regressor(estimator):
        estimator.partial_fit(X, np.array(keys, dtype=float))
    else:
        estimator.partial_fit(X)


def taught(estimator: Any, seen: list[list[int]]) -> Any:
    """What one process knows that calls partial_fit for each of these batches of payments."""
    made = clone(estimator)
    seeds = {n: 0 for n, v in made.get_params().items() if n.endswith("random_state") and v is None}
    made.set_params(**seeds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keys in seen:
            X = rows(1, max(keys))[0].to_numpy()[np.array(keys) - 1]
            partial_fit(made, X, keys)
    return made


def assert_same_numbers(one: Any, other: Any, place: str = "") -> None:
    """Every number that two estimators hold is the same, bit for bit; so is what they draw."""
    if isinstance(one, np.ndarray):
        if one.dtype != object:
            assert one.tobytes() == np.asarray(other).tobytes(), place
    elif isinstance(one, np.random.RandomState):
        assert_same_numbers(list(one.get_state())[1:], list(other.get_state())[1:], place)
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(other), place
        for i, (mine, others) in enumerate(zip(one, other, strict=True)):
            assert_same_numbers(mine, others, f"{place}[{i}]")
    elif isinstance(one, (float, int)):
        assert np.array_equal(one, other, equal_nan=True), place
    else:
        mine, others = getattr(one, "__dict__", {}), getattr(other, "__dict__", {})
        # The names of the features come with the export; of losses the last is kept.
        for name in (mine.keys() | others.keys()) - {"feature_names_in_", "loss_curve_"}:
            assert_same_numbers(mine[name], others[name], f"{place}.{name}")


def assert_knows_its_batches(
    db: pgpredict.Database, connection: Connection, estimator: Any, name: str = "pupil"
) -> Any:
    """The learner is what its recorded batches make of the estimator. Returns that."""
    oracle = taught(estimator, batches(connection, name))
    assert_same_numbers(oracle, db.export_learner(name))
    return oracle

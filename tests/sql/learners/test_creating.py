"""What a learner is created with: estimators, features, targets, classes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor

import pgpredict
from pgpredict.errors import InvalidLearner
from tests.sql.learners.asking import Connection, drain
from tests.sql.learners.payments import FEATURES, create


@pytest.mark.parametrize("place", [None, "worker"])
def test_a_regressor_without_a_target(db: pgpredict.Database, place: str | None) -> None:
    with pytest.raises(InvalidLearner, match="learns numbers, and no target is named"):
        db.create_learner(
            "other", SGDRegressor(), source="payments", features=FEATURES, place=place
        )


def test_features_that_are_no_list(db: pgpredict.Database) -> None:
    with pytest.raises(InvalidLearner, match="'amount' is no list of features"):
        db.create_learner("other", SGDRegressor(), source="payments", features="amount")


@pytest.mark.parametrize(
    "classes",
    [np.array([True, False]), pd.Series([False, True]), {False, True}, list(np.array([0, 1]) > 0)],
    ids=["array", "Series", "set", "scalars of numpy"],
)
def test_classes_as_scikit_learn_takes_them(db: pgpredict.Database, classes: Any) -> None:
    create(db, classes=classes)
    assert db.learner("fraud").classes == ["false", "true"]


@pytest.mark.parametrize(
    ("kind", "labels"),
    [("char(5)", ["no", "yes"]), ("real", ["0.1", "0.2"]), ("text", ["a", "b "])],
)
def test_labels_that_the_source_holds(
    db: pgpredict.Database, connection: Connection, kind: str, labels: list[str]
) -> None:
    connection.execute(f"CREATE TABLE told (id integer PRIMARY KEY, x float8, y {kind})".encode())
    connection.execute(
        f"""INSERT INTO told
            SELECT i, i, (%s::text[])[1 + i %% 2]::{kind}
            FROM generate_series(1, 10) AS i""".encode(),
        [labels],
    )
    db.create_learner(
        "told", SGDClassifier(), source="told", features=["x"], target="y", backfill=True
    )
    drain(connection, learner="told")
    assert db.learner("told").rows == 10


@pytest.mark.parametrize("what", ["SGDClassifier", None, SGDClassifier])
def test_what_is_no_estimator(db: pgpredict.Database, what: Any) -> None:
    with pytest.raises(InvalidLearner, match="is no estimator"):
        db.create_learner("other", what, source="payments", features=FEATURES, target="is_fraud")
    assert "other" not in [learner.name for learner in db.learners()]

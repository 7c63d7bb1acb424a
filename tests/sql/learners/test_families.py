"""Every family of learners, from the table to predictions and back to scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_clusterer
from sklearn.cluster import MiniBatchKMeans
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB

import pgpredict
from pgpredict_transpiler import StreamingKMeans, StreamingLinearRegressionWithSGD
from tests.sql.learners.asking import Connection, batches, drain, one, quarantine
from tests.sql.learners.payments import FEATURES, insert, rows

CENTERS = np.array([[-0.5, 4.0], [0.5, 10.0], [0.0, 20.0]])
FAMILIES = [
    MultinomialNB(),
    ComplementNB(),
    BernoulliNB(binarize=8.0),
    GaussianNB(),
    MiniBatchKMeans(3, init=CENTERS, n_init=1, reassignment_ratio=0),
    StreamingKMeans(3, init=CENTERS, half_life=4),
    StreamingLinearRegressionWithSGD(step_size=0.001),
]


def target_of(estimator: Any) -> str | None:
    if is_clusterer(estimator):
        return None
    return "is_fraud" if is_classifier(estimator) else "id"


@pytest.mark.parametrize("estimator", FAMILIES, ids=lambda each: type(each).__name__)
def test_learns_what_scikit_learn_learns(
    db: pgpredict.Database, connection: Connection, estimator: Any
) -> None:
    target = target_of(estimator)
    classes = [False, True] if is_classifier(estimator) else None
    db.create_learner(
        "family",
        estimator,
        source="payments",
        features=FEATURES,
        target=target,
        classes=classes,
    )
    insert(connection, 1, 90)
    assert drain(connection, 40, "family") == 90
    X, y = rows(1, 90)
    refused = quarantine(connection, "family")
    if "Multinomial" in type(estimator).__name__ or "Complement" in type(estimator).__name__:
        name = type(estimator).__name__
        negative = {
            str(key): f"a {name} learns no negative features" for key in X.index[X.amount < 0] + 1
        }
        assert refused == negative
    else:
        assert refused == {}
    oracle = clone(estimator)
    for keys in batches(connection, "family"):
        at = np.array(keys) - 1
        first = {"classes": classes} if classes else {}
        labels = y if classes else np.arange(1.0, 91.0)
        oracle.partial_fit(X.iloc[at], labels[at], **first)
    learnt = db.export_learner("family")
    assert learnt.predict(X) == pytest.approx(oracle.predict(X), rel=1e-12)
    predicted = connection.execute(
        "SELECT predict.family(p) FROM payments AS p ORDER BY id"
    ).fetchall()
    assert [answer for (answer,) in predicted] == pytest.approx(oracle.predict(X).tolist())
    if classes:
        shares = connection.execute("SELECT predict.family_proba(p) FROM payments AS p ORDER BY id")
        given = [share for (share,) in shares.fetchall()]
        assert given == pytest.approx(oracle.predict_proba(X)[:, 1].tolist())
    again = db.create_learner(
        "again", learnt, source="payments", features=FEATURES, target=target, classes=classes
    )
    assert again.classes == db.learner("family").classes
    assert one(connection, "SELECT predict.again_parameters()") == pytest.approx(
        one(connection, "SELECT predict.family_parameters()")
    )

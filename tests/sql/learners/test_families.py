"""Every family of learners, from the table to predictions and back to scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_clusterer
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import Perceptron, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pgpredict
from pgpredict_transpiler import StreamingKMeans, StreamingLinearRegressionWithSGD
from pgpredict_transpiler.learning.registry import learning_program
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

USUAL = [
    *FAMILIES,
    SGDClassifier(loss="log_loss"),
    SGDRegressor(),
    Perceptron(),
    make_pipeline(StandardScaler(), SGDClassifier()),
]


def create_family(db: pgpredict.Database, name: str, estimator: Any) -> list[bool] | None:
    """Create a learner; returns its classes."""
    classes = [False, True] if is_classifier(estimator) else None
    target = None if is_clusterer(estimator) else "is_fraud" if classes else "id"
    db.create_learner(
        name, estimator, source="payments", features=FEATURES, target=target, classes=classes
    )
    return classes


@pytest.mark.parametrize("estimator", FAMILIES, ids=lambda each: type(each).__name__)
def test_learns_what_scikit_learn_learns(
    db: pgpredict.Database, connection: Connection, estimator: Any
) -> None:
    classes = create_family(db, "family", estimator)
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
    create_family(db, "again", learnt)
    assert one(connection, "SELECT predict.again_parameters()") == pytest.approx(
        one(connection, "SELECT predict.family_parameters()")
    )


@pytest.mark.parametrize("estimator", FAMILIES, ids=lambda each: type(each).__name__)
def test_unlearns_as_if_it_had_never_seen_the_rows(
    db: pgpredict.Database, connection: Connection, estimator: Any
) -> None:
    classes = create_family(db, "family", estimator)
    insert(connection, 1, 90)
    drain(connection, 30, "family")
    seen = batches(connection, "family")
    poison = [str(key) for key in seen[1][::2]]
    assert db.unlearn("family", poison) == len(poison)
    oracle = learning_program(estimator, FEATURES, classes).initial.tolist()
    X, y = rows(1, 90)
    labels = y.astype(float) if classes else np.arange(1.0, 91.0)
    for keys in seen:
        at = np.array([key for key in keys if str(key) not in poison]) - 1
        oracle = one(
            connection,
            "SELECT pgpredict.family_kernel(%s::float8[], %s::float8[], %s::float8[])",
            [oracle, X.iloc[at].to_numpy().ravel().tolist(), labels[at].tolist()],
        )
    assert one(connection, "SELECT predict.family_parameters()") == oracle


@pytest.mark.parametrize("estimator", USUAL, ids=lambda each: type(each).__name__)
def test_a_batch_is_predicted_with_what_usual_rows_get(
    db: pgpredict.Database, connection: Connection, estimator: Any
) -> None:
    """It is cut out of the answer's text: one of another shape would be slow without a word."""
    create_family(db, "family", estimator)
    usual = one(
        connection,
        "SELECT pgpredict.usual_pieces(l, '{a,b}') IS NOT NULL"
        " FROM pgpredict.learner AS l WHERE l.name = 'family'",
    )
    assert usual is True

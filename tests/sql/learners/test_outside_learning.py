"""Learners in the worker: what scikit-learn learns there, bit for bit, and what SQL answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import psycopg
import pytest
from sklearn.base import is_classifier
from sklearn.cluster import Birch, MiniBatchKMeans
from sklearn.decomposition import (
    IncrementalPCA,
    LatentDirichletAllocation,
    MiniBatchDictionaryLearning,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import pgpredict
from pgpredict.errors import InvalidLearner
from pgpredict_transpiler.errors import UnsupportedEstimator
from tests.sql.learners.asking import Connection, batches, learn, one, parameters
from tests.sql.learners.outside import (
    assert_knows_its_batches,
    assert_same_numbers,
    create_outside,
    drain_outside,
)
from tests.sql.learners.payments import create, estimator, insert, label, rows

FAMILIES = [
    MLPClassifier((6, 3), learning_rate_init=0.01),
    MLPClassifier((4,), solver="sgd", learning_rate_init=0.01, activation="tanh"),
    MLPRegressor(hidden_layer_sizes=(5,), alpha=0.01),
    IncrementalPCA(2),
    MiniBatchKMeans(3, reassignment_ratio=0.5, batch_size=10),
    MiniBatchDictionaryLearning(3, transform_algorithm="threshold"),
    make_pipeline(StandardScaler(), MLPClassifier((4,))),
    make_pipeline(MinMaxScaler(), IncrementalPCA(1)),
]


def names(each: Any) -> str:
    return " ".join(type(step).__name__ for _, step in getattr(each, "steps", [("", each)]))


@pytest.mark.parametrize("made_of", FAMILIES, ids=names)
@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_as_one_process_would(
    db: pgpredict.Database,
    connection: Connection,
    another: Callable[[], Connection],
    made_of: Any,
) -> None:
    """Each batch by another client, so that each reads the state that the one before has left."""
    learner = create_outside(db, made_of)
    assert (learner.place, learner.answers) == ("worker", True)
    assert one(connection, "SELECT predict.pupil(1, 1)") is None
    insert(connection, 1, 160)
    assert db.learn("pupil", 30) == 30
    assert [pgpredict.connect(another()).learn("pupil", n) for n in (7, 60)] == [7, 60]
    assert drain_outside(db, 50) == 63
    assert [len(keys) for keys in batches(connection, "pupil")] == [30, 7, 60, 50, 13]
    oracle = assert_knows_its_batches(db, connection, made_of)
    X = rows(1, 160)[0].to_numpy()
    wanted = oracle.predict(X) if hasattr(oracle, "predict") else oracle.transform(X)
    given = connection.execute("SELECT predict.pupil(p) FROM payments AS p ORDER BY id").fetchall()
    assert np.array([answer for (answer,) in given]) == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    if hasattr(oracle, "predict_proba"):
        shares = connection.execute("SELECT predict.pupil_proba(p) FROM payments AS p ORDER BY id")
        assert [share for (share,) in shares.fetchall()] == pytest.approx(
            oracle.predict_proba(X)[:, 1], rel=1e-9, abs=1e-12
        )


@pytest.mark.parametrize(
    "made_of",
    [
        SGDClassifier(loss="log_loss", average=40),
        SGDRegressor(penalty="elasticnet", eta0=0.001),
        make_pipeline(StandardScaler(), SGDClassifier()),
        GaussianNB(),
    ],
    ids=names,
)
def test_both_places_know_the_same(
    db: pgpredict.Database, connection: Connection, made_of: Any
) -> None:
    """The kernel and scikit-learn are each other's oracle."""
    create_outside(db, made_of, "inside", place="database")
    create_outside(db, made_of, "outside", place="worker")
    assert [db.learner(name).place for name in ("inside", "outside")] == ["database", "worker"]
    insert(connection, 1, 130)
    for name in ("inside", "outside"):
        assert drain_outside(db, 40, name) == 130
    assert batches(connection, "inside") == batches(connection, "outside")
    inside, outside = parameters(connection, "inside"), parameters(connection, "outside")
    if isinstance(made_of, GaussianNB):
        assert inside == pytest.approx(outside, rel=1e-12)
    else:
        assert inside.tolist() == outside.tolist()
    # The first batch is told by what nobody has taught: only the kernel says something of that.
    told = [db.learner_states(name, 3) for name in ("inside", "outside")]
    for mine, others in zip(*told, strict=True):
        for metric in ("log_loss", "accuracy", "auc", "mae", "rmse"):
            given, wanted = getattr(mine, metric), getattr(others, metric)
            assert given == (wanted and pytest.approx(wanted, rel=1e-9))
    asked = "SELECT array_agg(predict.{}(p) ORDER BY id)::text FROM payments AS p"
    assert one(connection, asked.format("inside")) == one(connection, asked.format("outside"))


def test_predicted_before_it_is_learnt(db: pgpredict.Database, connection: Connection) -> None:
    create_outside(db, MLPClassifier((3,)))
    insert(connection, 1, 60)
    drain_outside(db, 20)
    first, second = db.learner_states("pupil", 3)[::-1][:2]
    assert (first.log_loss, first.accuracy, first.auc) == (None, None, None)
    before = db.export_learner("pupil", 1)
    X, y = rows(21, 40)
    assert second.accuracy == before.score(X, y)
    assert second.auc is not None
    shares = before.predict_proba(X)[np.arange(20), y.astype(int)]
    assert second.log_loss == pytest.approx(-np.log(shares).mean())
    metrics = one(connection, "SELECT accuracy FROM pgpredict.learner_metrics")
    assert metrics == pytest.approx(np.mean([s.accuracy for s in db.learner_states("pupil", 2)]))


def test_more_classes_and_text(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute(
        "CREATE TABLE pets (id int PRIMARY KEY, a float8, b float8, kind text);"
        "INSERT INTO pets SELECT n, n % 7, n % 5, (ARRAY['cat', 'dog', 'a newt'])[n % 3 + 1]"
        " FROM generate_series(1, 90) AS n"
    )
    made_of = MLPClassifier((4,), random_state=3)
    db.create_learner(
        "pets", made_of, source="pets", features=["a", "b"], target="kind", backfill=True
    )
    assert drain_outside(db, 50, "pets") == 90
    oracle = db.export_learner("pets")
    assert oracle.classes_.tolist() == ["a newt", "cat", "dog"]
    X = np.array([[n % 7, n % 5] for n in range(1, 91)], dtype=float)
    given = connection.execute("SELECT predict.pets(p), predict.pets_proba(p) FROM pets AS p"
                               " ORDER BY id").fetchall()  # fmt: skip
    del oracle.feature_names_in_  # X here is an array
    assert [answer for answer, _ in given] == oracle.predict(X).tolist()
    assert np.array([shares for _, shares in given]) == pytest.approx(
        oracle.predict_proba(X), rel=1e-9
    )
    assert db.learner_states("pets", 1)[0].log_loss is not None


def test_late_labels_pause_and_any_state(db: pgpredict.Database, connection: Connection) -> None:
    create_outside(db, MLPClassifier((3,)), backfill=True)
    insert(connection, 1, 40, labelled=False)
    assert drain_outside(db) == 0
    label(connection, 1, 30)
    assert db.pause_learner("pupil")
    assert db.learn("pupil") == 0
    db.resume_learner("pupil")
    assert drain_outside(db, 15) == 30
    states = [one(connection, f"SELECT predict.pupil_proba_at({n}, 0.5, 3)") for n in range(3)]
    assert states[0] is None
    assert states[1] != states[2] == one(connection, "SELECT predict.pupil_proba(0.5, 3)")
    assert db.drop_learner("pupil") == 0
    assert db.learners() == []


def test_scores_of_a_whole_table(db: pgpredict.Database, connection: Connection) -> None:
    create_outside(db, IncrementalPCA(2))
    insert(connection, 1, 50)
    drain_outside(db)
    db.score("pupil", source="payments", into="placed", key="id")
    assert one(connection, "SELECT count(*) FROM placed AS s JOIN payments AS p USING (id)"
                           " WHERE s.prediction = predict.pupil(p)") == 50  # fmt: skip


def test_what_answers_in_python_alone(db: pgpredict.Database, connection: Connection) -> None:
    made_of = LatentDirichletAllocation(2)
    learner = create_outside(db, made_of)
    assert (learner.place, learner.answers) == ("worker", False)
    connection.execute("INSERT INTO payments SELECT n, n % 5, n % 3, true, NULL"
                       " FROM generate_series(1, 40) AS n")  # fmt: skip
    assert drain_outside(db, 25) == 40
    with pytest.raises(psycopg.errors.UndefinedFunction):
        connection.execute("SELECT predict.pupil(1, 1)")
    assert one(connection, "SELECT predict.pupil_state()") == 2
    X = np.array([[n % 5, n % 3] for n in range(1, 41)], dtype=float)
    oracle = LatentDirichletAllocation(2, random_state=0)
    oracle.partial_fit(X[:25]).partial_fit(X[25:])
    assert_same_numbers(oracle, db.export_learner("pupil"))
    with pytest.raises(InvalidLearner, match="nothing in SQL answers for learner pupil"):
        db.score("pupil", source="payments", into="placed", key="id")


def test_too_few_rows_to_begin_with_wait(db: pgpredict.Database, connection: Connection) -> None:
    create_outside(db, MiniBatchKMeans(12))
    insert(connection, 1, 11)
    assert db.learn("pupil") == 0
    assert db.learner("pupil").depth == 11
    insert(connection, 12, 14)
    assert drain_outside(db, 5) == 14  # a first batch is as large as it must be
    assert [len(keys) for keys in batches(connection, "pupil")] == [12, 2]
    assert_knows_its_batches(db, connection, MiniBatchKMeans(12))


def test_sql_says_who_learns(db: pgpredict.Database, connection: Connection) -> None:
    create_outside(db, MLPClassifier((3,)))
    insert(connection, 1, 20)
    with pytest.raises(psycopg.Error, match="outside of the database") as caught:
        learn(connection, learner="pupil")
    assert caught.value.sqlstate == "PP011"
    assert caught.value.diag.message_hint == "run pgpredict worker, or db.learn in Python"
    with pytest.raises(psycopg.Error, match="outside of the database") as caught:
        connection.execute("SELECT pgpredict.unlearn('pupil', '{1}')")
    assert caught.value.diag.message_hint == "call db.unlearn, or pgpredict learner unlearn"
    assert db.learner("pupil").depth == 20
    create(db, "inside")
    with pytest.raises(psycopg.Error, match="learner inside learns in the database"):
        connection.execute("SELECT pgpredict.claim_batch('inside', 10)")
    assert db.learner("inside").state == 0


@pytest.mark.parametrize(
    ("made_of", "options", "why"),
    [
        (MLPClassifier((3,)), {"place": "database"}, "it can learn in the worker"),
        (Birch(), {}, "what it learns has no safe file"),
        (MLPClassifier((3,), early_stopping=True), {}, "its partial_fit says: .*early_stopping"),
        (SGDClassifier(class_weight="balanced"), {}, "its partial_fit says: .*balanced"),
        (IncrementalPCA(3), {}, "its partial_fit says: n_components=3 invalid"),
        (make_pipeline(StandardScaler(), LogisticRegression()), {}, "in the database learns a"),
        (LogisticRegression(), {"place": "worker"}, "it has no partial_fit"),
    ],
    ids=str,
)
def test_refused(db: pgpredict.Database, made_of: Any, options: dict[str, Any], why: str) -> None:
    with pytest.raises(UnsupportedEstimator, match=why):
        create_outside(db, made_of, **options)
    assert db.learners() == []


def test_no_such_place(db: pgpredict.Database) -> None:
    with pytest.raises(InvalidLearner, match="place is 'moon'"):
        create(db, estimator=estimator(), place="moon")


def test_what_revises_learns_in_the_database(db: pgpredict.Database) -> None:
    with pytest.raises(InvalidLearner, match="what takes rows back learns in the database"):
        create(db, estimator=BernoulliNB(), updates="revise", place="worker")
    assert db.learners() == []


def test_all_that_waits(db: pgpredict.Database, connection: Connection) -> None:
    create_outside(db, MLPClassifier((3,)))
    insert(connection, 1, 45)
    assert pgpredict.connect(connection).catch_up("pupil", 20) == 45
    assert [len(keys) for keys in batches(connection, "pupil")] == [20, 20, 5]


def test_a_fitted_estimator_goes_on(db: pgpredict.Database, connection: Connection) -> None:
    X, y = rows(1, 50)
    model = MLPClassifier((4,), random_state=1).partial_fit(X.to_numpy(), y, classes=[False, True])
    create_outside(db, model, classes=None)
    assert is_classifier(db.export_learner("pupil"))
    assert one(connection, "SELECT predict.pupil_proba(0.2, 4)") == pytest.approx(
        model.predict_proba(np.array([[0.2, 4.0]]))[0, 1]
    )
    insert(connection, 51, 90)
    drain_outside(db)
    X, y = rows(51, 90)
    model.partial_fit(X.to_numpy(), y)
    assert_same_numbers(model, db.export_learner("pupil"))


def test_what_was_undone_is_not_remembered(db: pgpredict.Database, connection: Connection) -> None:
    """Two states of the same number: one that was undone, and another client's."""
    made_of = MLPClassifier((3,))
    create_outside(db, made_of)
    insert(connection, 1, 20)
    undone = pgpredict.connect(connection)
    with connection.transaction(force_rollback=True):
        assert undone.learn("pupil") == 20
    assert db.learn("pupil", 7) == 7
    assert undone.learn("pupil") == 13
    assert_knows_its_batches(db, connection, made_of)

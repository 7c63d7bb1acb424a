"""A learner that revises is scikit-learn's own fit of the rows that are labelled now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB

import pgpredict
from tests.sql.learners.asking import Connection, drain, one, quarantine, state
from tests.sql.learners.flats import FLATS, assert_fitted, create, insert, labelled, target_of

ESTIMATORS = [
    LinearRegression(),
    LinearRegression(fit_intercept=False),
    Ridge(0.5),
    MultinomialNB(),
    BernoulliNB(binarize=50.0),
    ComplementNB(norm=True),
]


@pytest.fixture(autouse=True)
def flats(connection: Connection) -> None:
    connection.execute(FLATS)
    insert(connection, 1, 60)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=repr)
def test_what_changes_and_what_goes(
    db: pgpredict.Database, connection: Connection, estimator: Any
) -> None:
    target = target_of(estimator)
    create(db, estimator)
    assert drain(connection, 25, "flat") == 60
    assert_fitted(db, connection, estimator)
    insert(connection, 61, 80)
    connection.execute("UPDATE flats SET size = size + 1.1, rooms = 1 WHERE id % 7 = 0")
    connection.execute(f"UPDATE flats SET {target} = (SELECT {target} FROM flats WHERE id = 1)"
                       " WHERE id % 11 = 0")  # fmt: skip
    connection.execute(f"UPDATE flats SET {target} = NULL WHERE id BETWEEN 20 AND 25")
    connection.execute("UPDATE flats SET id = id + 1000 WHERE id BETWEEN 30 AND 32")
    connection.execute("DELETE FROM flats WHERE id BETWEEN 40 AND 49")
    drain(connection, 25, "flat")
    assert_fitted(db, connection, estimator)
    X, _ = labelled(connection, target)
    oracle = db.export_learner("flat")
    asked = connection.execute(
        f"SELECT array_agg(predict.flat(f) ORDER BY id),"
        f" array_agg(predict.flat_at({state(connection, 'flat')}, f) ORDER BY id)"
        f" FROM flats AS f WHERE {target} IS NOT NULL"
    ).fetchone()
    assert asked is not None
    assert asked[0] == asked[1]
    if is_classifier(estimator):
        assert asked[0] == oracle.predict(X).tolist()
        shares = connection.execute(
            f"SELECT predict.flat_proba(f) FROM flats AS f WHERE {target} IS NOT NULL ORDER BY id"
        ).fetchall()
        assert [row for (row,) in shares] == pytest.approx(oracle.predict_proba(X), rel=1e-9)
    else:
        assert asked[0] == pytest.approx(oracle.predict(X).tolist(), rel=1e-9)
    connection.execute("TRUNCATE flats")
    drain(connection, 25, "flat")
    assert one(connection, "SELECT array_agg(DISTINCT s) FROM pgpredict.learner_sums, unnest(sums)"
                           " AS s") == [0]  # fmt: skip
    assert one(connection, "SELECT predict.flat(1, 1)") is None


def test_linear_models_revise_by_themselves_and_know_the_rows_that_were_there(
    db: pgpredict.Database, connection: Connection
) -> None:
    learner = create(db, Ridge(), updates=None)
    assert (learner.updates, learner.depth) == ("revise", 60)
    nb = create(db, MultinomialNB(), "nb", updates=None)
    assert (nb.updates, nb.depth) == ("ignore", 0)


def test_older_states_are_fits_of_the_rows_of_then(
    db: pgpredict.Database, connection: Connection
) -> None:
    create(db, LinearRegression())
    drain(connection, learner="flat")
    X, y = labelled(connection, "rent")
    then = clone(LinearRegression()).fit(X, y)
    connection.execute("DELETE FROM flats WHERE id > 30")
    drain(connection, learner="flat")
    assert db.export_learner("flat", 1).coef_ == pytest.approx(then.coef_, rel=1e-11)
    assert db.export_learner("flat", 2).coef_ != pytest.approx(then.coef_, rel=1e-3)
    assert not hasattr(db.export_learner("flat", 0), "coef_")
    assert one(connection, "SELECT predict.flat_at(1, f) FROM flats AS f WHERE id = 1") == (
        pytest.approx(then.predict(X)[0])
    )
    db.score("flat", source="flats", into="scores", key="id")
    scored = connection.execute("SELECT prediction FROM scores ORDER BY id LIMIT 3").fetchall()
    asked = connection.execute("SELECT predict.flat(f) FROM flats AS f ORDER BY id LIMIT 3")
    assert scored == asked.fetchall()


def test_what_no_learner_reads_makes_no_work(
    db: pgpredict.Database, connection: Connection
) -> None:
    create(db, Ridge())
    connection.execute("UPDATE flats SET rent = NULL WHERE id <= 5")
    drain(connection, learner="flat")
    connection.execute("UPDATE flats SET note = 'x', size = size + 0.0")
    connection.execute("UPDATE flats SET size = 7, rooms = 7 WHERE id <= 5")
    connection.execute("DELETE FROM flats WHERE id <= 5")
    connection.execute("INSERT INTO flats (id, size) VALUES (99, 5)")
    assert db.learner("flat").depth == 0
    # There and back before it is learnt: there is a key, but nothing to do.
    connection.execute("UPDATE flats SET size = size + 1 WHERE id = 10")
    connection.execute("UPDATE flats SET size = size - 1 WHERE id = 10")
    before = state(connection, "flat")
    assert drain(connection, learner="flat") > 0
    assert state(connection, "flat") == before


def test_metrics_are_of_rows_that_were_not_known(
    db: pgpredict.Database, connection: Connection
) -> None:
    create(db, LinearRegression())
    drain(connection, learner="flat")
    insert(connection, 61, 70)
    connection.execute("UPDATE flats SET rent = rent * 2 WHERE id <= 20")
    connection.execute("DELETE FROM flats WHERE id = 30")
    oracle = db.export_learner("flat")
    drain(connection, learner="flat")
    X, y = labelled(connection, "rent", "id NOT BETWEEN 61 AND 70")
    last, first = db.learner_states("flat", 2)
    assert (last.made_by, last.rows, last.batch_rows, last.taken_back) == ("learnt", 69, 10, 21)
    assert last.mae == pytest.approx(abs(oracle.predict(X) - y).mean())
    assert (first.batch_rows, first.mae) == (60, None)
    connection.execute("DELETE FROM flats WHERE id = 31")
    drain(connection, learner="flat")
    (last,) = db.learner_states("flat", 1)
    assert (last.made_by, last.rows, last.batch_rows, last.taken_back) == ("revised", 68, 0, 1)
    assert one(connection, "SELECT batches FROM pgpredict.learner_metrics") == 2


def test_the_quarantine_holds_what_cannot_be_learnt_now(
    db: pgpredict.Database, connection: Connection
) -> None:
    create(db, MultinomialNB())
    db.add_rule("flat", "large", "size < 1000")
    drain(connection, 30, "flat")
    told, untold, _ = db.learner_states("flat")
    assert (untold.log_loss, untold.accuracy) == (None, None)  # it had no answer yet
    assert told.log_loss is not None
    assert told.log_loss < 5
    connection.execute("UPDATE flats SET size = 2000 WHERE id = 1")
    connection.execute("UPDATE flats SET size = 'NaN' WHERE id = 2")
    connection.execute("UPDATE flats SET kind = 'tent' WHERE id = 3")
    connection.execute("UPDATE flats SET rooms = -1 WHERE id = 4")
    drain(connection, learner="flat")
    assert quarantine(connection, "flat") == {
        "1": "size is 2000: rule large, size < 1000",
        "2": "size is NaN",
        "3": "kind is of no known class",
        "4": "a MultinomialNB learns no negative features",
    }
    assert db.learner_states("flat", 1)[0].quarantined == 4
    assert_fitted(db, connection, MultinomialNB(), but="id <= 4")
    connection.execute("UPDATE flats SET note = 'x' WHERE id = 1")
    assert db.reconcile_learner("flat") == 0
    connection.execute("UPDATE flats SET size = 2 WHERE id = 2")
    connection.execute("DELETE FROM flats WHERE id = 3")
    drain(connection, learner="flat")
    assert set(quarantine(connection, "flat")) == {"1", "4"}
    assert db.release_quarantine("flat") == 2
    drain(connection, learner="flat")
    assert set(quarantine(connection, "flat")) == {"4"}
    assert_fitted(db, connection, MultinomialNB(), but="id = 4")


def test_rows_are_learnt_as_they_are_committed(
    db: pgpredict.Database, connection: Connection, another: Callable[[], Connection]
) -> None:
    create(db, LinearRegression())
    drain(connection, learner="flat")
    writer = another()
    with writer.transaction():
        writer.execute("UPDATE flats SET rent = 9000 WHERE id <= 10")
        writer.execute("DELETE FROM flats WHERE id > 50")
        insert(connection, 61, 70)
        drain(connection, learner="flat")
        assert_fitted(db, connection, LinearRegression())
    with connection.transaction(force_rollback=True):
        drain(connection, learner="flat")
    drain(connection, 7, learner="flat")
    assert_fitted(db, connection, LinearRegression())


def test_a_truncate_by_one_who_sees_the_past(
    db: pgpredict.Database, connection: Connection, another: Callable[[], Connection]
) -> None:
    create(db, LinearRegression())
    writer = another()
    writer.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    writer.execute("SELECT 1")
    drain(connection, learner="flat")
    writer.execute("TRUNCATE flats")
    writer.execute("INSERT INTO flats VALUES (5, 1, 1, 500), (6, 2, 1, 600)")
    writer.execute("COMMIT")
    drain(connection, learner="flat")
    assert db.learner("flat").rows == 2
    assert one(connection, "SELECT predict.flat(3, 1)") == pytest.approx(700)


def test_writing_with_nobody_watching(db: pgpredict.Database, connection: Connection) -> None:
    create(db, Ridge())
    drain(connection, learner="flat")
    connection.execute("ALTER TABLE flats DISABLE TRIGGER USER")
    connection.execute("DELETE FROM flats WHERE id <= 10")
    connection.execute("UPDATE flats SET rent = 1 WHERE id = 11")
    insert(connection, 61, 64)
    connection.execute("ALTER TABLE flats ENABLE TRIGGER USER")
    assert drain(connection, learner="flat") == 0
    assert db.reconcile_learner("flat") == 15
    assert drain(connection, learner="flat") == 15
    assert_fitted(db, connection, Ridge())
    assert db.reconcile_learner("flat") == 0

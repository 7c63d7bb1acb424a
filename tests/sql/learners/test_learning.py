"""What a learner knows is what scikit-learn knows after the same batches, bit for bit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

import pgpredict
from tests.sql.learners.asking import Connection, batches, drain, learn, one, parameters, state
from tests.sql.learners.payments import create, estimator, insert, rows

SIZES = [1, 7, 100, 3, 250, 40]


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


def learn_unevenly(connection: Connection) -> SGDClassifier:
    """The same uneven batches in the database and in Python; returns what Python learnt."""
    model, first = estimator(), 1
    for size in SIZES:
        insert(connection, first, first + size - 1)
        assert drain(connection, size) == size
        model.partial_fit(*rows(first, first + size - 1), classes=[False, True])
        first += size
    return model


def test_parameters_after_uneven_batches(
    db: pgpredict.Database, connection: Connection, fraud: str
) -> None:
    model = learn_unevenly(connection)
    exported = db.export_learner("fraud")
    assert (exported.coef_ == model.coef_).all()
    assert (exported.intercept_ == model.intercept_).all()
    assert exported.t_ == model.t_
    assert [len(keys) for keys in batches(connection)] == SIZES
    assert state(connection) == len(SIZES)


def test_export_goes_on_as_python_does(
    db: pgpredict.Database, connection: Connection, fraud: str
) -> None:
    model = learn_unevenly(connection)
    exported = db.export_learner("fraud")
    for learner in (model, exported):
        learner.partial_fit(*rows(2000, 2100))
    assert (exported.coef_ == model.coef_).all()


def test_predictions_by_arguments_and_by_row(
    db: pgpredict.Database, connection: Connection, fraud: str
) -> None:
    model = learn_unevenly(connection)
    X, _ = rows(1, 60)
    answers = connection.execute(
        "SELECT predict.fraud(amount, hours), predict.fraud_proba(amount, hours),"
        " predict.fraud(p), predict.fraud_proba(p)"
        " FROM payments AS p WHERE id <= 60 ORDER BY id"
    ).fetchall()
    labels, shares, labels_of_rows, shares_of_rows = (
        np.array(a) for a in zip(*answers, strict=True)
    )
    assert (labels == model.predict(X)).all()
    assert shares == pytest.approx(model.predict_proba(X)[:, 1], rel=1e-12)
    assert (labels_of_rows == labels).all()
    assert (shares_of_rows == shares).all()


def test_predictions_of_a_past_state(
    db: pgpredict.Database, connection: Connection, fraud: str
) -> None:
    learn_unevenly(connection)
    X, _ = rows(1, 60)
    for number in (0, 2, len(SIZES)):
        shares = connection.execute(
            "SELECT predict.fraud_proba_at(%s, amount, hours), predict.fraud_proba_at(%s, p)"
            " FROM payments AS p WHERE id <= 60 ORDER BY id",
            [number, number],
        ).fetchall()
        of_state = db.export_learner("fraud", number)
        expected = of_state.predict_proba(X)[:, 1] if number else np.full(60, 0.5)
        assert np.array(shares)[:, 0] == pytest.approx(expected, rel=1e-12)
        assert [a for a, _ in shares] == [b for _, b in shares]


def test_missing_values_have_no_prediction(connection: Connection, fraud: str) -> None:
    answers = connection.execute(
        "SELECT predict.fraud(NULL, 1), predict.fraud('NaN', 1), predict.fraud_proba(1, NULL)"
    ).fetchone()
    assert answers == (None, None, None)


def test_metrics_are_of_predictions_made_before(
    db: pgpredict.Database, connection: Connection, fraud: str
) -> None:
    """Each batch is predicted with what the batches before it taught."""
    insert(connection, 1, 300)
    drain(connection, 100)
    for number in (2, 3):
        before = db.export_learner("fraud", number - 1)
        X, y = rows(100 * number - 99, 100 * number)
        found = next(s for s in db.learner_states("fraud") if s.state == number)
        shares = before.predict_proba(X)[:, 1]
        assert found.log_loss == pytest.approx(log_loss(y, shares))
        assert found.accuracy == pytest.approx(accuracy_score(y, before.predict(X)))
        assert found.auc == pytest.approx(roc_auc_score(y, shares))
        assert (found.came_from, found.made_by, found.batch_rows) == (number - 1, "learnt", 100)
        assert (found.rows, found.mae, found.rmse) == (100 * number, None, None)


def test_a_regressor_has_errors_for_metrics(db: pgpredict.Database, connection: Connection) -> None:
    db.create_learner(
        "size",
        SGDRegressor(shuffle=False),
        source="payments",
        features=["hours"],
        target="amount",
    )
    insert(connection, 1, 200)
    drain(connection, 100, "size")
    before = db.export_learner("size", 1)
    X, _ = rows(101, 200)
    errors = before.predict(X[["hours"]]) - X["amount"]
    found = db.learner_states("size")[0]
    assert found.mae == pytest.approx(np.abs(errors).mean())
    assert found.rmse == pytest.approx(np.sqrt((errors**2).mean()))
    assert (found.log_loss, found.accuracy, found.auc) == (None, None, None)
    assert one(connection, "SELECT predict.size(3)") == pytest.approx(
        db.export_learner("size").predict(pd.DataFrame({"hours": [3.0]}))[0]
    )


@pytest.mark.parametrize("extreme", ["1e-150", "-1e-320", "1e101", "-1e102", "NULL", "'NaN'"])
def test_rows_beyond_the_usual_are_predicted_as_anywhere(
    db: pgpredict.Database, connection: Connection, extreme: str
) -> None:
    """A batch is predicted as it is read, but to the last bit as each of its rows alone."""
    create(db, "lines", estimator=SGDRegressor(shuffle=False), classes=None, target="id")
    insert(connection, 1, 60)
    drain(connection, 60, "lines")
    insert(connection, 61, 99)
    connection.execute(f"UPDATE payments SET amount = {extreme} WHERE id % 20 = 7".encode())
    assert drain(connection, 60, "lines") == 39
    differing, count = connection.execute(
        "SELECT count(*) FILTER (WHERE l.predicted IS DISTINCT FROM"
        " predict.lines_at(1, p.amount, p.hours)), count(*)"
        " FROM pgpredict.learner_batch AS b,"
        " LATERAL unnest(b.keys, b.predicted) AS l (key, predicted)"
        " JOIN payments AS p ON p.id = l.key::bigint"
        " WHERE b.learner = 'lines' AND b.state = 2"
    ).fetchall()[0]
    assert (differing, count) == (0, 39 if "e" in extreme else 37)


def test_three_classes_of_text(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute("ALTER TABLE payments ADD COLUMN kind text")
    kinds = np.array(["gift", "rent", "wage"])
    insert(connection, 1, 90)
    connection.execute(
        "UPDATE payments SET kind = (ARRAY['gift', 'rent', 'wage'])[1 + hours * 3 / 24]"
    )
    create(db, "kinds", target="kind", classes=None, backfill=True)
    drain(connection, 30, "kinds")
    model = estimator()
    for first in (1, 31, 61):
        X, _ = rows(first, first + 29)
        model.partial_fit(X, kinds[(X["hours"] * 3 // 24).astype(int)], classes=kinds)
    X, _ = rows(1, 90)
    answers = connection.execute(
        "SELECT predict.kinds(p), predict.kinds_proba(p) FROM payments AS p ORDER BY id"
    ).fetchall()
    assert [label for label, _ in answers] == model.predict(X).tolist()
    assert np.array([share for _, share in answers]) == pytest.approx(
        model.predict_proba(X), rel=1e-12
    )
    assert (db.export_learner("kinds").coef_ == model.coef_).all()
    last = db.learner_states("kinds")[0]
    before, labels = db.export_learner("kinds", 2), kinds[(X["hours"][60:] * 3 // 24).astype(int)]
    assert last.log_loss == pytest.approx(log_loss(labels, before.predict_proba(X[60:])))
    assert last.accuracy == pytest.approx(accuracy_score(labels, before.predict(X[60:])))
    assert last.auc is None


def test_a_fitted_estimator_goes_on_from_its_numbers(
    db: pgpredict.Database, connection: Connection
) -> None:
    model = estimator().partial_fit(*rows(500, 600), classes=[False, True])
    create(db, estimator=model, classes=None)
    assert (db.export_learner("fraud").coef_ == model.coef_).all()
    insert(connection, 1, 50)
    assert learn(connection) == 50
    model.partial_fit(*rows(1, 50))
    assert (db.export_learner("fraud").coef_ == model.coef_).all()
    assert parameters(connection)[:2].tolist() == model.coef_[0].tolist()

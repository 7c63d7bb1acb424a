"""What cannot be learnt is in quarantine with the reason; the learner goes on."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import SGDRegressor

import pgpredict
from tests.sql.learners.asking import (
    Connection,
    batches,
    drain,
    learn,
    learnt,
    one,
    parameters,
    quarantine,
    state,
)
from tests.sql.learners.payments import create, estimator, insert, rows


def put(connection: Connection, key: int, amount: str, hours: str = "1") -> None:
    """A payment with numbers as Postgres writes them."""
    connection.execute(
        "INSERT INTO payments (id, amount, hours, is_fraud) VALUES (%s, %s, %s, true)",
        [key, amount, None if hours == "NULL" else hours],
    )


@pytest.mark.usefixtures("fraud")
def test_missing_and_infinite_features(db: pgpredict.Database, connection: Connection) -> None:
    insert(connection, 1, 5)
    put(connection, 10, "NaN")
    put(connection, 11, "Infinity")
    put(connection, 12, "-Infinity")
    put(connection, 13, "1", "NULL")
    insert(connection, 6, 9)
    assert learn(connection) == 13
    assert quarantine(connection) == {
        "10": "amount is NaN",
        "11": "amount is infinite",
        "12": "amount is infinite",
        "13": "hours is NULL",
    }
    model = estimator().partial_fit(*rows(1, 9), classes=[False, True])
    assert (db.export_learner("fraud").coef_ == model.coef_).all()
    assert batches(connection) == [[*range(1, 10)]]
    assert db.learner_states("fraud")[0].quarantined == 4
    assert db.learner("fraud").quarantined == 4
    content = one(connection, "SELECT content FROM pgpredict.quarantine WHERE key = '10'")
    assert content == {"id": 10, "amount": "NaN", "hours": 1, "is_fraud": True, "note": None}


@pytest.mark.usefixtures("fraud")
def test_a_batch_of_nothing_else_makes_no_state(connection: Connection) -> None:
    put(connection, 1, "NaN")
    assert learn(connection) == 1
    assert (state(connection), len(quarantine(connection))) == (0, 1)
    insert(connection, 2, 3)
    assert learn(connection) == 2
    assert state(connection) == 1


def test_a_class_never_seen(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute("ALTER TABLE payments ADD COLUMN kind text")
    create(db, target="kind", classes=["gift", "rent"])
    insert(connection, 1, 6)
    connection.execute("UPDATE payments SET kind = (ARRAY['gift', 'rent', 'bribe'])[1 + id % 3]")
    assert learn(connection) == 6
    assert learnt(connection) == [1, 3, 4, 6]
    assert quarantine(connection) == {
        "2": "kind is of no known class",
        "5": "kind is of no known class",
    }


def test_labels_of_a_regressor(db: pgpredict.Database, connection: Connection) -> None:
    db.create_learner(
        "size", SGDRegressor(), source="payments", features=["hours"], target="amount"
    )
    for key, amount in enumerate(["1", "NaN", "Infinity", "2", "-Infinity"]):
        put(connection, key, amount)
    assert learn(connection, learner="size") == 5
    assert learnt(connection, "size") == [0, 3]
    assert quarantine(connection, "size") == {
        "1": "amount is NaN",
        "2": "amount is infinite",
        "4": "amount is infinite",
    }


@pytest.mark.usefixtures("fraud")
def test_rows_that_overflow_go_alone(db: pgpredict.Database, connection: Connection) -> None:
    insert(connection, 1, 20)
    drain(connection)
    insert(connection, 21, 30)
    put(connection, 100, "1.7e308")
    insert(connection, 31, 50)
    put(connection, 101, "-1.7e308")
    assert learn(connection) == 32
    held = quarantine(connection)
    assert {key: "learning it fails" in reason for key, reason in held.items()} == {
        "100": True,
        "101": True,
    }
    assert learnt(connection) == [*range(1, 51)]
    assert np.isfinite(parameters(connection)).all()
    assert db.learner_states("fraud")[0].quarantined == 2
    # The batches are those that the history says.
    model, first = estimator(), 0
    for keys in batches(connection):
        model.partial_fit(*rows(keys[0], keys[-1]), classes=[False, True])
        first += len(keys)
    assert (db.export_learner("fraud").coef_ == model.coef_).all()


@pytest.mark.usefixtures("fraud")
def test_a_learner_whose_numbers_are_lost_stops(
    db: pgpredict.Database, connection: Connection
) -> None:
    """It keeps the last state, and does not fill the quarantine with every row that comes."""
    insert(connection, 1, 5)
    drain(connection)
    connection.execute("UPDATE pgpredict.learner_current SET parameters[1] = 1.7e308")
    connection.execute("UPDATE payments SET amount = 1e9")
    insert(connection, 11, 30)
    connection.execute("UPDATE payments SET amount = 1e9 + id")
    drain(connection)
    stopped = db.learner("fraud")
    assert (stopped.status, stopped.state) == ("stopped", 1)
    assert "the parameters are beyond 1e100" in str(stopped.why)
    insert(connection, 31, 40)
    assert drain(connection) == 0
    assert one(connection, "SELECT count(*) FROM pgpredict.ready_streams()") == 0
    assert db.resume_learner("fraud")
    assert db.learner("fraud").status == "learning"


@pytest.mark.usefixtures("fraud")
def test_a_feature_that_is_constant(db: pgpredict.Database, connection: Connection) -> None:
    insert(connection, 1, 50)
    connection.execute("UPDATE payments SET hours = 3")
    drain(connection)
    X, y = rows(1, 50)
    X["hours"] = 3.0
    model = estimator().partial_fit(X, y, classes=[False, True])
    assert (db.export_learner("fraud").coef_ == model.coef_).all()


@pytest.mark.usefixtures("fraud")
def test_what_cannot_be_captured_is_kept_and_fails_no_writer(connection: Connection) -> None:
    connection.execute("ALTER TABLE pgpredict.fraud_queue ADD CONSTRAINT no CHECK (rows < 0)")
    insert(connection, 1, 2)
    assert one(connection, "SELECT count(*) FROM payments") == 2
    reasons = connection.execute("SELECT reason, content ->> 'id' FROM pgpredict.quarantine")
    assert [(r.split(":")[0], i) for r, i in reasons] == [
        ("it could not be captured", "1"),
        ("it could not be captured", "2"),
    ]

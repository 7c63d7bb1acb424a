"""Whole tables by a learner: `db.score` reads the state once."""

from __future__ import annotations

import pytest
from sklearn.linear_model import SGDRegressor

import pgpredict
from pgpredict.errors import InvalidLearner, InvalidSource, UnknownModel
from tests.sql.learners.asking import Connection, drain, one
from tests.sql.learners.payments import insert


def score(db: pgpredict.Database, learner: str = "fraud", version: int | None = None) -> int:
    return db.score(learner, source="payments", into="scores", key="id", version=version).rows


@pytest.mark.usefixtures("fraud")
def test_the_current_state(db: pgpredict.Database, connection: Connection) -> None:
    insert(connection, 1, 300)
    drain(connection, 100)
    connection.execute("INSERT INTO payments VALUES (301, NULL, 1), (302, 'NaN', 1)")
    assert score(db) == 302
    wrong = connection.execute(
        "SELECT * FROM payments AS p LEFT JOIN scores AS s USING (id)"
        " WHERE s.prediction IS DISTINCT FROM predict.fraud(p) OR s.version IS DISTINCT FROM 3"
        "    OR s.probability IS DISTINCT FROM predict.fraud_proba(p)"
    ).fetchall()
    assert wrong == []
    assert one(connection, "SELECT count(prediction) FROM scores") == 300


@pytest.mark.usefixtures("fraud")
def test_a_past_state(db: pgpredict.Database, connection: Connection) -> None:
    insert(connection, 1, 100)
    drain(connection, 10)
    connection.execute("SET extra_float_digits = 0")
    assert score(db, version=4) == 100
    wrong = one(
        connection,
        "SELECT count(*) FROM payments AS p JOIN scores AS s USING (id)"
        " WHERE s.probability <> predict.fraud_proba_at(4, p) OR s.version <> 4",
    )
    assert wrong == 0
    with pytest.raises(InvalidLearner, match="no state 99"):
        score(db, version=99)


@pytest.mark.usefixtures("fraud")
def test_a_source_that_does_not_fit(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute("CREATE TABLE other (id bigint PRIMARY KEY, amount float8)")
    with pytest.raises(InvalidSource, match="do not fit"):
        db.score("fraud", source="other", into="scores", key="id")


def test_a_regressor(db: pgpredict.Database, connection: Connection) -> None:
    db.create_learner(
        "size", SGDRegressor(shuffle=False), source="payments", features=["hours"], target="amount"
    )
    insert(connection, 1, 50)
    drain(connection, learner="size")
    assert score(db, "size") == 50
    wrong = "SELECT count(*) FROM payments AS p JOIN scores AS s USING (id)"
    assert one(connection, f"{wrong} WHERE s.prediction <> predict.size(p)") == 0


def test_neither_a_model_nor_a_learner(db: pgpredict.Database) -> None:
    with pytest.raises(UnknownModel, match="there is no model nothing"):
        score(db, "nothing")

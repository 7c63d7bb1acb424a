"""Pause, resume, drop; readers; who may do what; names and options that are refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier, SGDRegressor

import pgpredict
from pgpredict.errors import (
    InUse,
    InvalidLearner,
    InvalidName,
    InvalidSource,
    InvalidStream,
    UnknownLearner,
    UnsupportedEstimator,
)
from tests.sql.learners.asking import Connection, drain, learn, learnt, one, parameters, state
from tests.sql.learners.payments import FEATURES, create, insert


@pytest.mark.usefixtures("fraud")
def test_rows_wait_while_a_learner_is_paused(
    db: pgpredict.Database, connection: Connection
) -> None:
    insert(connection, 1, 5)
    drain(connection)
    assert db.pause_learner("fraud")
    assert not db.pause_learner("fraud")
    insert(connection, 6, 10)
    assert drain(connection) == 0
    assert (db.learner("fraud").status, db.learner("fraud").depth) == ("paused", 5)
    assert one(connection, "SELECT predict.fraud(1, 1)") in (True, False)
    assert db.resume_learner("fraud")
    assert not db.resume_learner("fraud")
    assert drain(connection) == 5
    assert [event.what for event in db.events("fraud")] == [
        "create_learner",
        "pause_learner",
        "resume_learner",
    ]


@pytest.mark.usefixtures("fraud")
def test_readers_see_the_old_state_or_the_new(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    insert(connection, 1, 400)
    reader = another()
    seen = []

    def read() -> None:
        while state(reader) < 20:
            seen.extend(
                reader.execute(
                    "SELECT predict.fraud_proba_at(predict.fraud_state(), 1, 0),"
                    " array_agg(DISTINCT predict.fraud_proba(1, n / 1000))"
                    " FROM generate_series(1, 50) AS n"
                ).fetchall()
            )

    with ThreadPoolExecutor() as pool:
        reading = pool.submit(read)
        assert drain(connection, 20) == 400
        reading.result()
    assert all(shares == [of_state] for of_state, shares in seen)


@pytest.mark.usefixtures("fraud")
def test_a_statement_sees_one_state(
    connection: Connection, another: Callable[..., Connection]
) -> None:
    insert(connection, 1, 50)
    with another() as reader, reader.transaction():
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        before = parameters(reader).tolist()
        drain(connection)
        assert parameters(reader).tolist() == before
    assert parameters(connection).tolist() != before


@pytest.mark.usefixtures("fraud")
def test_nothing_is_left_of_a_learner_that_is_dropped(
    db: pgpredict.Database, connection: Connection
) -> None:
    insert(connection, 1, 5)
    learn(connection, 2)
    assert db.drop_learner("fraud") == 3
    left = connection.execute(
        "SELECT p.proname FROM pg_proc AS p WHERE p.proname LIKE 'fraud%'"
        " UNION ALL SELECT c.relname FROM pg_class AS c WHERE c.relname LIKE 'fraud%'"
        " UNION ALL SELECT t.tgname FROM pg_trigger AS t WHERE t.tgname LIKE '%fraud%'"
        " UNION ALL SELECT s.learner FROM pgpredict.learner_state AS s"
        " UNION ALL SELECT b.learner FROM pgpredict.learner_batch AS b"
    ).fetchall()
    assert left == []
    insert(connection, 6, 7)
    with pytest.raises(UnknownLearner, match="there is no learner fraud"):
        db.learn("fraud")
    create(db)
    assert db.learner("fraud").depth == 0


@pytest.mark.usefixtures("fraud")
def test_a_learner_in_use_is_not_dropped(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute("CREATE VIEW risky AS SELECT id FROM payments AS p WHERE predict.fraud(p)")
    with pytest.raises(InUse, match="something still uses its functions"):
        db.drop_learner("fraud")
    insert(connection, 1, 2)
    assert drain(connection) == 2
    connection.execute("DROP VIEW risky")
    assert db.drop_learner("fraud") == 0


@pytest.mark.usefixtures("fraud")
def test_a_renamed_source_is_followed(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute("ALTER TABLE payments RENAME TO paid")
    connection.execute("INSERT INTO paid VALUES (1, 1, 1, true)")
    said = one(connection, "SELECT array_agg(m) FROM pgpredict.maintain('fraud') AS m")
    assert said == ["the source is called public.paid now"]
    assert drain(connection) == 1
    assert db.learner("fraud").source == "public.paid"
    assert one(connection, "SELECT predict.fraud(p) FROM paid AS p") in (True, False)


def test_a_partitioned_source(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute("DROP TABLE payments")
    connection.execute(
        "CREATE TABLE payments (id bigint PRIMARY KEY, amount float8, hours integer,"
        " is_fraud boolean) PARTITION BY RANGE (id);"
        "CREATE TABLE low PARTITION OF payments FOR VALUES FROM (0) TO (100)"
    )
    create(db)
    connection.execute("CREATE TABLE high PARTITION OF payments FOR VALUES FROM (100) TO (200)")
    connection.execute("INSERT INTO payments VALUES (1, 1, 1, true), (101, 1, 1, false)")
    connection.execute("INSERT INTO low VALUES (2, 1, 1, true)")
    connection.execute("INSERT INTO high VALUES (102, 1, 1, true)")
    assert connection.execute("SELECT pgpredict.maintain('fraud')").fetchall() == []
    drain(connection)
    assert learnt(connection) == [1, 101, 2, 102]


def test_row_triggers(db: pgpredict.Database, connection: Connection) -> None:
    create(db, level="row")
    insert(connection, 1, 5)
    insert(connection, 6, 8, labelled=False)
    connection.execute("UPDATE payments SET is_fraud = true")
    drain(connection)
    assert learnt(connection) == [*range(1, 9)]


def test_a_key_of_two_columns_with_odd_names(
    db: pgpredict.Database, connection: Connection
) -> None:
    connection.execute(
        'CREATE TABLE "Odd {source}" ("it\'s" text, "%s" timestamptz, "$x" float8, "c" float8,'
        ' "state" numeric, "y z" boolean, PRIMARY KEY ("it\'s", "%s"))'
    )
    db.create_learner(
        "odd",
        SGDClassifier(loss="log_loss", shuffle=False),
        source='"Odd {source}"',
        features=["$x", "c", "state"],
        target="y z",
        classes=[True, False],
    )
    connection.execute(
        "INSERT INTO \"Odd {source}\" VALUES ('a\"b', '2026-01-01', 1, 2, 3.5, true),"
        " ('ж', '2026-01-02', 3, 4, 1e400, false), ('c', 'infinity', 0, 0, 0, false)"
    )
    assert drain(connection, learner="odd") == 3
    keys, labels = connection.execute(
        "SELECT keys, labels FROM pgpredict.learner_batch"
    ).fetchall()[0]
    assert keys == [
        '{"%s": "2026-01-01T00:00:00+00:00", "it\'s": "a\\"b"}',
        '{"%s": "infinity", "it\'s": "c"}',
    ]
    assert labels == [1.0, 0.0]
    assert one(connection, "SELECT reason FROM pgpredict.quarantine") == "state is infinite"
    assert one(connection, 'SELECT predict.odd(o) FROM "Odd {source}" AS o LIMIT 1') is True


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"name": "Fraud"}, InvalidName, "'Fraud' is not allowed"),
        ({"name": "work"}, InvalidName, "work is not allowed"),
        ({"name": "taken"}, InvalidLearner, "there is a learner taken already"),
        ({"source": "nowhere"}, InvalidSource, "there is no table nowhere"),
        ({"features": ["amount", "note"]}, InvalidSource, "do not fit the learner"),
        ({"features": ["amount", "is_fraud"]}, InvalidSource, "is_fraud is the target too"),
        ({"features": ["amount", "amount"]}, InvalidSource, "amount stands there twice"),
        ({"features": ["amount", "parameters"]}, InvalidLearner, "a feature is called parameters"),
        ({"target": "note"}, InvalidSource, "note is text, the model takes boolean"),
        ({"target": "gone"}, InvalidSource, "no column gone"),
        ({"key": "amount"}, InvalidSource, "cannot be the key"),
        ({"classes": [True]}, InvalidLearner, "single class"),
        ({"level": "page"}, InvalidLearner, "it is statement or row"),
        ({"retention": 0}, InvalidLearner, "it is at least 1 state"),
        ({"estimator": LogisticRegression()}, UnsupportedEstimator, "no partial_fit"),
        (
            {"estimator": SGDRegressor(), "classes": None},
            InvalidSource,
            "is_fraud is boolean, the model takes double precision",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    db: pgpredict.Database,
    connection: Connection,
    options: dict[str, object],
    error: type[Exception],
    says: str,
) -> None:
    create(db, "taken")
    before = one(connection, "SELECT count(*) FROM pg_proc")
    asked = {"name": "fraud", "estimator": SGDClassifier(), "source": "payments"}
    asked |= {"features": FEATURES, "target": "is_fraud", "classes": [False, True]} | options
    with pytest.raises(error, match=says):
        db.create_learner(asked.pop("name"), asked.pop("estimator"), **asked)
    assert one(connection, "SELECT count(*) FROM pg_proc") == before


@pytest.mark.usefixtures("fraud")
def test_names_belong_to_one_thing(db: pgpredict.Database, connection: Connection) -> None:
    import pandas as pd

    sample = pd.DataFrame({"amount": [1.0, 2.0, 3.0]})
    model = LinearRegression().fit(sample, [1.0, 2.0, 3.0])
    db.deploy("line", model, sample)
    for name in ("fraud", "fraud_at", "fraud_state"):
        with pytest.raises(InvalidName, match="learner fraud has functions of this name"):
            db.deploy(name, model, sample)
    with pytest.raises(InvalidLearner, match="there is a model line already"):
        create(db, "line")
    with pytest.raises(InvalidStream, match="there is a"):
        db.create_stream("fraud", "line", "payments")
    db.create_stream("lines", "line", "payments")
    with pytest.raises(InvalidLearner, match="there is a stream lines already"):
        create(db, "lines")


def test_a_kernel_that_changes_what_it_learnt_nothing_of_is_refused(
    connection: Connection,
) -> None:
    with pytest.raises(Exception, match="its kernel changes what it learnt nothing of"):
        connection.execute(
            "SELECT pgpredict.create_learner('odd', 'payments', 'is_fraud', '{amount}', 'mine',"
            " 'boolean', '{false,true}', '[{\"name\": \"coef\", \"shape\": [1]}]', '{0}',"
            " 'BEGIN RETURN ARRAY[parameters[1] + 1]; END', '0')"
        )

"""The gate of learners in the worker: bad rows end up alone in quarantine, with the reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import IncrementalPCA, MiniBatchNMF
from sklearn.naive_bayes import CategoricalNB, MultinomialNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pgpredict
from pgpredict.errors import InvalidLearner
from tests.sql.learners.asking import Connection, batches, learnt, one, parameters, quarantine
from tests.sql.learners.outside import (
    assert_knows_its_batches,
    assert_same_numbers,
    create_outside,
    drain_outside,
    taught,
)
from tests.sql.learners.payments import insert


def poison(connection: Connection, key: int, amount: float, label: str | None = "true") -> None:
    connection.execute("INSERT INTO payments VALUES (%s, %s, 1, %s)", [key, amount, label])


def test_gated_as_in_the_database(db: pgpredict.Database, connection: Connection) -> None:
    create_outside(db, MLPClassifier((3,)))
    db.add_range_rule("pupil", "hours", 0, 20)
    insert(connection, 1, 30)
    poison(connection, 31, np.nan)
    poison(connection, 32, np.inf)
    assert db.learn("pupil") == 32
    refused = quarantine(connection, "pupil")
    assert refused.pop("31") == "amount is NaN"
    assert refused.pop("32") == "amount is infinite"
    assert all("rule hours_range" in reason for reason in refused.values())
    assert db.learner_states("pupil", 1)[0].quarantined == len(refused) + 2
    assert_knows_its_batches(db, connection, MLPClassifier((3,)))
    assert db.release_quarantine("pupil") == len(refused) + 2
    assert db.learn("pupil") == len(refused) + 2
    assert len(quarantine(connection, "pupil")) == 2


@pytest.mark.parametrize(
    ("made_of", "why"),
    [
        (MLPRegressor(hidden_layer_sizes=(3,)), "learning it fails: "),
        (make_pipeline(StandardScaler(), MLPClassifier((3,))), "learning it fails: "),
        (IncrementalPCA(2), "learning it fails: "),
    ],
    ids=["network", "scaled", "components"],
)
def test_what_overflows_ends_up_alone(
    db: pgpredict.Database, connection: Connection, made_of: Any, why: str
) -> None:
    create_outside(db, made_of)
    insert(connection, 1, 40)
    assert drain_outside(db, 40) == 40
    insert(connection, 41, 60)
    for key in (61, 62):
        poison(connection, key, 1.7e308)
    insert(connection, 63, 80)
    assert drain_outside(db) == 40
    refused = quarantine(connection, "pupil")
    assert sorted(refused) == ["61", "62"]
    assert all(reason.startswith(why) for reason in refused.values())
    assert sorted(learnt(connection, "pupil")) == [*range(1, 61), *range(63, 81)]
    assert np.isfinite(parameters(connection, "pupil")).all()
    assert db.learner_states("pupil", 1)[0].quarantined == 2
    assert_knows_its_batches(db, connection, made_of)


def test_negative_numbers_where_it_counts(db: pgpredict.Database, connection: Connection) -> None:
    """The condition of the kernel holds in the worker, too."""
    create_outside(db, MultinomialNB(), place="worker")
    insert(connection, 1, 20)
    drain_outside(db)
    refused = quarantine(connection, "pupil")
    assert set(refused.values()) == {"a MultinomialNB learns no negative features"}
    assert batches(connection, "pupil") == [[n for n in range(1, 21) if str(n) not in refused]]


def test_a_class_never_seen_and_an_empty_batch(
    db: pgpredict.Database, connection: Connection
) -> None:
    connection.execute("CREATE TABLE pets (id int PRIMARY KEY, a float8, kind text)")
    db.create_learner(
        "pupil", MLPClassifier((2,)), source="pets", features=["a"], target="kind",
        classes=["cat", "dog", "newt"],
    )  # fmt: skip
    connection.execute(
        "INSERT INTO pets SELECT n, n, 'cat' FROM generate_series(1, 9) AS n;"
        "INSERT INTO pets VALUES (10, 1, 'yak'), (11, 2, 'dog')"
    )
    assert db.learn("pupil") == 11
    assert quarantine(connection, "pupil") == {"10": "kind is of no known class"}
    assert one(connection, "SELECT cardinality(predict.pupil_proba(1))") == 3
    connection.execute("INSERT INTO pets VALUES (12, 1, 'cat'); DELETE FROM pets WHERE id = 12")
    assert db.learn("pupil") == 1
    assert db.learner("pupil").state == 1


def test_a_row_that_cannot_be_predicted_is_learnt(
    db: pgpredict.Database, connection: Connection
) -> None:
    """CategoricalNB knows no answer to a category that it has not seen, but learns it."""
    create_outside(db, CategoricalNB())
    connection.execute(
        "INSERT INTO payments SELECT n, n % 3, 0, n % 2 = 0, NULL FROM generate_series(1, 20) AS n"
    )
    drain_outside(db)
    poison(connection, 21, 7)
    poison(connection, 22, -1)
    assert drain_outside(db) == 2
    assert learnt(connection, "pupil") == [*range(1, 22)]
    assert list(quarantine(connection, "pupil")) == ["22"]
    assert db.learner_states("pupil", 2)[0].accuracy is None


def test_rows_that_nothing_can_begin_with_wait(
    db: pgpredict.Database, connection: Connection
) -> None:
    create_outside(db, MiniBatchNMF(2, init="nndsvda"))
    connection.execute("INSERT INTO payments VALUES (1, 5, 7, true)")
    with pytest.raises(InvalidLearner, match="cannot begin with the 1 rows that wait"):
        db.learn("pupil")
    assert (db.learner("pupil").depth, quarantine(connection, "pupil")) == (1, {})
    connection.execute(
        "INSERT INTO payments SELECT n, n, 0, true, NULL FROM generate_series(2, 20) AS n"
    )
    assert db.learn("pupil") == 20
    assert learnt(connection, "pupil") == [*range(1, 21)]


def test_an_estimator_that_fails_keeps_rows_waiting(
    db: pgpredict.Database, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What no row is to blame for puts none in quarantine, and loses none."""
    create_outside(db, MLPClassifier((3,)))
    insert(connection, 1, 20)
    drain_outside(db, 10)
    insert(connection, 21, 30)

    def broken(*_: Any, **__: Any) -> None:
        raise AttributeError("this release has no such thing")

    with monkeypatch.context() as patched:
        patched.setattr(MLPClassifier, "partial_fit", broken)
        with pytest.raises(AttributeError, match="no such thing"):
            db.learn("pupil")
    assert (db.learner("pupil").depth, quarantine(connection, "pupil")) == (10, {})
    assert db.learn("pupil") == 10
    assert_same_numbers(
        taught(MLPClassifier((3,)), [[*range(1, 11)], [*range(11, 21)], [*range(21, 31)]]),
        db.export_learner("pupil"),
    )

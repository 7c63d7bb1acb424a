"""The history of learners in the worker: back, without some rows, out and in again."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import MiniBatchDictionaryLearning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pgpredict
from pgpredict.errors import InvalidLearner
from tests.sql.learners.asking import Connection, batches, one, parameters
from tests.sql.learners.outside import (
    assert_same_numbers,
    create_outside,
    drain_outside,
    taught,
)
from tests.sql.learners.payments import insert, rows

NETWORK = MLPClassifier((4,), learning_rate_init=0.01)


def tens(last: int, *without: int) -> list[list[int]]:
    """The payments up to a number, in tens, without some."""
    found = [[n for n in range(k, k + 10) if n not in without] for k in range(1, last + 1, 10)]
    return [keys for keys in found if keys]


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture
def pupil(db: pgpredict.Database, connection: Connection) -> str:
    """Has learnt 60 payments in six batches."""
    create_outside(db, NETWORK)
    insert(connection, 1, 60)
    assert drain_outside(db, 10) == 60
    return "pupil"


@pytest.mark.parametrize(
    "made_of",
    [
        NETWORK,
        make_pipeline(StandardScaler(), MLPRegressor(hidden_layer_sizes=(3,))),
        MiniBatchKMeans(3, reassignment_ratio=0.4),
        MiniBatchDictionaryLearning(2),
    ],
    ids=lambda each: type(each).__name__,
)
def test_unlearns_as_if_it_had_never_seen_the_rows(
    db: pgpredict.Database, connection: Connection, made_of: Any
) -> None:
    create_outside(db, made_of)
    insert(connection, 1, 60)
    drain_outside(db, 10)
    poison = {15, 17, 41, *range(21, 31)}
    assert db.unlearn("pupil", poison) == 13
    oracle = taught(made_of, tens(60, *poison))
    assert_same_numbers(oracle, db.export_learner("pupil"))
    insert(connection, 61, 70)
    drain_outside(db, 10)
    assert_same_numbers(taught(made_of, tens(70, *poison)), db.export_learner("pupil"))
    assert db.unlearn("pupil", poison) == 0
    assert db.events()[-1].what == "unlearn"


def test_roll_back_in_sql_and_learn_on(
    db: pgpredict.Database, connection: Connection, pupil: str
) -> None:
    assert one(connection, "SELECT pgpredict.rollback_learner('pupil', 3)") == 7
    assert_same_numbers(taught(NETWORK, tens(30)), db.export_learner(pupil))
    insert(connection, 61, 70)
    drain_outside(db)
    model = taught(NETWORK, [*tens(30), [*range(61, 71)]])
    assert_same_numbers(model, db.export_learner(pupil))
    assert_same_numbers(taught(NETWORK, tens(60)), db.export_learner(pupil, 6))
    with pytest.raises(InvalidLearner, match="has no state 77"):
        db.rollback_learner(pupil, 77)
    with pytest.raises(InvalidLearner, match="has no state 77"):
        db.export_learner(pupil, 77)


def test_import(db: pgpredict.Database, connection: Connection, pupil: str) -> None:
    trained = taught(NETWORK, tens(20))
    assert db.import_learner(pupil, trained) == 7
    assert db.learner_states(pupil, 1)[0].made_by == "imported"
    assert_same_numbers(trained, db.export_learner(pupil))
    X = rows(1, 1)[0].to_numpy()
    asked = "SELECT predict.pupil_proba(p) FROM payments AS p WHERE id = 1"
    assert one(connection, asked) == pytest.approx(trained.predict_proba(X)[0, 1], rel=1e-9)
    with pytest.raises(InvalidLearner, match="has other parameters than learner pupil") as caught:
        db.import_learner(pupil, MLPClassifier((5,), learning_rate_init=0.01))
    assert caught.value.details == ("hidden_layer_sizes: learner (4,), estimator (5,)",)
    with pytest.raises(InvalidLearner, match="is not fitted"):
        db.import_learner(pupil, NETWORK)
    with pytest.raises(InvalidLearner, match="is not what learner pupil was made of"):
        db.import_learner(pupil, MLPRegressor())
    assert db.learner(pupil).state == 7


def test_retention_and_checkpoints(
    db: pgpredict.Database, connection: Connection, pupil: str
) -> None:
    assert db.checkpoint(pupil) == 6
    assert db.set_learner_retention(pupil, 2) == 4
    insert(connection, 61, 100)
    drain_outside(db, 10)
    assert [s.state for s in db.learner_states(pupil)] == [10, 9, 6, 0]
    assert_same_numbers(taught(NETWORK, tens(60)), db.export_learner(pupil, 6))
    for keys in ([5], [5, 95]):
        with pytest.raises(InvalidLearner, match="does not tell which rows it learnt first"):
            db.unlearn(pupil, keys)
    assert db.unlearn(pupil, [95]) == 1
    assert_same_numbers(taught(NETWORK, tens(100, 95)), db.export_learner(pupil))


def test_large_models_are_learnt_again(db: pgpredict.Database, connection: Connection) -> None:
    """They are kept for one state in a hundred."""
    large = MLPClassifier((2000,), learning_rate_init=0.01)
    create_outside(db, large)
    insert(connection, 1, 60)
    drain_outside(db, 10)
    kept = one(connection, "SELECT array_agg(state ORDER BY state) FROM pgpredict.learner_state"
                           " WHERE model IS NOT NULL AND parameters IS NOT NULL")  # fmt: skip
    assert kept == [0, 6]
    assert_same_numbers(taught(large, tens(30)), db.export_learner("pupil", 3))
    for statement in ("predict.pupil_at(3, 1, 1)", "pgpredict.rollback_learner('pupil', 3)"):
        with pytest.raises(psycopg.Error, match="outside of the database") as caught:
            connection.execute(f"SELECT {statement}")
        assert "db.export_learner" in str(caught.value.diag.message_hint)
    assert db.unlearn("pupil", [35]) == 1
    assert_same_numbers(taught(large, tens(60, 35)), db.export_learner("pupil"))
    db.rollback_learner("pupil", 3)
    assert_same_numbers(taught(large, tens(30)), db.export_learner("pupil"))
    assert one(connection, "SELECT predict.pupil_at(3, 1, 1) IS NOT NULL")
    connection.execute("DELETE FROM pgpredict.learner_batch WHERE state = 4")
    with pytest.raises(InvalidLearner, match="nor the way to it"):
        db.export_learner("pupil", 5)


def test_history_is_never_rewritten(
    db: pgpredict.Database, connection: Connection, pupil: str
) -> None:
    everything = (
        "SELECT array_agg(s ORDER BY state) FROM pgpredict.learner_state AS s WHERE state <= 6"
    )
    before = one(connection, everything)
    db.rollback_learner(pupil, 2)
    db.unlearn(pupil, [15])
    db.import_learner(pupil, taught(NETWORK, tens(50)))
    assert one(connection, everything) == before
    assert batches(connection, pupil)[:6] == tens(60)
    assert parameters(connection, pupil).size > 0

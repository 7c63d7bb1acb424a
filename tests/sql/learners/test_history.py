"""Back to any state; retention; checkpoints; estimators out and in."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

import pgpredict
from pgpredict.errors import InvalidLearner
from tests.sql.learners.asking import Connection, drain, learnt, one, parameters, state
from tests.sql.learners.payments import create, estimator, insert, rows


def taught(*spans: tuple[int, int]) -> SGDClassifier:
    """What Python knows after these payments, a batch each."""
    model = estimator()
    for first, last in spans:
        model.partial_fit(*rows(first, last), classes=[False, True])
    return model


@pytest.fixture
def learner(db: pgpredict.Database, connection: Connection, fraud: str) -> str:
    """Has learnt 100 payments in ten batches."""
    insert(connection, 1, 100)
    drain(connection, 10)
    return fraud


def test_roll_back_and_learn_on(
    db: pgpredict.Database, connection: Connection, learner: str
) -> None:
    assert db.rollback_learner(learner, 3) == 11
    assert (db.export_learner(learner).coef_ == taught((1, 10), (11, 20), (21, 30)).coef_).all()
    insert(connection, 101, 120)
    drain(connection)
    now = db.learner_states(learner, 2)
    assert [(s.state, s.came_from, s.made_by, s.rows) for s in now] == [
        (12, 11, "learnt", 50),
        (11, 3, "rolled back", 30),
    ]
    model = taught((1, 10), (11, 20), (21, 30), (101, 120))
    assert (db.export_learner(learner).coef_ == model.coef_).all()
    assert (db.export_learner(learner, 10).coef_ != model.coef_).any()


def test_a_state_that_is_not_there(db: pgpredict.Database, learner: str) -> None:
    with pytest.raises(InvalidLearner, match="learner fraud has no state 77"):
        db.rollback_learner(learner, 77)
    with pytest.raises(InvalidLearner, match="learner fraud has no state 77"):
        db.export_learner(learner, 77)
    assert db.learner(learner).state == 10


def test_history_is_never_rewritten(
    db: pgpredict.Database, connection: Connection, learner: str
) -> None:
    everything = (
        "SELECT array_agg(s ORDER BY state) FROM pgpredict.learner_state AS s WHERE state <= 10"
    )
    before = one(connection, everything)
    db.rollback_learner(learner, 2)
    db.unlearn(learner, [15])
    db.import_learner(learner, taught((1, 50)))
    assert one(connection, everything) == before


def test_retention_keeps_the_last_states_and_checkpoints(
    db: pgpredict.Database, connection: Connection, learner: str
) -> None:
    assert db.checkpoint(learner) == 10
    assert db.set_learner_retention(learner, 3) == 7
    insert(connection, 101, 150)
    drain(connection, 10)
    assert [s.state for s in db.learner_states(learner)] == [15, 14, 13, 10, 0]
    batches = one(connection, "SELECT array_agg(state ORDER BY state) FROM pgpredict.learner_batch")
    assert batches == [14, 15]
    ten = [(n, n + 9) for n in range(1, 101, 10)]
    assert (db.export_learner(learner, 10).coef_ == taught(*ten).coef_).all()
    with pytest.raises(InvalidLearner, match="has no state 12"):
        db.rollback_learner(learner, 12)
    assert db.set_learner_retention(learner, None) == 0
    insert(connection, 151, 200)
    drain(connection, 10)
    assert len(db.learner_states(learner)) == 10


def test_unlearning_needs_the_history(
    db: pgpredict.Database, connection: Connection, learner: str
) -> None:
    db.set_learner_retention(learner, 3)
    before = parameters(connection)
    for keys in ([15], [15, 85]):
        with pytest.raises(InvalidLearner, match="does not tell which rows it learnt first"):
            db.unlearn(learner, keys)
    assert db.unlearn(learner, []) == 0
    assert (parameters(connection) == before).all()
    assert db.unlearn(learner, [85]) == 1
    db.rollback_learner(learner, 0)
    assert db.unlearn(learner, [15]) == 0


def test_parameters_of_a_large_learner_are_learnt_again(
    db: pgpredict.Database, connection: Connection, learner: str
) -> None:
    """They are kept for one state in a hundred; the others come of the batches."""
    kept = {n: parameters_of(connection, n) for n in range(11)}
    connection.execute(
        "UPDATE pgpredict.learner_state SET parameters = NULL WHERE state NOT IN (0, 4, 10)"
    )
    for n, expected in kept.items():
        assert (parameters_of(connection, n) == expected).all()
    db.rollback_learner(learner, 6)
    assert (parameters(connection) == kept[6]).all()
    connection.execute("DELETE FROM pgpredict.learner_batch WHERE state = 2")
    with pytest.raises(InvalidLearner, match="nor the way to them"):
        db.export_learner(learner, 3)


def parameters_of(connection: Connection, number: int) -> np.ndarray:
    return np.array(one(connection, "SELECT predict.fraud_parameters(%s)", [number]))


def test_export_teach_import(db: pgpredict.Database, connection: Connection, learner: str) -> None:
    model = db.export_learner(learner)
    for first in range(1001, 1200, 50):
        model.partial_fit(*rows(first, first + 49))
    assert db.import_learner(learner, model) == 11
    assert (db.export_learner(learner).coef_ == model.coef_).all()
    insert(connection, 101, 120)
    drain(connection)
    model.partial_fit(*rows(101, 120))
    assert (db.export_learner(learner).coef_ == model.coef_).all()
    # What was learnt before is in other numbers now: nothing to take out.
    assert db.unlearn(learner, [15]) == 0
    assert db.unlearn(learner, [115]) == 1


def test_an_estimator_of_another_kind_is_not_imported(db: pgpredict.Database, learner: str) -> None:
    with pytest.raises(InvalidLearner):
        db.import_learner(learner, SGDClassifier(average=True).fit(*rows(1, 50)))
    assert db.learner(learner).state == 10


def test_quarantine_is_released_or_discarded(
    db: pgpredict.Database, connection: Connection, learner: str
) -> None:
    connection.execute(
        "INSERT INTO payments (id, amount, hours, is_fraud) VALUES"
        " (201, 'NaN', 1, true), (202, NULL, 1, true), (203, 'NaN', 2, false)"
    )
    drain(connection)
    held = db.quarantine(learner)
    assert [(q.key, q.reason) for q in held] == [
        ("201", "amount is NaN"),
        ("202", "amount is NULL"),
        ("203", "amount is NaN"),
    ]
    connection.execute("UPDATE payments SET amount = 1 WHERE id = 201")
    assert db.discard_quarantine(learner, [held[2].id]) == 1
    assert db.release_quarantine(learner) == 2
    assert drain(connection) == 2
    assert learnt(connection)[-1] == 201
    assert [q.key for q in db.quarantine(learner)] == ["202"]
    assert db.discard_quarantine(learner) == 1
    assert db.quarantine(learner) == []


def test_what_could_not_be_captured_is_released(
    db: pgpredict.Database, connection: Connection, learner: str
) -> None:
    connection.execute("ALTER TABLE pgpredict.fraud_queue ADD CONSTRAINT no CHECK (rows < 0)")
    insert(connection, 301, 303)
    connection.execute("ALTER TABLE pgpredict.fraud_queue DROP CONSTRAINT no")
    assert db.release_quarantine(learner) == 3
    drain(connection)
    assert learnt(connection)[-3:] == [301, 302, 303]


def test_what_was_learnt_and_then_not_captured_is_not_learnt_again(
    db: pgpredict.Database, connection: Connection, learner: str
) -> None:
    before = db.learner(learner).rows
    connection.execute("ALTER TABLE payments RENAME is_fraud TO fraud")
    connection.execute("UPDATE payments SET amount = amount + 1 WHERE id <= 7")
    connection.execute("ALTER TABLE payments RENAME fraud TO is_fraud")
    assert len(db.quarantine(learner)) == 7
    assert db.release_quarantine(learner) == 7
    drain(connection)
    assert db.learner(learner).rows == before
    assert db.quarantine(learner) == []


def test_events(db: pgpredict.Database, learner: str) -> None:
    db.checkpoint(learner)
    db.rollback_learner(learner, 3)
    db.unlearn(learner, [15])
    told = [(event.what, event.detail) for event in db.events(learner)]
    assert told[1:] == [
        ("checkpoint", {"state": 10}),
        ("rollback_learner", {"to": 3, "state": 11}),
        ("unlearn", {"rows": 1, "since": 2, "state": 14}),
    ]
    assert state is not None


def test_metrics_of_the_last_batches(
    db: pgpredict.Database, connection: Connection, learner: str
) -> None:
    found = connection.execute(
        "SELECT learner, batches, rows, log_loss, accuracy, auc, mae FROM pgpredict.learner_metrics"
    ).fetchall()
    states = [s for s in db.learner_states(learner) if s.made_by == "learnt"]
    name, batches, count, loss, accuracy, auc, mae = found[0]
    assert (name, batches, count, mae) == ("fraud", 10, 100, None)
    assert loss == pytest.approx(np.mean([s.log_loss for s in states]))
    assert accuracy == pytest.approx(np.mean([s.accuracy for s in states]))
    assert 0.5 < auc < 1


def test_a_new_learner_has_no_metrics_yet(db: pgpredict.Database, connection: Connection) -> None:
    create(db, "fresh")
    assert connection.execute(
        "SELECT batches, rows, auc FROM pgpredict.learner_metrics"
    ).fetchall() == [(0, None, None)]

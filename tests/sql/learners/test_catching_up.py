"""Learning all that waits in one call, a transaction per batch."""

from __future__ import annotations

import psycopg
import pytest

import pgpredict
from pgpredict.errors import UnknownLearner
from tests.sql.learners.asking import Connection, batches, learn, one, state
from tests.sql.learners.payments import insert

pytestmark = pytest.mark.usefixtures("fraud")


def test_each_batch_is_a_transaction(connection: Connection) -> None:
    insert(connection, 1, 25)
    assert one(connection, "CALL pgpredict.catch_up('fraud', 10)") == 25
    assert [len(keys) for keys in batches(connection)] == [10, 10, 5]
    writers = "SELECT count(DISTINCT xmin::text) FROM pgpredict.learner_state WHERE state > 0"
    assert one(connection, writers) == 3
    assert one(connection, "CALL pgpredict.catch_up('fraud', 10)") == 0


def test_so_many_batches(connection: Connection) -> None:
    insert(connection, 1, 25)
    assert one(connection, "CALL pgpredict.catch_up('fraud', 10, batches => 2)") == 20
    assert learn(connection) == 5
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="at least one batch, not 0"):
        connection.execute("CALL pgpredict.catch_up('fraud', batches => 0)")


def test_a_learner_that_is_paused(connection: Connection) -> None:
    insert(connection, 1, 5)
    connection.execute("SELECT pgpredict.pause_learner('fraud')")
    assert one(connection, "CALL pgpredict.catch_up('fraud')") == 0


def test_inside_a_transaction_it_leaves_nothing(connection: Connection) -> None:
    insert(connection, 1, 5)
    with (
        pytest.raises(psycopg.errors.InvalidTransactionTermination),
        connection.transaction(),
    ):
        connection.execute("CALL pgpredict.catch_up('fraud')")
    assert (state(connection), learn(connection)) == (0, 5)


def test_a_batch_that_fails_leaves_those_before(connection: Connection) -> None:
    insert(connection, 1, 25)
    connection.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN IF NEW.state = 2 THEN RAISE EXCEPTION ''no''; END IF; RETURN NEW; END'"
    )
    connection.execute(
        "CREATE TRIGGER refuse BEFORE INSERT ON pgpredict.learner_state"
        " FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    with pytest.raises(psycopg.errors.RaiseException, match="no"):
        connection.execute("CALL pgpredict.catch_up('fraud', 10)")
    assert [len(keys) for keys in batches(connection)] == [10]
    connection.execute("DROP TRIGGER refuse ON pgpredict.learner_state")
    assert one(connection, "CALL pgpredict.catch_up('fraud', 10)") == 15


def test_from_python(db: pgpredict.Database, connection: Connection) -> None:
    insert(connection, 1, 25)
    assert db.catch_up("fraud", batch=10) == 25
    assert [len(keys) for keys in batches(connection)] == [10, 10, 5]
    with pytest.raises(UnknownLearner, match="there is no learner nobody"):
        db.catch_up("nobody")


def test_from_python_inside_a_transaction(connection: Connection) -> None:
    insert(connection, 1, 25)
    db = pgpredict.connect(connection)
    with connection.transaction(force_rollback=True):
        assert db.catch_up("fraud", batch=10) == 25
        assert state(connection) == 3
    assert (state(connection), learn(connection)) == (0, 25)


def test_nobody_may_call_it(connection: Connection) -> None:
    rights = "SELECT has_function_privilege('public', 'pgpredict.catch_up(text,int,bigint,bigint)',"
    assert one(connection, f"{rights} 'EXECUTE')") is False


def test_what_is_taken_twice_from_the_queue_is_learnt_once(connection: Connection) -> None:
    insert(connection, 1, 5)
    connection.execute("UPDATE payments SET is_fraud = NULL WHERE id IN (2, 4)")
    connection.execute("UPDATE payments SET is_fraud = true WHERE id IN (2, 4)")
    assert learn(connection) == 5
    assert batches(connection) == [[1, 2, 3, 4, 5]]


def test_the_history_goes_with_the_learner(connection: Connection) -> None:
    insert(connection, 1, 5)
    learn(connection)
    connection.execute("DELETE FROM pgpredict.learner WHERE name = 'fraud'")
    for table in ("learner_state", "learner_batch", "learner_current"):
        assert one(connection, f"SELECT count(*) FROM pgpredict.{table}") == 0

"""A key that changes before its row was learnt: the row is learnt by the new one, once."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import pgpredict
from tests.sql.learners.asking import Connection, drain, learn, learnt, one, quarantine
from tests.sql.learners.payments import create, estimator, insert


@pytest.fixture(params=["statement", "row"], autouse=True)
def fraud(db: pgpredict.Database, request: pytest.FixtureRequest) -> None:
    create(db, level=request.param)


def waits(connection: Connection) -> int:
    return int(one(connection, "SELECT depth FROM pgpredict.learners WHERE name = 'fraud'"))


def test_a_row_that_waits_is_learnt_by_its_new_key(connection: Connection) -> None:
    insert(connection, 1, 5)
    connection.execute("UPDATE payments SET id = id + 100 WHERE id IN (2, 4)")
    drain(connection)
    assert sorted(learnt(connection)) == [1, 3, 5, 102, 104]


def test_a_row_that_was_learnt_is_not_learnt_again(connection: Connection) -> None:
    insert(connection, 1, 5)
    learn(connection, 3)
    connection.execute("UPDATE payments SET id = id + 100")
    drain(connection)
    assert sorted(learnt(connection)) == [1, 2, 3, 104, 105]


def test_a_key_that_changes_twice_and_comes_with_a_label(connection: Connection) -> None:
    insert(connection, 1, 3, labelled=False)
    connection.execute("UPDATE payments SET id = 11, is_fraud = true WHERE id = 1")
    connection.execute("UPDATE payments SET id = 12 WHERE id = 2")
    connection.execute("UPDATE payments SET id = 21 WHERE id = 11")
    connection.execute("UPDATE payments SET note = 'seen'")
    assert waits(connection) == 2
    drain(connection)
    assert learnt(connection) == [21]
    connection.execute("UPDATE payments SET is_fraud = false WHERE id = 12")
    drain(connection)
    assert learnt(connection) == [21, 12]


def test_a_row_that_a_worker_has_in_hand_is_learnt_once(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    insert(connection, 1, 3)
    worker = another()
    with ThreadPoolExecutor() as pool:
        with worker.transaction():
            learn(worker)
            writing = pool.submit(connection.execute, "UPDATE payments SET id = 9 WHERE id = 1")
            time.sleep(0.2)
            assert not writing.done()
        writing.result()
    drain(connection)
    assert (learnt(connection), waits(connection)) == ([1, 2, 3], 0)


def test_a_worker_waits_for_a_writer_who_changes_what_he_wants(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    insert(connection, 1, 3)
    writer = another()
    with ThreadPoolExecutor() as pool:
        with writer.transaction():
            writer.execute("UPDATE payments SET id = 9 WHERE id = 1")
            learning = pool.submit(drain, connection)
            time.sleep(0.2)
            assert not learning.done()
        learning.result()
    drain(connection)
    assert learnt(connection) == [2, 3, 9]
    assert quarantine(connection) == {}


def test_a_key_of_two_columns_and_partitions(
    db: pgpredict.Database, connection: Connection, request: pytest.FixtureRequest
) -> None:
    connection.execute(
        "CREATE TABLE sales (shop text, nr bigint, amount float8, hours integer, is_fraud boolean,"
        " PRIMARY KEY (shop, nr)) PARTITION BY LIST (shop);"
        "CREATE TABLE west PARTITION OF sales FOR VALUES IN ('w')"
    )
    db.create_learner(
        *("sold", estimator()),
        source="sales",
        features=["amount", "hours"],
        target="is_fraud",
        classes=[False, True],
        level=request.node.callspec.params["fraud"],
    )
    connection.execute("CREATE TABLE east PARTITION OF sales FOR VALUES IN ('e')")
    connection.execute("INSERT INTO sales VALUES ('w', 1, 1, 1, true), ('w', 2, 1, 1, true)")
    connection.execute("UPDATE sales SET nr = 7 WHERE nr = 2")
    connection.execute("UPDATE west SET nr = 8 WHERE nr = 1")
    drain(connection, learner="sold")
    keys = one(connection, "SELECT keys FROM pgpredict.learner_batch WHERE learner = 'sold'")
    assert sorted(keys) == ['{"nr": 7, "shop": "w"}', '{"nr": 8, "shop": "w"}']
    db.drop_learner("sold")

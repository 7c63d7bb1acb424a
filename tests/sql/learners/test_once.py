"""A row is learnt once: when it comes with its label, or when it gets one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import pgpredict
from tests.sql.learners.asking import Connection, batches, drain, learn, learnt, one, state
from tests.sql.learners.payments import create, insert, label

pytestmark = pytest.mark.usefixtures("fraud")


def test_rows_are_learnt_in_the_order_in_which_they_were_written(connection: Connection) -> None:
    insert(connection, 501, 750)
    insert(connection, 1, 30)
    insert(connection, 31, 31)
    assert drain(connection, 100) == 281
    expected = [*range(501, 751), *range(1, 32)]
    assert learnt(connection) == expected
    assert [len(keys) for keys in batches(connection)] == [100, 100, 81]


def test_a_batch_ends_in_the_middle_of_a_statement(connection: Connection) -> None:
    insert(connection, 1, 25)
    assert [learn(connection, 10) for _ in range(4)] == [10, 10, 5, 0]
    assert batches(connection) == [[*range(1, 11)], [*range(11, 21)], [*range(21, 26)]]


def test_late_labels(connection: Connection) -> None:
    insert(connection, 1, 50, labelled=False)
    assert drain(connection) == 0
    assert one(connection, "SELECT predict.fraud(p) FROM payments AS p WHERE id = 1") is False
    label(connection, 11, 20)
    label(connection, 1, 5)
    assert drain(connection) == 15
    label(connection, 1, 50)
    assert drain(connection) == 35
    assert learnt(connection)[:15] == [*range(11, 21), *range(1, 6)]
    assert sorted(learnt(connection)) == [*range(1, 51)]


def test_changes_of_a_learnt_row_are_not_learnt_again(connection: Connection) -> None:
    insert(connection, 1, 10)
    drain(connection)
    connection.execute("UPDATE payments SET amount = amount + 1, note = 'x'")
    connection.execute("UPDATE payments SET is_fraud = NOT is_fraud")
    connection.execute("DELETE FROM payments WHERE id = 1")
    assert drain(connection) == 0
    assert (learnt(connection), state(connection)) == ([*range(1, 11)], 1)


def test_a_row_is_learnt_as_it_is_then(connection: Connection) -> None:
    insert(connection, 1, 2)
    connection.execute("UPDATE payments SET amount = 7, is_fraud = true WHERE id = 1")
    drain(connection)
    features, labels = connection.execute(
        "SELECT features[1], labels[1] FROM pgpredict.learner_batch"
    ).fetchall()[0]
    assert (features, labels) == (7.0, 1.0)


def test_rows_that_are_gone_or_have_lost_their_label_are_not_learnt(
    connection: Connection,
) -> None:
    insert(connection, 1, 10)
    connection.execute("DELETE FROM payments WHERE id IN (2, 3)")
    connection.execute("UPDATE payments SET is_fraud = NULL WHERE id = 5")
    assert drain(connection) == 10
    assert learnt(connection) == [1, 4, 6, 7, 8, 9, 10]
    connection.execute("UPDATE payments SET is_fraud = true WHERE id = 5")
    assert drain(connection) == 1
    assert learnt(connection)[-1] == 5


def test_a_batch_of_which_nothing_is_left_makes_no_state(connection: Connection) -> None:
    insert(connection, 1, 10)
    connection.execute("DELETE FROM payments")
    assert drain(connection) == 10
    assert state(connection) == 0


def test_upserts(connection: Connection) -> None:
    insert(connection, 1, 5)
    insert(connection, 6, 8, labelled=False)
    connection.execute(
        "INSERT INTO payments (id, amount, hours, is_fraud)"
        " SELECT n, 1, 1, true FROM generate_series(4, 10) AS n"
        " ON CONFLICT (id) DO UPDATE SET is_fraud = excluded.is_fraud"
    )
    drain(connection)
    assert sorted(learnt(connection)) == [*range(1, 11)]


def test_what_is_rolled_back_is_not_learnt(connection: Connection) -> None:
    with connection.transaction(force_rollback=True):
        insert(connection, 1, 10)
    assert drain(connection) == 0
    insert(connection, 11, 20)
    with connection.transaction(force_rollback=True):
        assert learn(connection) == 10
        assert state(connection) == 1
    assert state(connection) == 0
    assert learn(connection) == 10
    assert learnt(connection) == [*range(11, 21)]


def test_rows_of_a_transaction_that_commits_late_are_not_lost(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    slow = another()
    with slow.transaction():
        insert(slow, 1, 10)
        insert(connection, 11, 20)
        assert drain(connection) == 10
    assert drain(connection) == 10
    assert learnt(connection) == [*range(11, 21), *range(1, 11)]


def test_a_worker_waits_for_the_one_that_learns(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    """Not for a row of the queue: it begins when the other has committed."""
    insert(connection, 1, 10)
    insert(connection, 11, 20)
    watcher = another()
    waiting = """
        SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
        WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted"""
    with ThreadPoolExecutor() as pool:
        with connection.transaction():
            assert learn(connection, 10) == 10
            learning = pool.submit(learn, another(), 10)
            give_up = time.monotonic() + 5
            while not one(watcher, waiting):
                assert time.monotonic() < give_up
                assert not learning.done()
        assert learning.result() == 10
    assert batches(connection) == [[*range(1, 11)], [*range(11, 21)]]
    assert state(connection) == 2


def test_two_workers_and_three_writers_at_once(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    writing = threading.Event()

    def write(to: Connection, first: int) -> None:
        for number in range(first, first + 300, 10):
            insert(to, number, number + 9, labelled=number % 20 > 10)
            label(to, number, number + 9)

    def work(on: Connection, batch: int) -> int:
        rows = 0
        while (done := learn(on, batch)) or not writing.is_set():
            rows += done
        return rows

    with ThreadPoolExecutor() as pool:
        workers = [pool.submit(work, another(), batch) for batch in (7, 64)]
        writers = [pool.submit(write, another(), first) for first in (1, 301, 601)]
        for writer in writers:
            writer.result()
        writing.set()
    assert sum(worker.result() for worker in workers) == 900
    assert sorted(learnt(connection)) == [*range(1, 901)]
    assert state(connection) == len(batches(connection))


def test_backfill_comes_in_the_order_of_the_key(
    db: pgpredict.Database, connection: Connection
) -> None:
    insert(connection, 200, 350)
    insert(connection, 1, 20)
    insert(connection, 21, 40, labelled=False)
    create(db, "late", backfill=True)
    insert(connection, 41, 45)
    label(connection, 21, 25)
    drain(connection, 64, "late")
    assert learnt(connection, "late") == [*range(1, 21), *range(200, 351), *range(41, 46),
                                          *range(21, 26)]  # fmt: skip


def test_writers_while_a_learner_is_created(
    db: pgpredict.Database, connection: Connection, another: Callable[[], Connection]
) -> None:
    """Each row is either there already, or captured; none is both."""

    def write(to: Connection) -> None:
        for number in range(1, 600, 3):
            insert(to, number, number + 2)

    with ThreadPoolExecutor() as pool:
        writer = pool.submit(write, another())
        create(db, "late", backfill=True)
        writer.result()
    drain(connection, 100, "late")
    assert sorted(learnt(connection, "late")) == [*range(1, 601)]

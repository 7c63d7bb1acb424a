"""Workers that overtake each other: in whatever order they meet, the row itself has the last word.

`slow` is a worker that has read rows 1 and 2 and is kept from writing (meeting.py); meanwhile
`connection` writes to the table and works.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import pytest

from tests.sql.streams.asking import Connection, agrees, drain, live, settles, waiting, work
from tests.sql.streams.meeting import held_up, waiting_for

Another = Callable[[], Connection]


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture(autouse=True)
def two_rows(connection: Connection) -> None:
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'payments')")
    connection.execute("INSERT INTO payments VALUES (1, 10, 1, 'west'), (2, 20, 2, 'west')")
    assert settles(connection) == 2


@pytest.fixture
def slow(another: Another) -> Connection:
    return another()


@pytest.fixture
def slow_worker(
    connection: Connection, slow: Connection, another: Another
) -> AbstractContextManager[None]:
    """While it is entered, the slow worker has read rows 1 and 2 as they were before."""
    connection.execute("UPDATE payments SET amount = amount + 1")
    return held_up(another(), slow, partial(work, slow))


def test_what_a_slow_worker_read_too_early_is_corrected(
    connection: Connection, slow_worker: AbstractContextManager[None]
) -> None:
    with slow_worker:
        connection.execute("UPDATE payments SET amount = 99 WHERE id = 2")
        assert drain(connection) == 1  # says what is true, and is overwritten
    with pytest.raises(AssertionError):
        agrees(connection)
    assert waiting(connection) == 1  # for the slow one has noticed
    assert drain(connection) == 1
    assert agrees(connection) == 2


def test_row_that_was_deleted_meanwhile_has_no_prediction_in_the_end(
    connection: Connection, slow_worker: AbstractContextManager[None]
) -> None:
    with slow_worker:
        connection.execute("DELETE FROM payments WHERE id = 2")
        assert drain(connection) == 1
        assert live(connection) == [(1,)]
    assert settles(connection) == 1


def test_row_that_was_deleted_and_came_back_meanwhile(
    connection: Connection, slow_worker: AbstractContextManager[None]
) -> None:
    with slow_worker:
        connection.execute("DELETE FROM payments WHERE id = 2")
        assert drain(connection) == 1
        connection.execute("INSERT INTO payments VALUES (2, 70, 7, 'south')")
        assert drain(connection) == 1
    assert settles(connection) == 2


def test_keys_that_were_swapped_meanwhile(
    connection: Connection, slow_worker: AbstractContextManager[None]
) -> None:
    with slow_worker, connection.transaction():
        connection.execute("UPDATE payments SET id = -1 WHERE id = 1")
        connection.execute("UPDATE payments SET id = 1 WHERE id = 2")
        connection.execute("UPDATE payments SET id = 2 WHERE id = -1")
    assert settles(connection) == 2


def test_table_that_was_truncated_and_filled_meanwhile(
    connection: Connection, another: Another, slow: Connection
) -> None:
    """A TRUNCATE waits for the slow worker, which has read the table: it has the last word."""
    connection.execute("UPDATE payments SET amount = amount + 1")
    slow.execute("BEGIN")
    assert work(slow) == 2
    with waiting_for(slow, connection, lambda: connection.execute("TRUNCATE payments")):
        pass
    connection.execute("INSERT INTO payments VALUES (2, 70, 7, 'south')")
    assert settles(connection) == 1


def test_row_that_did_not_change_is_not_predicted_again(
    connection: Connection, slow_worker: AbstractContextManager[None]
) -> None:
    with slow_worker:
        connection.execute("INSERT INTO payments VALUES (3, 30, 3, 'west')")
        assert drain(connection) == 1
    assert waiting(connection) == 0
    assert agrees(connection) == 3


def test_worker_that_is_overtaken_before_it_commits(
    connection: Connection, slow: Connection
) -> None:
    """It has written; the next one waits for it, and says what is newer."""
    connection.execute("UPDATE payments SET amount = 50 WHERE id = 1")
    slow.execute("BEGIN")
    assert work(slow) == 1
    connection.execute("UPDATE payments SET amount = 60 WHERE id = 1")
    with waiting_for(slow, connection, partial(work, connection)):
        pass
    assert waiting(connection) == 0
    assert agrees(connection) == 2


def test_delete_while_a_worker_holds_the_insert(connection: Connection, slow: Connection) -> None:
    """Its prediction is not there yet for the one that takes it away: it is waited for."""
    connection.execute("INSERT INTO payments VALUES (3, 30, 3, 'west')")
    slow.execute("BEGIN")
    assert work(slow) == 1
    connection.execute("DELETE FROM payments WHERE id = 3")
    with waiting_for(slow, connection, partial(work, connection)):
        pass
    assert waiting(connection) == 0
    assert agrees(connection) == 2


def test_insert_while_a_worker_holds_the_delete(connection: Connection, slow: Connection) -> None:
    connection.execute("DELETE FROM payments WHERE id = 1")
    slow.execute("BEGIN")
    assert work(slow) == 1
    connection.execute("INSERT INTO payments VALUES (1, 30, 3, 'south')")
    with waiting_for(slow, connection, partial(work, connection)):
        pass
    assert settles(connection) == 2


def test_worker_that_gives_up_leaves_its_rows_to_the_next(
    connection: Connection, slow: Connection
) -> None:
    connection.execute("INSERT INTO payments VALUES (3, 30, 3, 'west')")
    slow.execute("BEGIN")
    assert work(slow) == 1
    assert drain(connection) == 0
    slow.execute("ROLLBACK")
    assert drain(connection) == 1
    assert agrees(connection) == 3


def test_entries_that_one_worker_has_the_others_skip(
    connection: Connection, slow: Connection
) -> None:
    for n in (3, 4, 5):
        connection.execute("INSERT INTO payments VALUES (%s, 30, 3, 'west')", [n])
    slow.execute("BEGIN")
    assert work(slow, batch=1) == 1
    assert drain(connection, batch=1) == 2
    assert live(connection) == [(1,), (2,), (4,), (5,)]
    slow.execute("COMMIT")
    assert waiting(connection) == 0
    assert agrees(connection) == 5


def test_rest_of_an_entry_waits_for_the_worker_that_has_begun_it(
    connection: Connection, slow: Connection
) -> None:
    connection.execute("INSERT INTO payments SELECT n, n, 1 FROM generate_series(3, 12) AS n")
    slow.execute("BEGIN")
    assert work(slow, batch=4) == 4
    assert drain(connection) == 0
    slow.execute("COMMIT")
    assert waiting(connection) == 6
    assert drain(connection, batch=4) == 6
    assert agrees(connection) == 12

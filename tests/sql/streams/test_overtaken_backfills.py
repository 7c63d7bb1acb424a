"""Writers of the mode `transaction` and a worker that backfills meet at the same rows."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests.sql.streams.asking import Connection, agrees, drain, one, settles, waiting, work
from tests.sql.streams.meeting import held_up, waiting_for

Another = Callable[[], Connection]


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture(autouse=True)
def two_rows(connection: Connection) -> None:
    connection.execute("INSERT INTO payments VALUES (1, 10, 1, 'west'), (2, 20, 2, 'west')")
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', NULL, 'transaction')"
    )


def backfilled(connection: Connection) -> None:
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    drain(connection)
    assert settles(connection) == 2


def test_backfill_that_read_too_early_is_corrected(
    connection: Connection, another: Another
) -> None:
    backfilled(connection)
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    slow = another()
    with held_up(another(), slow, partial(work, slow)):
        connection.execute("UPDATE payments SET amount = 99 WHERE id = 2")
        assert agrees(connection) == 2
    assert waiting(connection) == 1
    drain(connection)
    assert settles(connection) == 2


def test_backfill_that_meets_a_delete(connection: Connection, another: Another) -> None:
    backfilled(connection)
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    slow = another()
    with held_up(another(), slow, partial(work, slow)):
        connection.execute("DELETE FROM payments WHERE id = 2")
    drain(connection)
    assert settles(connection) == 1


def test_backfill_waits_for_a_writer_and_then_sees_what_he_wrote(
    connection: Connection, another: Another
) -> None:
    backfilled(connection)
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    writer = another()
    writer.execute("BEGIN")
    writer.execute("UPDATE payments SET amount = 99 WHERE id = 2")
    with waiting_for(writer, connection, partial(work, connection)):
        pass
    drain(connection)
    assert settles(connection) == 2


def test_writer_waits_for_a_backfill_and_has_the_last_word(
    connection: Connection, another: Another
) -> None:
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    slow = another()
    slow.execute("BEGIN")
    assert work(slow) == 2
    update = "UPDATE payments SET amount = 99 WHERE id = 2"
    with waiting_for(slow, connection, lambda: connection.execute(update)):
        pass
    drain(connection)
    assert settles(connection) == 2


def test_writers_of_one_row_come_one_after_the_other(
    connection: Connection, another: Another
) -> None:
    backfilled(connection)
    first = another()
    first.execute("BEGIN")
    first.execute("UPDATE payments SET amount = amount + 1 WHERE id = 2")
    update = "UPDATE payments SET amount = amount * 2 WHERE id = 2"
    with waiting_for(first, connection, lambda: connection.execute(update)):
        pass
    assert one(connection, "SELECT amount FROM payments WHERE id = 2") == 42
    assert settles(connection) == 2

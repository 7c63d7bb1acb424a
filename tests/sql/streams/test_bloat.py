"""After a burst the queue is small again, and nobody waits for that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sql.streams.asking import Connection, agrees, drain, one, waiting, work

MIB = 1 << 20


@pytest.fixture(autouse=True)
def burst(connection: Connection) -> None:
    """20,000 rows in as many statements wait in the queue of a stream `s`."""
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'payments')")
    connection.execute("""
        DO $$ BEGIN
            FOR n IN 1 .. 20000 LOOP
                INSERT INTO public.payments VALUES (n, n % 100, n % 30, 'west');
            END LOOP;
        END $$
    """)
    assert waiting(connection) == 20_000
    assert size(connection) > MIB


def size(connection: Connection) -> int:
    """Bytes on disk of the queue and its index."""
    return int(one(connection, "SELECT pg_total_relation_size('pgpredict.s_queue')"))


def maintain(connection: Connection) -> list[str]:
    return [told for (told,) in connection.execute("SELECT pgpredict.maintain('s')")]


def test_the_queue_is_small_again_when_nothing_waits(connection: Connection) -> None:
    assert drain(connection, batch=5000) == 20_000
    assert maintain(connection) == []
    assert size(connection) < 100_000
    assert agrees(connection) == 20_000


def test_a_writer_who_has_the_queue_is_not_waited_for_nor_kept_waiting(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    writer = another()
    writer.execute("SET lock_timeout = '1s'")
    connection.execute("SET lock_timeout = '1s'")
    with writer.transaction():
        writer.execute("INSERT INTO payments VALUES (0, 1, 1, 'west')")
        assert drain(connection, batch=5000) == 20_000
        assert maintain(connection) == []
        assert size(connection) > MIB  # another time
        writer.execute("INSERT INTO payments VALUES (-1, 1, 1, 'west')")
    assert drain(connection) == 2
    assert maintain(connection) == []
    assert size(connection) < 100_000
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0
    assert agrees(connection) == 20_002


def test_a_queue_that_holds_something_is_not_emptied(connection: Connection) -> None:
    assert work(connection, batch=19_999) == 19_999
    assert one(connection, "SELECT pgpredict.shrink_queue('s')") is False
    assert waiting(connection) == 1
    assert drain(connection) == 1
    assert agrees(connection) == 20_000


def test_who_works_in_a_transaction_that_he_leaves_open_keeps_no_writer_waiting(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    writer = another()
    writer.execute("SET lock_timeout = '1s'")
    with connection.transaction():
        assert drain(connection, batch=5000) == 20_000
        writer.execute("INSERT INTO payments VALUES (0, 1, 1, 'west')")
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0
    assert drain(connection) == 1
    assert agrees(connection) == 20_001


def test_a_paused_stream_keeps_its_queue(connection: Connection) -> None:
    connection.execute("SELECT pgpredict.pause_stream('s')")
    assert drain(connection) == 0
    assert maintain(connection) == []
    assert waiting(connection) == 20_000
    assert size(connection) > MIB

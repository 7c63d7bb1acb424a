"""Writers at SERIALIZABLE who write at the same time: no stream makes one of them fail."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.sql.streams.asking import Connection, agrees, drain, live, one, waiting

pytestmark = pytest.mark.usefixtures("stream")

WRITERS, ROWS = 4, 25


def write(dsn: str, writer: int) -> int:
    """Insert rows, each in a transaction of its own; returns how many failed."""
    failed = 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("SET default_transaction_isolation = 'serializable'")
        for row in range(ROWS):
            try:
                connection.execute(
                    "INSERT INTO payments VALUES (%s, %s, 3, 'south')", [writer * 1000 + row, row]
                )
            except psycopg.errors.SerializationFailure:
                failed += 1
    return failed


def test_transactions_that_overlap_all_commit(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    """Each reads nothing that another one wrote."""
    writers = [another() for _ in range(WRITERS)]
    for writer in writers:
        writer.execute("BEGIN ISOLATION LEVEL SERIALIZABLE")
    for turn in range(2):
        for number, writer in enumerate(writers):
            writer.execute(
                "INSERT INTO payments VALUES (%s, 120, 3, 'south')", [turn * WRITERS + number]
            )
    for writer in writers:
        writer.execute("COMMIT")
    assert drain(connection) == 2 * WRITERS
    assert agrees(connection) == 2 * WRITERS


def test_many_writers_at_full_speed(connection: Connection, installed_dsn: str) -> None:
    with ThreadPoolExecutor(WRITERS) as pool:
        failed = sum(pool.map(write, [installed_dsn] * WRITERS, range(WRITERS)))
    assert failed == 0
    assert drain(connection) == WRITERS * ROWS
    assert agrees(connection) == WRITERS * ROWS


def test_worker_is_woken_for_their_rows(
    connection: Connection, another: Callable[[], Connection], mode: str
) -> None:
    listener = another()
    listener.execute("LISTEN pgpredict_work")
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
        connection.execute("UPDATE payments SET amount = 7, id = 2")
        connection.execute("DELETE FROM payments WHERE id = 5")
    assert waiting(connection) == 3
    assert [n.payload for n in listener.notifies(timeout=5, stop_after=1)] == ["s"]
    drain(connection)
    assert agrees(connection) == 1


def test_truncate(connection: Connection, mode: str) -> None:
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    drain(connection)
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        connection.execute("TRUNCATE payments")
    drain(connection)
    assert live(connection) == []
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0

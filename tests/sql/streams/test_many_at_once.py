"""Writers and workers in threads, over the same few rows."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import psycopg
import pytest

from tests.sql.streams.asking import Connection, agrees, drain, one, work

SECONDS = 1.5
ROWS = 12
ROWS_TO_SHARE = 3_000
WRITES = (
    """INSERT INTO payments VALUES ({a}, {x}, {y}, 'west') ON CONFLICT (id) DO UPDATE
       SET amount = excluded.amount, days = excluded.days""",
    "UPDATE payments SET amount = {x} WHERE id = {a}",
    "UPDATE payments SET region = 'south', note = '{x}' WHERE id BETWEEN {a} AND {a} + 3",
    """UPDATE payments SET id = {b} WHERE id = {a}
       AND NOT EXISTS (SELECT FROM payments WHERE id = {b})""",
    "DELETE FROM payments WHERE id = {a}",
    """DELETE FROM payments WHERE id = {a};
       INSERT INTO payments VALUES ({a}, {x}, 3, 'north') ON CONFLICT DO NOTHING""",
)


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


def write(connection: Connection, seed: int, until: float) -> int:
    """Random statements, some of them several to a transaction. Returns how many."""
    chance = random.Random(seed)
    done = 0
    while time.monotonic() < until:
        try:
            with connection.transaction(force_rollback=chance.random() < 0.1):
                for _ in range(chance.choice((1, 1, 3))):
                    a, b, y = (chance.randrange(ROWS) for _ in range(3))
                    statement = chance.choice(WRITES)
                    connection.execute(statement.format(a=a, b=b, x=chance.random(), y=y))
                    done += 1
        except (psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation):
            pass  # of the writers' own making
    return done


def predict(connection: Connection, seed: int, until: float) -> int:
    chance = random.Random(seed)
    done = 0
    while time.monotonic() < until:
        with suppress(psycopg.errors.DeadlockDetected):  # undone, and still in the queue
            done += work(connection, batch=chance.choice((1, 3, 7)))
    return done


def test_last_word_is_that_of_the_rows(
    connection: Connection, another: Callable[[], Connection], stream: str
) -> None:
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor() as pool:
        writers = [pool.submit(write, another(), seed, until) for seed in range(3)]
        workers = [pool.submit(predict, another(), seed, until) for seed in range(2)]
    assert all(writer.result() > 10 for writer in writers)
    assert all(worker.exception() is None for worker in workers)
    drain(connection)
    assert one(connection, "SELECT array_agg(error) FROM pgpredict.failure") is None
    assert agrees(connection) == one(connection, "SELECT count(*) FROM payments")


def test_workers_share_the_rows(connection: Connection, another: Callable[[], Connection]) -> None:
    """Each row is predicted once, however many workers there are."""
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'payments')")
    for first in range(0, ROWS_TO_SHARE, 100):
        connection.execute(
            "INSERT INTO payments SELECT n, n, 1, 'west'"
            f" FROM generate_series({first}, {first} + 99) AS n"
        )
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda _: drain(another(), batch=30), range(3)))
    assert sum(done) == ROWS_TO_SHARE
    assert one(connection, "SELECT count(*) FROM predict.s_log") == ROWS_TO_SHARE
    assert agrees(connection) == ROWS_TO_SHARE

"""No notification is lost between draining and waiting, whenever it comes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from pgpredict.worker.ear import Ear
from pgpredict.worker.stopping import Stop

# A wait that is far longer than the test may take: it ends because something came.
LONG = 3_600.0

Connection = psycopg.Connection[Any]


@pytest.fixture
def listener(dsn: str) -> Iterator[Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("LISTEN here")
        yield connection


@pytest.fixture
def stop() -> Stop:
    return Stop()


@pytest.fixture
def ear(listener: Connection, stop: Stop) -> Iterator[Ear]:
    with Ear(listener, stop) as ear:
        yield ear


@pytest.fixture
def mouth(dsn: str) -> Iterator[Connection]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def test_one_that_came_during_a_query(ear: Ear, listener: Connection, mouth: Connection) -> None:
    with mouth.transaction():
        # The query of the listener ends after the notification was sent.
        mouth.execute("SELECT pg_advisory_xact_lock(1), pg_notify('here', 'during')")
        query = threading.Thread(
            target=listener.execute, args=("SELECT pg_advisory_xact_lock(1), pg_sleep(0.05)",)
        )
        query.start()
    query.join()

    assert ear.wait(LONG) == {"during"}


def test_one_that_came_between_two_queries(
    ear: Ear, listener: Connection, mouth: Connection
) -> None:
    mouth.execute("SELECT pg_notify('here', 'between')")
    listener.execute("SELECT 1")
    mouth.execute("SELECT pg_notify('here', 'after')")

    heard = ear.wait(LONG)
    while heard != {"between", "after"}:
        heard |= ear.wait(LONG)


def test_one_that_comes_while_it_waits(ear: Ear, mouth: Connection) -> None:
    waiting = threading.Timer(0.05, mouth.execute, ["SELECT pg_notify('here', 'while')"])
    waiting.start()

    assert ear.wait(LONG) == {"while"}


def test_each_is_heard_once(ear: Ear, mouth: Connection) -> None:
    mouth.execute("SELECT pg_notify('here', 'once')")

    assert ear.wait(LONG) == {"once"}
    assert ear.wait(0.05) == set()


def test_every_one_of_many_is_heard(ear: Ear, listener: Connection, mouth: Connection) -> None:
    def speak() -> None:
        for number in range(200):
            mouth.execute("SELECT pg_notify('here', %s)", [str(number)])

    speaking = threading.Thread(target=speak)
    speaking.start()
    heard: set[str] = set()
    while len(heard) < 200:
        heard |= ear.wait(LONG)
        listener.execute("SELECT 1")

    assert heard == {str(number) for number in range(200)}
    speaking.join()


def test_a_wish_to_stop_ends_the_wait(ear: Ear, stop: Stop) -> None:
    threading.Timer(0.05, stop.set, ["enough"]).start()

    assert ear.wait(LONG) == set()
    assert stop.is_set()


def test_a_lost_connection_ends_the_wait(ear: Ear, listener: Connection, mouth: Connection) -> None:
    mouth.execute("SELECT pg_terminate_backend(%s)", [listener.info.backend_pid])

    with pytest.raises(psycopg.OperationalError):
        # The server's last words may end the first wait, and come before the connection ends.
        ear.wait(LONG) or ear.wait(LONG)

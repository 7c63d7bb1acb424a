"""Who is told what: workers that rows wait, subscribers that predictions are there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from tests.sql.streams.asking import Connection, drain, one, settles, waiting, work


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture
def listen(another: Callable[[], Connection]) -> Callable[[str], Callable[[], list[str]]]:
    """Listens to a channel; gives what gives the payloads that have come since."""

    def listen(channel: str) -> Callable[[], list[str]]:
        ear = another()
        ear.execute(f"LISTEN {channel}")

        def heard() -> list[str]:
            ear.execute("SELECT 1")  # what was committed before comes before the answer
            return [n.payload for n in ear.notifies(timeout=0)]

        return heard

    return listen


Listen = Callable[[str], Callable[[], list[str]]]


def create(connection: Connection, options: str = "") -> None:
    connection.execute(f"SELECT pgpredict.create_stream('s', 'risk', 'payments'{options})")


def test_subscribers_are_told_how_many_rows_each_batch_had(
    connection: Connection, listen: Listen
) -> None:
    create(connection)
    heard = listen("pgpredict_s")
    connection.execute("INSERT INTO payments SELECT n, n, n FROM generate_series(1, 25) AS n")
    assert heard() == []
    assert [work(connection, batch=10) for _ in range(4)] == [10, 10, 5, 0]
    assert [json.loads(payload) for payload in heard()] == [{"rows": 10}, {"rows": 10}, {"rows": 5}]


def test_subscribers_are_told_by_the_writer_in_the_mode_transaction(
    connection: Connection, listen: Listen
) -> None:
    create(connection, ", mode => 'transaction'")
    subscriber, worker = listen("pgpredict_s"), listen("pgpredict_work")
    connection.execute("INSERT INTO payments VALUES (1, 9, 9, 'west'), (2, 8, 8, 'west')")
    assert [json.loads(payload) for payload in subscriber()] == [{"rows": 2}]
    assert worker() == []


def test_subscribers_hear_nothing_of_what_is_rolled_back(
    connection: Connection, listen: Listen
) -> None:
    create(connection)
    heard = listen("pgpredict_s")
    connection.execute("INSERT INTO payments VALUES (1, 9, 9, 'west')")
    connection.execute("BEGIN")
    assert work(connection) == 1
    connection.execute("ROLLBACK")
    assert heard() == []


def test_worker_is_woken_with_the_name_of_the_stream(
    connection: Connection, listen: Listen
) -> None:
    create(connection)
    heard = listen("pgpredict_work")
    connection.execute("UPDATE payments SET amount = 1")
    assert heard() == []
    connection.execute("INSERT INTO payments VALUES (1, 9, 9, 'west')")
    assert heard() == ["s"]


def test_burst_wakes_once_in_fifty_milliseconds(connection: Connection, listen: Listen) -> None:
    create(connection)
    heard = listen("pgpredict_work")
    began = time.monotonic()
    for n in range(200):
        connection.execute("INSERT INTO payments VALUES (%s, 9, 9, 'west')", [n])
    took = time.monotonic() - began
    assert 1 <= len(heard()) <= 1 + took / 0.05
    assert waiting(connection) == 200


def test_throttle_is_of_each_stream(connection: Connection, listen: Listen) -> None:
    create(connection)
    connection.execute("SELECT pgpredict.create_stream('other', 'risk', 'payments')")
    heard = listen("pgpredict_work")
    connection.execute("INSERT INTO payments VALUES (1, 9, 9, 'west')")
    assert sorted(heard()) == ["other", "s"]


def test_clock_that_is_set_back_silences_nobody(connection: Connection, listen: Listen) -> None:
    create(connection)
    heard = listen("pgpredict_work")
    connection.execute("SELECT setval('pgpredict.s_wake', 4102444800000)")  # the year 2100
    connection.execute("INSERT INTO payments VALUES (1, 9, 9, 'west')")
    assert heard() == ["s"]


def test_without_notify_writers_wake_nobody(connection: Connection, listen: Listen) -> None:
    create(connection, ", notify => false")
    worker, subscriber = listen("pgpredict_work"), listen("pgpredict_s")
    connection.execute("INSERT INTO payments VALUES (1, 9, 9, 'west')")
    assert worker() == []
    assert drain(connection) == 1
    assert [json.loads(payload) for payload in subscriber()] == [{"rows": 1}]


def test_without_notify_a_writer_of_the_mode_transaction_is_silent(
    connection: Connection, listen: Listen
) -> None:
    create(connection, ", mode => 'transaction', notify => false")
    heard = listen("pgpredict_s")
    connection.execute("INSERT INTO payments VALUES (1, 9, 9, 'west')")
    assert settles(connection) == 1
    assert heard() == []


@pytest.mark.parametrize("call", ["resume_stream", "backfill_stream", "retry_dead"])
def test_operator_who_leaves_work_wakes_the_worker(
    connection: Connection, listen: Listen, call: str
) -> None:
    create(connection)
    connection.execute("INSERT INTO payments VALUES (1, 9, 9, 'west')")
    connection.execute("SELECT pgpredict.pause_stream('s')")
    connection.execute(
        "INSERT INTO pgpredict.failure (stream, key, attempts, error, sqlstate)"
        """ VALUES ('s', '{"id": 1}', 5, 'is dead', 'XX000')"""
    )
    heard = listen("pgpredict_work")
    connection.execute(f"SELECT pgpredict.{call}('s')")
    assert heard() == ["s"]
    assert one(connection, "SELECT count(*) FROM pgpredict.ready_streams()") == (
        1 if call == "resume_stream" else 0
    )

"""Backfill: the rows that were there before, in the order of the key, in nobody's way."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

import pgpredict
from tests.sql.streams.asking import Connection, agrees, drain, live, one, work
from tests.sql.streams.fates import hurry
from tests.sql.streams.models import INPUTS
from tests.sql.streams.versions import by_version, insert

STATE = "SELECT backfill, backfill_rows FROM pgpredict.streams WHERE name = 's'"


@pytest.fixture
def stream(connection: Connection, mode: str) -> str:
    """100 rows, and then a stream `s` with a backfill."""
    insert(connection, 1, 100)
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s, backfill => true)",
        [mode],
    )
    return "s"


def backfill(connection: Connection) -> None:
    connection.execute("SELECT pgpredict.backfill_stream('s')")


@pytest.mark.usefixtures("stream")
def test_goes_along_the_key(connection: Connection) -> None:
    assert connection.execute(STATE).fetchall() == [("running", 0)]
    assert one(connection, "SELECT pgpredict.ready_streams()") == "s"
    for batch in range(1, 5):
        assert work(connection, batch=30) == min(30, 130 - batch * 30)
        assert live(connection) == [(n,) for n in range(1, min(batch * 30, 100) + 1)]
    assert work(connection, batch=30) == 0
    assert connection.execute(STATE).fetchall() == [("finished", 100)]
    assert agrees(connection) == 100


def test_without_one_there_is_no_state_of_it(connection: Connection, mode: str) -> None:
    insert(connection, 1, 10)
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s)", [mode]
    )
    assert drain(connection) == 0
    assert connection.execute(STATE).fetchall() == [(None, 0)]
    backfill(connection)
    drain(connection)
    assert agrees(connection) == 10


def test_of_an_empty_table_is_done_at_once(connection: Connection, mode: str) -> None:
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s, backfill => true)",
        [mode],
    )
    assert work(connection) == 0
    assert connection.execute(STATE).fetchall() == [("finished", 0)]
    assert one(connection, "SELECT count(*) FROM pgpredict.ready_streams()") == 0


@pytest.mark.parametrize("batch", [1, 50, 99, 100, 101])
@pytest.mark.usefixtures("stream")
def test_every_size_of_a_batch_gives_the_same(connection: Connection, batch: int) -> None:
    for _ in range(2):
        drain(connection, batch=batch)
        assert agrees(connection) == 100
        assert connection.execute(STATE).fetchone() == ("finished", 100)
        backfill(connection)


@pytest.mark.usefixtures("stream")
def test_survives_the_death_of_a_worker(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    work(connection, batch=30)
    for _ in range(3):
        worker = another()
        worker.execute("BEGIN")
        assert work(worker, batch=30) == 30
        connection.execute("SELECT pg_terminate_backend(%s)", [worker.info.backend_pid])
        with pytest.raises(psycopg.errors.AdminShutdown):
            worker.execute("COMMIT")
        assert len(live(connection)) == 30
    assert drain(connection, batch=30) == 70
    assert agrees(connection) == 100
    assert one(connection, "SELECT count(*) FROM predict.s_log") == 100


@pytest.mark.usefixtures("stream")
def test_keeps_no_writer_waiting(connection: Connection, another: Callable[[], Connection]) -> None:
    """In the mode `transaction` one who wants no wait at all leaves his row for a later attempt."""
    worker = another()
    connection.execute("SET lock_timeout = '100ms'")
    with worker.transaction():
        assert work(worker, batch=50) == 50
        insert(connection, 101, 105)
        connection.execute("UPDATE payments SET amount = 77 WHERE id = 1")
        connection.execute("DELETE FROM payments WHERE id = 2")
        connection.execute("UPDATE payments SET id = 200 WHERE id = 3")
        connection.execute("UPDATE payments SET amount = 78 WHERE id = 99")
        connection.execute("DELETE FROM payments WHERE id = 98")
        connection.execute("INSERT INTO payments VALUES (0, 5, 5, 'west')")
    hurry(connection)
    drain(connection, batch=50)
    assert agrees(connection) == 104
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0
    assert one(connection, "SELECT backfill FROM pgpredict.streams") == "finished"


@pytest.mark.usefixtures("stream")
def test_rows_that_just_came_go_first(connection: Connection, mode: str) -> None:
    work(connection, batch=10)
    insert(connection, 500, 504)
    work(connection, batch=10)
    assert live(connection)[-5::4] == [(500,), (504,)]
    assert len(live(connection)) == (15 if mode == "queue" else 25)


@pytest.mark.usefixtures("stream")
def test_again_after_a_promotion_predicts_everything_anew(
    db: pgpredict.Database, connection: Connection
) -> None:
    drain(connection)
    db.promote("risk", 2)
    assert by_version(connection) == {1: 100}
    backfill(connection)
    drain(connection, batch=50)
    assert by_version(connection) == {2: 100}
    assert by_version(connection, "predict.s_log") == {1: 100, 2: 100}  # each once


@pytest.mark.usefixtures("stream")
def test_again_takes_predictions_of_rows_that_are_gone(connection: Connection) -> None:
    """Gone while nobody watched: the triggers were off."""
    drain(connection)
    connection.execute("ALTER TABLE payments DISABLE TRIGGER USER")
    connection.execute("DELETE FROM payments WHERE id BETWEEN 20 AND 80 OR id = 100")
    connection.execute("UPDATE payments SET amount = 99 WHERE id = 1")
    connection.execute("ALTER TABLE payments ENABLE TRIGGER USER")
    assert len(live(connection)) == 100
    backfill(connection)
    drain(connection, batch=7)
    assert agrees(connection) == 38


@pytest.mark.usefixtures("stream")
def test_again_before_the_end_begins_anew(connection: Connection) -> None:
    work(connection, batch=30)
    backfill(connection)
    work(connection, batch=30)
    assert len(live(connection)) == 30
    assert drain(connection, batch=30) >= 70
    assert agrees(connection) == 100


@pytest.mark.usefixtures("stream")
def test_of_two_workers_one_does_it(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    first = another()
    with first.transaction():
        assert work(first, batch=60) == 60
        assert work(connection, batch=60) == 0
    assert work(connection, batch=60) == 40
    assert agrees(connection) == 100


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_along_a_key_of_several_columns(connection: Connection, mode: str, batch: int) -> None:
    connection.execute(f"""
        CREATE TABLE readings (
            "Dañ" date, code text COLLATE "C", n numeric(8, 2), {INPUTS},
            PRIMARY KEY ("Dañ", code, n));
        INSERT INTO readings
        SELECT '2025-01-01'::date + d, c, n / 3.0, d * n, 1, 'west'
        FROM generate_series(0, 2) AS d, unnest('{{a,B,é}}'::text[]) AS c,
             generate_series(-1, 1) AS n;
    """)
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'readings', mode => %s, backfill => true)",
        [mode],
    )
    assert drain(connection, batch=batch) == 27
    keys = '"Dañ", code, n'
    assert (
        live(connection, columns=keys)
        == connection.execute(f"SELECT {keys} FROM readings ORDER BY 1, 2, 3").fetchall()
    )
    backfill(connection)
    drain(connection, batch=batch)
    assert len(live(connection, columns=keys)) == 27


def test_of_partitions(connection: Connection, mode: str) -> None:
    connection.execute(f"""
        CREATE TABLE readings (id int, part int, {INPUTS}, PRIMARY KEY (id, part))
            PARTITION BY LIST (part);
        CREATE TABLE readings_1 PARTITION OF readings FOR VALUES IN (1);
        CREATE TABLE readings_2 PARTITION OF readings FOR VALUES IN (2);
        INSERT INTO readings SELECT n, 1 + n % 2, n, 1, 'west' FROM generate_series(1, 50) AS n;
    """)
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'readings', mode => %s, backfill => true)",
        [mode],
    )
    assert drain(connection, batch=7) == 50
    assert len(live(connection)) == 50

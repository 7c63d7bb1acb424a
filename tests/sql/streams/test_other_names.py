"""A source that is renamed while another table takes its name, as when a table is swapped.

The triggers are on the one that moved: its rows are predicted, and no others.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.sql.streams.asking import Connection, agrees, drain, live, one, waiting
from tests.sql.streams.meeting import waiting_for
from tests.sql.streams.versions import insert

pytestmark = pytest.mark.usefixtures("stream")

SWAP = """
    ALTER TABLE payments RENAME TO moved;
    CREATE TABLE payments (LIKE moved INCLUDING ALL);
    INSERT INTO payments SELECT n, 1000 - n, 30 - n, 'north' FROM generate_series(1, 20) AS n;
"""
SOURCE = "SELECT source FROM pgpredict.streams"


@pytest.fixture(autouse=True)
def rows(connection: Connection, stream: str) -> None:
    insert(connection, 1, 10)
    drain(connection)


def test_rows_are_read_from_the_table_with_the_triggers(connection: Connection, mode: str) -> None:
    connection.execute(SWAP)
    connection.execute("UPDATE moved SET amount = amount + 5 WHERE id < 4")
    connection.execute("DELETE FROM moved WHERE id = 10")
    connection.execute("INSERT INTO moved VALUES (11, 7, 7, 'west')")
    assert waiting(connection) == 5
    assert drain(connection) == 5
    assert one(connection, SOURCE) == "public.moved"
    assert agrees(connection) == 10
    connection.execute("UPDATE moved SET amount = 3 WHERE id = 1")
    assert drain(connection) == (1 if mode == "queue" else 0)
    assert agrees(connection) == 10
    connection.execute("TRUNCATE payments")
    assert agrees(connection) == 10


def test_truncate_before_the_stream_knows(connection: Connection) -> None:
    connection.execute(SWAP)
    connection.execute("TRUNCATE moved")
    drain(connection)
    assert live(connection) == []


def test_backfill_in_the_middle_goes_on(connection: Connection) -> None:
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    connection.execute("SELECT pgpredict.work('s', 4)")
    connection.execute(SWAP)
    drain(connection, batch=4)
    assert one(connection, "SELECT backfill FROM pgpredict.streams") == "finished"
    assert agrees(connection) == 10


def test_worker_who_found_the_old_name_and_reads_when_another_table_has_it(
    connection: Connection, another: Callable[[], Connection], mode: str
) -> None:
    """What he did is undone, and he tries again."""
    if mode == "transaction":
        connection.execute("SELECT pgpredict.pause_stream('s')")
    connection.execute("UPDATE payments SET amount = amount + 5")
    if mode == "transaction":
        connection.execute("UPDATE pgpredict.stream SET paused_at = NULL")
    swapping, worker = another(), another()
    swapping.execute("BEGIN")
    swapping.execute(SWAP)
    with (
        pytest.raises(psycopg.errors.SerializationFailure, match="got another name meanwhile"),
        waiting_for(swapping, worker, lambda: drain(worker)),
    ):
        pass
    drain(worker)
    assert agrees(connection) == 10


def test_promotion_follows_it_too(connection: Connection) -> None:
    connection.execute(SWAP)
    connection.execute("SELECT pgpredict.promote('risk', 2), pgpredict.backfill_stream('s')")
    assert one(connection, SOURCE) == "public.moved"
    drain(connection)
    assert agrees(connection) == 10


def test_source_whose_columns_do_not_fit_any_more_is_no_reason_to_build(
    connection: Connection,
) -> None:
    """The functions that are there come right again with the column."""
    before = (
        "SELECT md5(string_agg(prosrc, '' ORDER BY proname)) FROM pg_proc WHERE proname ~ '^s_'"
    )
    was = one(connection, before)
    connection.execute("ALTER TABLE payments RENAME amount TO euros")
    with pytest.raises(psycopg.Error, match="cannot build stream s: the rows of") as told:
        connection.execute("SELECT pgpredict.pause_stream('s')")
    assert "amount" in str(told.value)
    assert one(connection, before) == was
    assert one(connection, "SELECT state FROM pgpredict.streams") == "running"
    connection.execute("ALTER TABLE payments RENAME euros TO amount")
    connection.execute("UPDATE payments SET amount = 3")
    drain(connection)
    assert agrees(connection) == 10

"""pgpredict.work: how many rows a batch takes, in which order, and when it refuses."""

from __future__ import annotations

import pytest

from tests.sql.streams.asking import Connection, agrees, drain, live, one, waiting, work


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture(autouse=True)
def stream(connection: Connection) -> None:
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'payments')")


def insert(connection: Connection, first: int, last: int) -> None:
    connection.execute(
        "INSERT INTO payments SELECT n, n, n %% 7, 'west' FROM generate_series(%s::int, %s) AS n",
        [first, last],
    )


def test_batch_takes_part_of_an_entry_and_leaves_the_rest(connection: Connection) -> None:
    insert(connection, 1, 25)
    done = []
    while True:
        done.append(work(connection, batch=10))
        assert waiting(connection) == 25 - sum(done)
        assert len(live(connection)) == sum(done)
        if not done[-1]:
            break
    assert done == [10, 10, 5, 0]
    assert agrees(connection) == 25


def test_batch_takes_parts_of_several_entries(connection: Connection) -> None:
    for n in range(0, 40, 8):
        insert(connection, n + 1, n + 8)
    assert [work(connection, batch=b) for b in (5, 5, 20, 9, 9, 9)] == [5, 5, 20, 9, 1, 0]
    assert agrees(connection) == 40


def test_batch_of_one_goes_row_by_row(connection: Connection) -> None:
    insert(connection, 1, 3)
    assert [work(connection, batch=1) for _ in range(4)] == [1, 1, 1, 0]
    assert agrees(connection) == 3


def test_oldest_entries_come_first(connection: Connection) -> None:
    for n in (5, 3, 9, 1):
        insert(connection, n, n)
    assert work(connection, batch=2) == 2
    assert live(connection) == [(3,), (5,)]


def test_batch_counts_a_key_once_however_often_it_stands_there(connection: Connection) -> None:
    insert(connection, 1, 4)
    connection.execute("UPDATE payments SET amount = -1")
    connection.execute("DELETE FROM payments WHERE id = 4")
    assert waiting(connection) == 9
    assert work(connection, batch=9) == 4
    assert waiting(connection) == 0
    assert one(connection, "SELECT count(*) FROM predict.s_log") == 3
    assert agrees(connection) == 3


def test_thousands_of_entries_of_one_row(connection: Connection) -> None:
    connection.execute(
        "DO $$ BEGIN FOR n IN 1 .. 2500 LOOP"
        " INSERT INTO payments VALUES (n, n, 1, 'west'); END LOOP; END $$"
    )
    assert [work(connection) for _ in range(4)] == [1000, 1000, 500, 0]
    assert agrees(connection) == 2500


def test_default_batch_is_a_thousand_rows(connection: Connection) -> None:
    insert(connection, 1, 1250)
    assert one(connection, "SELECT pgpredict.work('s')") == 1000
    assert one(connection, "SELECT pgpredict.work('s')") == 250


def test_batch_that_is_rolled_back_has_done_nothing(connection: Connection) -> None:
    insert(connection, 1, 25)
    connection.execute("BEGIN")
    assert work(connection, batch=10) == 10
    assert len(live(connection)) == 10
    connection.execute("ROLLBACK")
    assert (waiting(connection), live(connection)) == (25, [])
    assert drain(connection) == 25
    assert agrees(connection) == 25
    assert one(connection, "SELECT count(*) FROM predict.s_log") == 25

"""DELETE and TRUNCATE: the prediction goes with its row; the log keeps what was said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sql.streams.asking import Connection, drain, live, one, settles, waiting


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture(autouse=True)
def three_rows(connection: Connection, stream: str) -> None:
    connection.execute(
        "INSERT INTO payments VALUES (1, 120, 3, 'south'), (2, 40, 9, 'west'), (3, NULL, 2, NULL)"
    )
    assert settles(connection) == 3


def logged(connection: Connection) -> int:
    return int(one(connection, "SELECT count(*) FROM predict.s_log"))


def test_delete_takes_the_prediction_along_and_leaves_the_log(connection: Connection) -> None:
    connection.execute("DELETE FROM payments WHERE id = 2")
    assert settles(connection) == 2
    assert live(connection) == [(1,), (3,)]
    assert logged(connection) == 3


def test_delete_of_no_row(connection: Connection) -> None:
    connection.execute("DELETE FROM payments WHERE id = 99")
    assert waiting(connection) == 0


def test_delete_of_hundreds_of_rows(connection: Connection) -> None:
    connection.execute("INSERT INTO payments SELECT n, n, 1, 'x' FROM generate_series(4, 250) AS n")
    assert settles(connection) == 250
    connection.execute("DELETE FROM payments WHERE id > 2")
    assert settles(connection) == 2


def test_row_that_is_gone_before_the_worker_comes_is_never_predicted(
    connection: Connection, mode: str
) -> None:
    connection.execute("INSERT INTO payments VALUES (4, 1, 1, 'west')")
    connection.execute("DELETE FROM payments WHERE id = 4")
    assert settles(connection) == 3
    assert logged(connection) == (3 if mode == "queue" else 4)


def test_row_that_comes_back_under_its_key_is_predicted(connection: Connection) -> None:
    with connection.transaction():
        connection.execute("DELETE FROM payments WHERE id = 1")
        connection.execute("INSERT INTO payments VALUES (1, 5, 5, 'north')")
    assert settles(connection) == 3
    connection.execute("DELETE FROM payments WHERE id = 1")
    assert settles(connection) == 2
    connection.execute("INSERT INTO payments VALUES (1, 6, 5, 'north')")
    assert settles(connection) == 3


def test_truncate_takes_all_predictions_at_once_and_leaves_the_log(connection: Connection) -> None:
    connection.execute("TRUNCATE payments")
    assert live(connection) == []
    assert settles(connection) == 0
    assert logged(connection) == 3


def test_truncate_takes_predictions_that_its_snapshot_does_not_see(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    other = another()
    other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    other.execute("SELECT FROM pgpredict.stream")
    connection.execute("INSERT INTO payments VALUES (4, 1, 1, 'west')")
    drain(connection)
    other.execute("TRUNCATE payments")
    other.execute("COMMIT")
    drain(connection)
    assert live(connection) == []


def test_truncate_that_is_rolled_back_takes_nothing(connection: Connection) -> None:
    connection.execute("BEGIN")
    connection.execute("TRUNCATE payments")
    assert live(connection) == []
    connection.execute("ROLLBACK")
    assert settles(connection) == 3


def test_rows_after_a_truncate_in_the_same_transaction(connection: Connection) -> None:
    with connection.transaction():
        connection.execute("INSERT INTO payments VALUES (4, 1, 1, 'west')")
        connection.execute("TRUNCATE payments")
        connection.execute("INSERT INTO payments VALUES (2, 8, 1, 'west'), (7, 8, 1, 'west')")
    assert settles(connection) == 2
    assert live(connection) == [(2,), (7,)]


def test_truncate_before_the_worker_came(connection: Connection) -> None:
    connection.execute("UPDATE payments SET amount = 1")
    connection.execute("TRUNCATE payments")
    assert settles(connection) == 0


def test_truncate_that_cascades_from_another_table(connection: Connection) -> None:
    connection.execute("CREATE TABLE buyers (id integer PRIMARY KEY)")
    connection.execute("ALTER TABLE payments ADD buyer integer REFERENCES buyers")
    connection.execute("TRUNCATE buyers CASCADE")
    assert settles(connection) == 0


def test_delete_that_cascades_from_another_table(connection: Connection) -> None:
    connection.execute("CREATE TABLE buyers AS SELECT 7 AS id")
    connection.execute("ALTER TABLE buyers ADD PRIMARY KEY (id)")
    connection.execute(
        "ALTER TABLE payments ADD buyer integer REFERENCES buyers"
        " ON DELETE CASCADE ON UPDATE CASCADE"
    )
    connection.execute("UPDATE payments SET buyer = 7 WHERE id < 3")
    connection.execute("DELETE FROM buyers")
    assert settles(connection) == 1
    assert live(connection) == [(3,)]

"""UPDATE: an input predicts again, other columns do nothing, a key takes its prediction along."""

from __future__ import annotations

import pytest

from tests.sql.streams.asking import Connection, live, one, settles, waiting


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture(autouse=True)
def three_rows(connection: Connection, stream: str) -> None:
    connection.execute(
        "INSERT INTO payments VALUES (1, 120, 3, 'south', 'a'), (2, 40, 9, 'west', 'b'),"
        " (3, 77, 20, NULL, 'c')"
    )
    assert settles(connection) == 3


def versions_of_rows(connection: Connection) -> list[tuple[object, ...]]:
    """What differs as soon as a prediction is written again, even if it is the same."""
    return live(connection, columns="id, xmin::text, at")


def test_of_an_input_predicts_again(connection: Connection, mode: str) -> None:
    before = versions_of_rows(connection)
    connection.execute("UPDATE payments SET amount = 5 WHERE id = 2")
    assert waiting(connection) == (1 if mode == "queue" else 0)
    assert settles(connection) == 3
    now = versions_of_rows(connection)
    changed = [new[0] for old, new in zip(before, now, strict=True) if old != new]
    assert changed == [2]


def test_of_all_rows_leaves_out_those_whose_inputs_stay(connection: Connection, mode: str) -> None:
    before = versions_of_rows(connection)
    connection.execute("UPDATE payments SET days = greatest(days, 9), note = 'z'")
    assert waiting(connection) == (1 if mode == "queue" else 0)
    assert settles(connection) == 3
    assert versions_of_rows(connection)[1:] == before[1:]


def test_of_other_columns_is_not_even_looked_at(connection: Connection) -> None:
    before = versions_of_rows(connection)
    connection.execute("UPDATE payments SET note = 'changed'")
    connection.execute("UPDATE payments SET amount = amount, days = days, region = region, id = id")
    assert waiting(connection) == 0
    assert settles(connection) == 3
    assert versions_of_rows(connection) == before


def test_to_and_from_null(connection: Connection) -> None:
    connection.execute("UPDATE payments SET amount = NULL WHERE id = 1")
    assert settles(connection) == 3
    assert one(connection, "SELECT probability IS NULL FROM predict.s_live WHERE id = 1")
    connection.execute("UPDATE payments SET amount = 3, region = 'north' WHERE amount IS NULL")
    assert settles(connection) == 3
    assert one(connection, "SELECT probability IS NOT NULL FROM predict.s_live WHERE id = 1")


@pytest.mark.parametrize("level", ["statement", "row"])
def test_of_a_column_from_which_an_input_is_computed(
    connection: Connection, mode: str, level: str
) -> None:
    if connection.info.server_version < 180_000:
        pytest.skip("virtual generated columns came with Postgres 18")
    connection.execute("""
        CREATE TABLE orders (
            id integer PRIMARY KEY, price float8, days float8, region text,
            amount float8 GENERATED ALWAYS AS (price * 2) VIRTUAL)
    """)
    connection.execute(
        "SELECT pgpredict.create_stream('o', 'risk', 'orders', mode => %s, level => %s)",
        [mode, level],
    )
    connection.execute("INSERT INTO orders VALUES (1, 2, 3, 'west'), (2, 4, 5, 'south')")
    assert settles(connection, "o") == 2
    connection.execute("UPDATE orders SET price = 9 WHERE id = 2")
    assert settles(connection, "o") == 2
    assert one(connection, "SELECT count(*) FROM predict.o_log") == 3


def test_of_no_row(connection: Connection) -> None:
    connection.execute("UPDATE payments SET amount = 5 WHERE id = 99")
    assert waiting(connection) == 0


def test_of_hundreds_of_rows(connection: Connection) -> None:
    connection.execute("INSERT INTO payments SELECT n, n, 1, 'x' FROM generate_series(4, 250) AS n")
    connection.execute("UPDATE payments SET amount = amount + 1")
    assert settles(connection) == 250


def test_of_the_key_moves_the_prediction(connection: Connection) -> None:
    connection.execute("UPDATE payments SET id = 30 WHERE id = 3")
    assert settles(connection) == 3
    assert live(connection) == [(1,), (2,), (30,)]


def test_of_key_and_input_at_once(connection: Connection) -> None:
    connection.execute("UPDATE payments SET id = id + 100, amount = amount / 2")
    assert settles(connection) == 3
    assert live(connection) == [(101,), (102,), (103,)]


def test_that_shifts_every_key_to_its_neighbour(connection: Connection) -> None:
    """Old and new keys overlap: 2 and 3 stay, with the rows of 1 and 2."""
    connection.execute("ALTER TABLE payments DROP CONSTRAINT payments_pkey")
    connection.execute("UPDATE payments SET id = id + 1")
    connection.execute("ALTER TABLE payments ADD PRIMARY KEY (id)")
    assert settles(connection) == 3
    assert live(connection) == [(2,), (3,), (4,)]


def test_that_swaps_two_keys_swaps_the_predictions(connection: Connection) -> None:
    before = dict(live(connection, columns="id, probability"))
    with connection.transaction():
        connection.execute("UPDATE payments SET id = -1 WHERE id = 1")
        connection.execute("UPDATE payments SET id = 1 WHERE id = 2")
        connection.execute("UPDATE payments SET id = 2 WHERE id = -1")
    assert settles(connection) == 3
    after = dict(live(connection, columns="id, probability"))
    assert (after[1], after[2]) == (before[2], before[1])


def test_repeated_before_the_worker_comes_is_one_prediction(
    connection: Connection, mode: str
) -> None:
    for n in range(5):
        connection.execute("UPDATE payments SET amount = %s WHERE id = 1", [n])
    assert waiting(connection) == (5 if mode == "queue" else 0)
    assert settles(connection) == 3
    said = one(connection, "SELECT count(*) FROM predict.s_log WHERE id = 1")
    assert said == (2 if mode == "queue" else 6)

"""Values that compare equal and yet are other bytes: a model may tell them apart."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.streams.asking import Connection, one, settles, waiting

# The table of the other modules has functions that take its rows: its types stay.
EDGES = "CREATE TABLE edges (id numeric PRIMARY KEY, amount numeric, days float8, region text)"


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture
def insensitive(connection: Connection) -> str:
    """A collation that holds 'south' and 'South' for equal."""
    try:
        connection.execute(
            "CREATE COLLATION insensitive"
            " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this Postgres was built without ICU")
    return "COLLATE insensitive"


def follow(connection: Connection, table: str, mode: str = "queue") -> None:
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', %s, mode => %s)", [table, mode])


def test_text_that_is_equal_by_its_collation_is_predicted_anew(
    connection: Connection, insensitive: str, mode: str
) -> None:
    connection.execute(
        "CREATE TABLE places (id integer PRIMARY KEY, amount float8, days integer,"
        f" region text {insensitive})"
    )
    follow(connection, "places", mode)
    connection.execute("INSERT INTO places VALUES (1, 50, 9, 'south')")
    assert settles(connection) == 1
    before = one(connection, "SELECT probability FROM predict.s_live")
    connection.execute("UPDATE places SET region = 'SOUTH' WHERE region = 'South'")
    assert settles(connection) == 1
    assert one(connection, "SELECT probability FROM predict.s_live") != before


def test_key_that_is_equal_by_its_collation_has_one_prediction(
    connection: Connection, insensitive: str, mode: str
) -> None:
    connection.execute(
        f"CREATE TABLE codes (code text {insensitive} PRIMARY KEY, amount float8,"
        " days integer, region text)"
    )
    follow(connection, "codes", mode)
    connection.execute("INSERT INTO codes VALUES ('Abc', 50, 9, 'south'), ('b', 1, 1, 'west')")
    assert settles(connection) == 2
    connection.execute("UPDATE codes SET code = 'ABC', amount = 99 WHERE code = 'abc'")
    assert settles(connection) == 2
    connection.execute("UPDATE codes SET code = 'aBC' WHERE code = 'abc'")
    assert settles(connection) == 2
    connection.execute("DELETE FROM codes WHERE code = 'aBc'")
    assert settles(connection) == 1


def test_numbers_that_are_equal_in_other_bytes_are_looked_at_again(connection: Connection) -> None:
    connection.execute(EDGES)
    follow(connection, "edges")
    connection.execute("INSERT INTO edges VALUES (1, 1.0, 0, 'south')")
    assert settles(connection) == 1
    connection.execute("UPDATE edges SET amount = 1.0, days = 0")
    assert waiting(connection) == 0
    connection.execute("UPDATE edges SET amount = 1.000")
    assert waiting(connection) == 1
    connection.execute("UPDATE edges SET days = '-0'")
    assert waiting(connection) == 2
    assert settles(connection) == 1


def test_key_that_is_equal_in_other_bytes_keeps_its_one_prediction(
    connection: Connection, mode: str
) -> None:
    connection.execute(EDGES)
    follow(connection, "edges", mode)
    connection.execute("INSERT INTO edges VALUES (1.0, 10, 3, 'south')")
    assert settles(connection) == 1
    connection.execute("UPDATE edges SET id = 1.00")
    assert settles(connection) == 1
    connection.execute("UPDATE edges SET id = 1.000, amount = 11")
    assert settles(connection) == 1
    connection.execute("DELETE FROM edges WHERE id = 1")
    assert settles(connection) == 0


def test_nan_is_one_key(connection: Connection, mode: str) -> None:
    connection.execute(EDGES)
    follow(connection, "edges", mode)
    connection.execute("INSERT INTO edges VALUES ('NaN', 10, 3, 'south')")
    assert settles(connection) == 1
    connection.execute("UPDATE edges SET amount = 'NaN'")
    assert settles(connection) == 1
    connection.execute("DELETE FROM edges")
    assert settles(connection) == 0

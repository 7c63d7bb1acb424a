"""Sources without a primary key but with a unique key that is named; rows whose key is NULL."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.streams.asking import Connection, drain, live, one, settles
from tests.sql.streams.models import INPUTS


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


UNIQUE = {
    "a constraint": "ALTER TABLE orders ADD UNIQUE (code, number)",
    "an index": "CREATE UNIQUE INDEX ON orders (number, code)",
    "an index with more in it": "CREATE UNIQUE INDEX ON orders (code, number) INCLUDE (days)",
    "a key beside the primary one": (
        "ALTER TABLE orders ADD id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;"
        " ALTER TABLE orders ADD UNIQUE (code, number)"
    ),
}


@pytest.mark.parametrize("unique", UNIQUE)
def test_unique_key_tells_the_rows_apart(connection: Connection, unique: str, mode: str) -> None:
    connection.execute(
        f"CREATE TABLE orders (code text NOT NULL, number integer NOT NULL, {INPUTS})"
    )
    connection.execute(UNIQUE[unique])
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'orders', '{code,number}', %s)", [mode]
    )
    connection.execute(
        "INSERT INTO orders VALUES ('a', 1, 10, 1, 'west'), ('a', 2, 20, 2, 'west'),"
        " ('b', 1, 30, 3, 'south')"
    )
    connection.execute("UPDATE orders SET number = 2 WHERE code = 'b'")
    connection.execute("UPDATE orders SET amount = 40 WHERE number = 2")
    connection.execute("DELETE FROM orders WHERE number = 1")
    assert settles(connection) == 2
    assert live(connection, columns="code, number") == [("a", 2), ("b", 2)]


@pytest.mark.parametrize("name", ["prediction", "version", "at", "shadow", "agree"])
def test_key_called_like_a_column_of_the_live_table_is_refused(
    connection: Connection, name: str
) -> None:
    connection.execute(f"CREATE TABLE orders ({name} integer PRIMARY KEY, {INPUTS})")
    with pytest.raises(psycopg.Error) as caught:
        connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'orders')")
    assert caught.value.sqlstate == "PP005"
    assert caught.value.diag.message_detail == (
        f"{name} is the name of another column of the predictions"
    )


class TestKeyThatMayBeNull:
    """Several rows may have no key: they cannot be told from each other."""

    @pytest.fixture(autouse=True)
    def orders(self, connection: Connection, mode: str) -> None:
        connection.execute(f"CREATE TABLE orders (code text UNIQUE, {INPUTS})")
        connection.execute(
            "SELECT pgpredict.create_stream('s', 'risk', 'orders', '{code}', %s)", [mode]
        )

    def test_row_without_key_is_a_dead_letter_and_keeps_no_other_back(
        self, connection: Connection
    ) -> None:
        connection.execute(
            "INSERT INTO orders VALUES ('a', 10, 1, 'west'), (NULL, 20, 2, 'west'),"
            " ('c', 30, 3, 'south'), (NULL, 40, 4, NULL)"
        )
        drain(connection)
        assert live(connection, columns="code") == [("a",), ("c",)]
        letters = connection.execute("SELECT key, sqlstate, error FROM pgpredict.dead_letters")
        assert letters.fetchall() == [
            (
                {"code": None},
                "22004",
                "a column of the key is NULL: the row cannot be told from others",
            )
        ]

    def test_row_that_gets_a_key_is_predicted(self, connection: Connection) -> None:
        connection.execute("INSERT INTO orders VALUES (NULL, 20, 2, 'west'), ('b', 1, 1, 'west')")
        drain(connection)
        connection.execute("UPDATE orders SET code = 'a' WHERE code IS NULL")
        drain(connection)
        assert live(connection, columns="code") == [("a",), ("b",)]

    def test_row_that_loses_its_key_loses_its_prediction(self, connection: Connection) -> None:
        connection.execute("INSERT INTO orders VALUES ('a', 20, 2, 'west'), ('b', 1, 1, 'west')")
        assert settles(connection) == 2
        connection.execute("UPDATE orders SET code = NULL WHERE code = 'a'")
        drain(connection)
        assert live(connection, columns="code") == [("b",)]
        assert one(connection, "SELECT key FROM pgpredict.dead_letters") == {"code": None}

    def test_dead_letter_comes_back_as_long_as_there_is_such_a_row(
        self, connection: Connection
    ) -> None:
        connection.execute("INSERT INTO orders VALUES (NULL, 20, 2, 'west')")
        drain(connection)
        assert one(connection, "SELECT pgpredict.retry_dead('s')") == 1
        drain(connection)
        assert one(connection, "SELECT count(*) FROM pgpredict.dead_letters") == 1

    def test_backfill_predicts_what_has_a_key(self, connection: Connection) -> None:
        connection.execute(
            "INSERT INTO orders VALUES (NULL, 5, 5, NULL), ('a', 1, 1, 'west'), ('b', 2, 2, 'x'),"
            " (NULL, 6, 6, NULL), ('c', 3, 3, 'west')"
        )
        drain(connection)
        connection.execute("DELETE FROM predict.s_live")
        connection.execute("SELECT pgpredict.backfill_stream('s')")
        drain(connection, batch=2)
        assert live(connection, columns="code") == [("a",), ("b",), ("c",)]
        assert one(connection, "SELECT backfill FROM pgpredict.streams") == "finished"

    @pytest.mark.parametrize("batch", [1, 1000])
    def test_backfill_makes_dead_letters_of_what_has_none(
        self, connection: Connection, batch: int
    ) -> None:
        connection.execute("SELECT pgpredict.drop_stream('s')")
        connection.execute("INSERT INTO orders VALUES (NULL, 5, 5, NULL), ('a', 1, 1, 'west')")
        connection.execute(
            "SELECT pgpredict.create_stream('s', 'risk', 'orders', '{code}', backfill => true)"
        )
        drain(connection, batch=batch)
        assert live(connection, columns="code") == [("a",)]
        assert one(connection, "SELECT key FROM pgpredict.dead_letters") == {"code": None}


def test_backfill_of_a_key_of_which_a_part_may_be_null(connection: Connection) -> None:
    connection.execute(f"CREATE TABLE orders (code text, number integer, {INPUTS})")
    connection.execute("ALTER TABLE orders ADD UNIQUE (code, number)")
    connection.execute(
        "INSERT INTO orders VALUES ('a', 1, 5, 5, NULL), ('a', NULL, 1, 1, 'west'),"
        " (NULL, 2, 1, 1, 'west'), ('b', 2, 1, 1, 'west')"
    )
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'orders', '{code,number}', backfill => true)"
    )
    drain(connection, batch=1)
    assert live(connection, columns="code, number") == [("a", 1), ("b", 2)]
    letters = connection.execute("SELECT key FROM pgpredict.dead_letters ORDER BY key::text")
    assert letters.fetchall() == [
        ({"code": "a", "number": None},),
        ({"code": None, "number": 2},),
    ]

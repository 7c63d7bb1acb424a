"""Names that need quoting, or that mean something inside the functions of a stream."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from psycopg.sql import SQL, Identifier
from sklearn.linear_model import LinearRegression

import pgpredict
from tests.sql.streams.asking import Connection, agrees, drain, one, settles
from tests.sql.streams.models import payments

# What ends a quote, what stands in the templates, what their variables and aliases are called.
ODD = ["$body$", "$$", "{source}", "%s", "%1$I", "ключ", 'a"b', "it's", "back\\slash", "Two Words"]
OURS = ["key1", "keys1", "moment", "found1", "changed1", "batch", "batch1", "entry", "code"]
ALIASES = ["s", "k", "l", "n", "o", "f", "r", "row_at", "table_at", "new_rows", "message", "id"]
WORDS = ["user", "select", "NEW", "tableoid_", "ä" * 31, "x" * 63]
NAMES = [*ODD, *OURS, *ALIASES, *WORDS]
MODES = ("queue", "transaction")


def create_streams(connection: Connection, model: str, table: str) -> None:
    for mode in MODES:
        connection.execute(
            "SELECT pgpredict.create_stream(%s, %s, %s, mode => %s)", [mode, model, table, mode]
        )


def both_settle(connection: Connection) -> int:
    rows = {settles(connection, mode) for mode in MODES}
    assert len(rows) == 1
    return rows.pop()


@pytest.mark.parametrize("name", NAMES)
def test_schema_table_and_key_of_this_name(connection: Connection, name: str) -> None:
    table = SQL("{0}.{0}").format(Identifier(name))
    key = Identifier(name)
    connection.execute(SQL("CREATE SCHEMA {}").format(key))
    connection.execute(
        SQL(
            "CREATE TABLE {} ({} integer PRIMARY KEY, amount float8, days integer, region text)"
        ).format(table, key)
    )
    create_streams(connection, "risk", table.as_string(connection))
    connection.execute(
        SQL("INSERT INTO {} SELECT n, n, n, 'west' FROM generate_series(1, 4) AS n").format(table)
    )
    assert both_settle(connection) == 4
    connection.execute(SQL("UPDATE {0} SET amount = 9 WHERE {1} = 1").format(table, key))
    connection.execute(SQL("UPDATE {0} SET {1} = 20 WHERE {1} = 2").format(table, key))
    connection.execute(SQL("DELETE FROM {0} WHERE {1} = 3").format(table, key))
    assert both_settle(connection) == 3
    for mode in MODES:
        connection.execute("SELECT pgpredict.backfill_stream(%s)", [mode])
        drain(connection, mode, batch=2)
    assert both_settle(connection) == 3
    refuse = "ALTER TABLE pgpredict.queue_queue ADD CONSTRAINT no CHECK (rows < 0) NOT VALID"
    connection.execute(refuse)
    connection.execute(SQL("UPDATE {} SET amount = amount + 1").format(table))
    kept = connection.execute("SELECT key FROM pgpredict.failure ORDER BY key").fetchall()
    assert kept == [({name: number},) for number in (1, 4, 20)]
    assert both_settle(connection) == 3
    for mode in MODES:
        assert one(connection, "SELECT pgpredict.drop_stream(%s)", [mode]) == 0


def test_key_of_many_columns(connection: Connection) -> None:
    """All the odd names at once, as one key of 30 columns."""
    names = NAMES[:30]
    columns = SQL(", ").join(map(Identifier, names))
    connection.execute(
        SQL("CREATE TABLE wide ({}, amount float8, days float8, region text)").format(
            SQL(", ").join(SQL("{} integer DEFAULT 1").format(Identifier(n)) for n in names)
        )
    )
    connection.execute(SQL("ALTER TABLE wide ADD PRIMARY KEY ({})").format(columns))
    create_streams(connection, "risk", "wide")
    last = Identifier(names[-1])
    connection.execute(
        SQL("INSERT INTO wide ({}, amount, days) VALUES (1, 1, 1), (2, 2, 2)").format(last)
    )
    connection.execute(SQL("UPDATE wide SET {0} = 3, amount = 5 WHERE {0} = 2").format(last))
    assert both_settle(connection) == 2


def test_inputs_of_these_names(db: pgpredict.Database, connection: Connection) -> None:
    """A model that reads columns with all of these names, in a table that has no other inputs."""
    names = NAMES
    sample = pd.DataFrame(
        {name: payments(80)["amount"] * (place + 1) % 17 for place, name in enumerate(names)}
    )
    model = LinearRegression().fit(sample, sample @ np.arange(1.0, len(names) + 1))
    db.deploy("odd", model, sample)
    columns = SQL(", ").join(SQL("{} numeric").format(Identifier(name)) for name in names)
    connection.execute(SQL("CREATE TABLE inputs (number integer PRIMARY KEY, {})").format(columns))
    create_streams(connection, "odd", "inputs")
    values = SQL(", ").join(SQL("number * 0.5") for _ in names)
    connection.execute(
        SQL("INSERT INTO inputs SELECT number, {} FROM generate_series(1, 5) AS number").format(
            values
        )
    )
    for name in names:
        connection.execute(
            SQL("UPDATE inputs SET {0} = {0} + 7 WHERE number = 1").format(Identifier(name))
        )
        for mode in MODES:
            assert drain(connection, mode) == (1 if mode == "queue" else 0) or name == names[0]
    for mode in MODES:
        assert agrees(connection, mode) == 5
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0

"""Keys of every kind: in the queue, in the live table, in the mark of a backfill, in a failure."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.sql.streams.asking import Connection, agrees, drain, one, settles, work


@dataclass(frozen=True)
class Key:
    """Columns, and their values in the row number `n` as an expression; `first` comes before."""

    columns: str
    values: str
    first: str = ""

    @property
    def names(self) -> str:
        return ", ".join(column.split()[0] for column in self.columns.split(", "))


KEYS = {
    "text, date and integer": Key(
        "shop text, day date, number integer", "'s' || n % 2, date '2026-01-30' + n / 3, n"
    ),
    "boolean and smallint": Key("web boolean, number smallint", "n % 2 = 0, n"),
    "uuid": Key("id uuid", "md5(n::text)::uuid"),
    "timestamptz": Key(
        "at_time timestamptz",
        "timestamptz '2026-10-25 00:30+02' + n * interval '30 min 1 microsecond'",
    ),
    "timestamp": Key("at_time timestamp", "timestamp '2026-01-01' + n * interval '1 microsecond'"),
    "time": Key("clock time", "time '00:00:00.000001' + n * interval '1 hour'"),
    "interval": Key("span interval", "n * interval '1 month 1 day 1.5 seconds'"),
    "bytea": Key("id bytea", r"decode(lpad(to_hex(n), 4, '0') || '5c0027', 'hex')"),
    "numeric": Key("id numeric", "n * 1.10 + 1e30"),
    "numeric of a scale": Key("id numeric(8,2)", "n * 1.10"),
    "large bigint": Key("id bigint", "9007199254740992 + n"),
    "float8": Key("id float8", "n / 3.0::float8"),
    "float4": Key("id float4", "(n / 3.0)::float4"),
    "char": Key("id char(6)", "'a' || n"),
    "varchar": Key("id varchar(6)", "'a' || n"),
    "text that is not plain": Key(
        "id text", r"""repeat(' ', n) || E'\t''"{},\\ NULL \n' || chr(8364)"""
    ),
    "text of a collation": Key('id text COLLATE "C"', "chr(64 + n) || chr(97 + n)"),
    "inet": Key("id inet", "inet '10.0.0.0/24' + n"),
    "range": Key("id int4range", "int4range(n, n + 2)"),
    "enum": Key(
        "id mood",
        "(ARRAY['zest', 'fun', 'calm', 'bore', 'ärger', 'it''s, \"so\"']::mood[])[n]",
        "CREATE TYPE mood AS ENUM ('zest', 'fun', 'calm', 'bore', 'ärger', 'it''s, \"so\"')",
    ),
    "domain": Key(
        "id code",
        "'c' || n",
        "CREATE DOMAIN word AS varchar(9); CREATE DOMAIN code AS word CHECK (VALUE ~ '^c')",
    ),
}


@pytest.fixture(params=KEYS)
def key(request: pytest.FixtureRequest, connection: Connection) -> Key:
    """A table with such a key, and a stream of each mode on it."""
    key = KEYS[request.param]
    connection.execute(key.first)
    connection.execute(
        f"CREATE TABLE keyed ({key.columns}, amount float8, days integer, region text,"
        f" PRIMARY KEY ({key.names}))"
    )
    for mode in ("queue", "transaction"):
        connection.execute(
            "SELECT pgpredict.create_stream(%s, 'risk', 'keyed', mode => %s)", [mode, mode]
        )
    insert(connection, key, 1, 5)
    return key


def insert(connection: Connection, key: Key, first: int, last: int) -> None:
    connection.execute(
        f"INSERT INTO keyed SELECT {key.values}, n * 10, n, 'west'"
        f" FROM generate_series({first}, {last}) AS n"
    )


def of_row(key: Key, number: int) -> str:
    return f"({key.names}) = (SELECT {key.values} FROM (VALUES ({number})) AS v (n))"


def both_settle(connection: Connection) -> int:
    rows = {settles(connection, mode) for mode in ("queue", "transaction")}
    assert len(rows) == 1
    return rows.pop()


def test_predictions_follow_their_rows(connection: Connection, key: Key) -> None:
    assert both_settle(connection) == 5
    connection.execute("UPDATE keyed SET amount = amount + 5 WHERE days > 2")
    assert both_settle(connection) == 5
    connection.execute(
        f"UPDATE keyed SET ({key.names}) = ROW({key.values}) FROM (VALUES (6)) AS v (n)"
        f" WHERE {of_row(key, 5)}"
    )
    assert one(connection, f"SELECT count(*) FROM keyed WHERE {of_row(key, 6)}") == 1
    assert both_settle(connection) == 5
    connection.execute(f"DELETE FROM keyed WHERE {of_row(key, 1)}")
    assert both_settle(connection) == 4


def test_backfill_goes_on_where_it_stopped(connection: Connection, key: Key) -> None:
    both_settle(connection)
    for stream in ("queue", "transaction"):
        connection.execute(f"DELETE FROM predict.{stream}_live")
        connection.execute("SELECT pgpredict.backfill_stream(%s)", [stream])
        assert [work(connection, stream, batch=2) for _ in range(4)] == [2, 2, 1, 0]
        assert agrees(connection, stream) == 5


def test_failed_keys_are_found_again(connection: Connection, key: Key) -> None:
    """What is kept as JSON reads back as the same key, whatever the settings of the writer."""
    both_settle(connection)
    for stream in ("queue", "transaction"):
        connection.execute(
            f"ALTER TABLE predict.{stream}_live ADD CONSTRAINT no CHECK (version > 7) NOT VALID"
        )
    connection.execute("SET timezone = 'Asia/Kolkata'; SET datestyle = 'SQL, DMY'")
    connection.execute("SET bytea_output = 'escape'; SET extra_float_digits = -3")
    connection.execute("SET intervalstyle = 'iso_8601'")
    connection.execute("UPDATE keyed SET amount = amount + 5")
    drain(connection, "queue")
    connection.execute("RESET ALL")
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 10
    for stream in ("queue", "transaction"):
        connection.execute(f"ALTER TABLE predict.{stream}_live DROP CONSTRAINT no")
        connection.execute("UPDATE pgpredict.failure SET not_before = now()")
        assert drain(connection, stream, batch=2) == 5
        assert agrees(connection, stream) == 5
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0

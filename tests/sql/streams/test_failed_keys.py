"""What is kept of the key of a row that failed names that row, for every session, for ever."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import md5

import pytest

from tests.sql.streams.asking import Connection, drain, live, one
from tests.sql.streams.fates import hurry
from tests.sql.streams.models import INPUTS

# Types of keys whose text depends on the settings of the session, and settings that show it.
KEYS = {
    "timestamptz": ("2025-01-01 12:00+00", "timezone", "Asia/Kathmandu", "America/New_York"),
    "bytea": (r"\x00ff", "bytea_output", "escape", "hex"),
    "interval": ("1 day 02:00", "intervalstyle", "iso_8601", "sql_standard"),
    "float8": ("0.1", "extra_float_digits", "-10", "0"),
    "daterange": ("[2025-02-01,2025-03-01)", "datestyle", "SQL, DMY", "German"),
    "money": ("1.50", "lc_monetary", "C", "C"),
    "date": ("2025-02-01", "datestyle", "SQL, DMY", "German"),
    "numeric": ("1.50", "lc_numeric", "C", "C"),
}


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.mark.parametrize("key", KEYS)
def test_a_failure_is_found_again_by_sessions_with_other_settings(
    connection: Connection, another: Callable[[], Connection], key: str, mode: str
) -> None:
    value, setting, of_writer, of_worker = KEYS[key]
    connection.execute(f"CREATE TABLE readings (id {key} PRIMARY KEY, {INPUTS})")
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'readings', mode => %s)", [mode]
    )
    writer = another()
    writer.execute(f"SET {setting} = '{of_writer}'")
    connection.execute("ALTER TABLE pgpredict.s_queue RENAME TO elsewhere")
    connection.execute("ALTER TABLE predict.s_live RENAME TO elsewhere")
    writer.execute(f"INSERT INTO readings VALUES ('{value}', 1, 1, 'west')")
    connection.execute("ALTER TABLE pgpredict.elsewhere RENAME TO s_queue")
    connection.execute("ALTER TABLE predict.elsewhere RENAME TO s_live")
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 1
    hurry(connection)

    worker = another()
    worker.execute(f"SET {setting} = '{of_worker}'")
    assert drain(worker) == 1
    assert live(connection) == connection.execute("SELECT id FROM readings").fetchall()
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0


def test_a_key_that_has_outgrown_its_type_keeps_no_other_back(
    connection: Connection, mode: str
) -> None:
    connection.execute(f"CREATE TABLE readings (id integer PRIMARY KEY, {INPUTS})")
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'readings', mode => %s)", [mode]
    )
    connection.execute("ALTER TABLE readings ALTER id TYPE bigint")
    connection.execute("INSERT INTO readings VALUES (1, 1, 1, 'west'), (3000000000, 1, 1, 'west')")
    drain(connection)
    assert live(connection) == [(1,)]
    dead = "SELECT key, sqlstate, error FROM pgpredict.dead_letters"
    expected = [
        ({"id": 3000000000}, "22003", 'value "3000000000" is out of range for type integer')
    ]
    assert connection.execute(dead).fetchall() == expected
    assert one(connection, "SELECT pgpredict.retry_dead('s')") == 1
    drain(connection)
    assert connection.execute(dead).fetchall() == expected


@pytest.mark.parametrize(
    ("before", "after", "value"),
    [
        ("varchar(3)", "varchar(10)", "abcdef"),
        ("numeric(4, 1)", "numeric(8, 4)", "17.1234"),
        ("timestamp(0)", "timestamp", "2025-01-01 00:00:00.25"),
        ("char(2)", "char(4)", "abcd"),
    ],
)
def test_a_key_may_grow_within_its_type(
    connection: Connection, mode: str, before: str, after: str, value: str
) -> None:
    connection.execute(f"CREATE TABLE readings (id {before} PRIMARY KEY, {INPUTS})")
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'readings', mode => %s)", [mode]
    )
    connection.execute(f"ALTER TABLE readings ALTER id TYPE {after}")
    connection.execute(f"INSERT INTO readings VALUES ('{value}', 1, 1, 'west')")
    drain(connection)
    assert live(connection) == connection.execute("SELECT id FROM readings").fetchall()
    connection.execute("DELETE FROM readings")
    drain(connection)
    assert live(connection) == []


def test_a_wide_row_whose_key_has_another_name_is_kept_in_short(connection: Connection) -> None:
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'payments')")
    connection.execute("ALTER TABLE payments RENAME id TO number")
    connection.execute(
        "INSERT INTO payments SELECT n, 1, 1, 'west', string_agg(md5((n * m)::text), '')"
        " FROM generate_series(1, 3) AS n, generate_series(1, 200) AS m GROUP BY n"
    )
    told = connection.execute(
        "SELECT key, error FROM pgpredict.dead_letters ORDER BY key"
    ).fetchall()
    assert len(told) == 3
    for number, (key, error) in enumerate(told, start=1):
        row = key[""]
        assert (row["number"], row["days"]) == (number, 1)
        assert row["note"].startswith(md5(str(number).encode()).hexdigest())
        assert len(row["note"]) < 80
        assert error == "column n.id does not exist"
    assert one(connection, "SELECT pgpredict.retry_dead('s')") == 0


def test_a_key_too_large_for_an_index_keeps_no_other_back(
    connection: Connection, mode: str
) -> None:
    """As large as the index of the source takes, which is a little more than the failures take."""
    connection.execute(f"CREATE TABLE readings (id text PRIMARY KEY, {INPUTS})")
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'readings', mode => %s)", [mode]
    )
    connection.execute(
        "ALTER TABLE predict.s_live ADD CONSTRAINT few CHECK (length(id) < 9) NOT VALID"
    )
    connection.execute("""
        INSERT INTO readings
        SELECT left(string_agg(md5(n::text), ''), 2680), 1, 1, 'west'
        FROM generate_series(1, 90) AS n;
        INSERT INTO readings VALUES ('small', 1, 1, 'west');
    """)
    drain(connection)
    assert live(connection) == [("small",)]
    assert one(connection, "SELECT sqlstate FROM pgpredict.dead_letters") == "23514"

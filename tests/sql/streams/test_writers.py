"""Whoever writes, however his session is set up: his rows are predicted, and he notices nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.sql.streams.asking import Connection, agrees, drain, live, one, settles
from tests.sql.streams.fates import hurry
from tests.sql.streams.roles import Roles, some_roles

pytestmark = pytest.mark.usefixtures("stream")

ROWS = "INSERT INTO public.payments VALUES (1, 120, 3, 'south'), (2, 9, 30, 'west')"
# What sessions of old applications, of drivers and of curious people are like.
SETTINGS = {
    "array_nulls": "off",
    "bytea_output": "escape",
    "check_function_bodies": "off",
    "cursor_tuple_fraction": "1",
    "datestyle": "SQL, DMY",
    "enable_indexscan": "off",
    "enable_bitmapscan": "off",
    "enable_indexonlyscan": "off",
    "escape_string_warning": "off",
    "extra_float_digits": "-15",
    "intervalstyle": "sql_standard",
    "lock_timeout": "10s",
    "plan_cache_mode": "force_custom_plan",
    "plpgsql.extra_errors": "all",
    "quote_all_identifiers": "on",
    "row_security": "off",
    "standard_conforming_strings": "off",
    "timezone": "Asia/Kathmandu",
    "transform_null_equals": "on",
    "work_mem": "64",
}
HOSTILE = """
    CREATE SCHEMA evil;
    CREATE TABLE evil.pg_class (relname text);
    CREATE TABLE evil.s_queue (key1 bigint[]);
    CREATE TABLE evil.payments (id bigint PRIMARY KEY);
    CREATE FUNCTION evil.never(bigint, bigint) RETURNS boolean LANGUAGE sql RETURN false;
    CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.never);
    CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz
        LANGUAGE sql RETURN '-infinity'::timestamptz;
    CREATE FUNCTION evil.unnest(bigint[]) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT 0::bigint';
    CREATE FUNCTION evil.pg_notify(text, text) RETURNS void LANGUAGE plpgsql
        AS $$ BEGIN RAISE 'you have been had'; END $$;
    CREATE TEMP TABLE s_live (id bigint, version integer, at timestamptz);
    CREATE TEMP TABLE failure (stream text, key jsonb);
    CREATE TEMP TABLE new_rows (id bigint);
    CREATE TEMP TABLE old_rows (id bigint);
    CREATE TEMP TABLE k (key1 bigint);
    SET search_path = evil, pg_temp, pg_catalog, public;
"""


@pytest.fixture
def roles(installed_dsn: str, admin_dsn: str) -> Iterator[Roles]:
    with some_roles(installed_dsn, admin_dsn) as roles:
        yield roles


def test_a_writer_needs_no_right_but_to_write(connection: Connection, roles: Roles) -> None:
    role = roles.make("writer")
    connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON payments TO {role}")
    writer = roles.connect(role)
    writer.execute(ROWS)
    writer.execute(
        "UPDATE payments SET amount = 70 WHERE id = 2; DELETE FROM payments WHERE id = 1"
    )
    assert settles(connection) == 1
    for private in ("predict.s_live", "predict.s_log", "pgpredict.s_queue", "pgpredict.failure"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            writer.execute(f"SELECT FROM {private}")
    writer.execute("TRUNCATE payments")
    assert settles(connection) == 0
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0


def test_settings_of_the_session_change_nothing(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    writer = another()
    for name, value in SETTINGS.items():
        writer.execute(f"SET {name} = '{value}'")
    writer.execute(ROWS)
    writer.execute("UPDATE payments SET amount = 1.0000000000000002")
    writer.execute("UPDATE payments SET amount = 1.0000000000000004 WHERE id = 1")
    writer.execute("UPDATE payments SET id = 3 WHERE id = 2")
    drain(writer)
    assert agrees(connection) == 2
    assert live(connection) == [(1,), (3,)]
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0


def test_objects_of_the_writer_are_not_mistaken_for_others(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    writer = another()
    writer.execute(HOSTILE)
    writer.execute(ROWS)
    writer.execute("UPDATE public.payments SET amount = 33")
    drain(writer)
    assert agrees(connection) == 2
    for theirs in ("evil.s_queue", "evil.payments", "s_live", "failure", "new_rows"):
        assert one(writer, f"SELECT count(*) FROM {theirs}") == 0


def test_a_function_with_an_empty_search_path_writes(connection: Connection) -> None:
    connection.execute(f"""
        CREATE FUNCTION pay() RETURNS void LANGUAGE plpgsql SET search_path = ''
        AS $$ BEGIN {ROWS}; END $$
    """)
    connection.execute("SELECT pay()")
    assert settles(connection) == 2


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_writers_at_stricter_isolation_levels(
    connection: Connection, another: Callable[[], Connection], level: str
) -> None:
    connection.execute(ROWS)
    drain(connection)
    writer = another()
    with writer.transaction():
        writer.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        writer.execute("UPDATE payments SET amount = 70 WHERE id = 2")
        connection.execute("INSERT INTO payments VALUES (3, 50, 9, 'north')")
        writer.execute("INSERT INTO payments VALUES (4, 50, 9, 'north')")
        writer.execute("DELETE FROM payments WHERE id = 1")
    if level == "SERIALIZABLE":  # leaves his rows to a worker, whatever the mode
        assert drain(connection) >= 3
    assert settles(connection) == 3
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0


def test_a_prediction_that_is_newer_than_the_snapshot_of_the_writer_costs_him_nothing(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    """At REPEATABLE READ he cannot change it: in the mode `transaction` that is tried again."""
    connection.execute(ROWS)
    drain(connection)
    writer = another()
    with writer.transaction():
        writer.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert one(writer, "SELECT count(*) FROM payments") == 2
        connection.execute("SELECT pgpredict.backfill_stream('s')")
        drain(connection)
        writer.execute("UPDATE payments SET amount = 70 WHERE id = 2")
    hurry(connection)
    drain(connection)
    assert agrees(connection) == 2
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0

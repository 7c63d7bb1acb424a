"""Misuse: a clear error, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

import pgpredict
from tests.pgpredict.database.models import customers, value
from tests.sql.programs import pg_dump
from tests.sql.streams.asking import Connection, one
from tests.sql.streams.impossible import FOREIGN, REFUSED, TABLES
from tests.sql.streams.roles import some_roles

CREATE = "SELECT pgpredict.create_stream('s', 'risk', 'payments')"


def told(connection: Connection, statement: str) -> tuple[str | None, ...]:
    """What is said of a statement that must fail: SQLSTATE, message, detail."""
    with pytest.raises(psycopg.Error) as caught:
        connection.execute(statement)
    diag = caught.value.diag
    assert diag.message_hint or not str(diag.sqlstate).startswith("PP")
    return diag.sqlstate, diag.message_primary, diag.message_detail


def test_streams_that_cannot_be_created(
    db: pgpredict.Database, connection: Connection, installed_dsn: str, admin_dsn: str
) -> None:
    connection.execute(TABLES)
    with some_roles(installed_dsn, admin_dsn) as roles:
        roles.admin.execute(FOREIGN)
    db.deploy("idle", value(), customers())
    connection.execute("UPDATE pgpredict.version SET live_since = NULL WHERE model = 'idle'")
    before = pg_dump(installed_dsn)
    said = {
        name: told(connection, f"SELECT pgpredict.create_stream('s', {case.arguments})")
        for name, case in REFUSED.items()
    }
    assert said == {name: (case.code, case.message, case.detail) for name, case in REFUSED.items()}
    assert pg_dump(installed_dsn) == before


NAMES = {
    "NULL": "NULL is not allowed as the name of a stream",
    "''": "'' is not allowed as the name of a stream",
    "'Big'": "'Big' is not allowed as the name of a stream",
    "'1st'": "'1st' is not allowed as the name of a stream",
    "'a b'": "'a b' is not allowed as the name of a stream",
    "'a''; DROP TABLE payments; --'": "'a''; DROP TABLE payments; --' is not allowed as the name"
    " of a stream",
    f"'{'a' * 42}'": f"'{'a' * 42}' is not allowed as the name of a stream",
    "'work'": "work is not allowed as the name of a stream",
    "'probe'": "probe is not allowed as the name of a stream",
}


def test_names_that_are_not_allowed(connection: Connection, installed_dsn: str) -> None:
    before = pg_dump(installed_dsn)
    for name, message in NAMES.items():
        said = told(connection, f"SELECT pgpredict.create_stream({name}, 'risk', 'payments')")
        assert said[:2] == ("PP008", message)
    assert pg_dump(installed_dsn) == before


def test_the_longest_name_works(connection: Connection) -> None:
    name = "a" * 41
    connection.execute(f"SELECT pgpredict.create_stream('{name}', 'risk', 'payments')")
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    assert one(connection, f"SELECT pgpredict.work('{name}')") == 1
    connection.execute(f"SELECT pgpredict.publish_stream('{name}')")
    connection.execute(f"SELECT pgpredict.add_shadow('{name}', 2)")
    assert one(connection, f"SELECT pgpredict.drop_stream('{name}')") == 0


def test_a_stream_that_exists(connection: Connection, installed_dsn: str) -> None:
    connection.execute(CREATE)
    before = pg_dump(installed_dsn)
    assert told(connection, CREATE)[:2] == ("PP007", "there is a stream s already")
    assert pg_dump(installed_dsn) == before


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("CREATE TABLE predict.s_live ()", "table predict.s_live"),
        ("CREATE VIEW predict.s_shadows AS SELECT 1", "table predict.s_shadows"),
        ("CREATE TABLE predict.s_log_default ()", "table predict.s_log_default"),
        ("CREATE TABLE predict.s_log_20200101 ()", "table predict.s_log_20200101"),
        ("CREATE SEQUENCE pgpredict.s_queue", "table pgpredict.s_queue"),
        ("CREATE TABLE pgpredict.s_wake ()", "table pgpredict.s_wake"),
        (
            "CREATE FUNCTION pgpredict.s_work(text) RETURNS text LANGUAGE sql RETURN 1",
            "function pgpredict.s_work(text)",
        ),
    ],
)
def test_something_in_the_way(
    connection: Connection, installed_dsn: str, statement: str, what: str
) -> None:
    connection.execute(statement)
    before = pg_dump(installed_dsn)
    assert told(connection, CREATE)[:2] == (
        "PP007",
        f"cannot create stream s: there is a {what} already",
    )
    assert pg_dump(installed_dsn) == before


def test_a_stream_has_no_name_of_a_function_of_pgpredict(connection: Connection) -> None:
    """`begin`, for example: there is a pgpredict.begin_work."""
    suffixes = connection.execute("SELECT pgpredict.stream_functions()").fetchall()
    ours = connection.execute(
        "SELECT proname FROM pg_proc WHERE pronamespace = 'pgpredict'::regnamespace"
    ).fetchall()
    names = {
        name.removesuffix(suffix) for (suffix,) in suffixes for (name,) in ours
        if name.endswith(suffix)
    }  # fmt: skip
    assert "begin" in names
    for name in names:
        said = told(connection, f"SELECT pgpredict.create_stream('{name}', 'risk', 'payments')")
        assert said[0] == "PP007"
        assert "there is a function" in str(said[1])


CALLS = [
    "drop_stream('nope')",
    "pause_stream('nope')",
    "resume_stream('nope')",
    "retry_dead('nope')",
    "backfill_stream('nope')",
    "set_retention('nope', '1 day')",
    "add_shadow('nope', 2)",
    "drop_shadow('nope', 2)",
    "publish_stream('nope')",
    "unpublish_stream('nope')",
    "work('nope')",
    "maintain('nope')",
    "work(NULL)",
]


@pytest.mark.parametrize("call", CALLS)
def test_an_unknown_stream(connection: Connection, call: str) -> None:
    statement = f"SELECT pgpredict.{call}"
    name = "NULL" if "NULL" in call else "nope"
    nothing = ("PP006", f"there is no stream {name}", "there are no streams yet")
    assert told(connection, statement) == nothing
    connection.execute(CREATE)
    assert told(connection, statement) == (*nothing[:2], "streams: s")


@pytest.mark.parametrize("batch", ["0", "-1", "NULL"])
def test_a_batch_has_a_row_at_least(connection: Connection, batch: str) -> None:
    connection.execute(CREATE)
    said = told(connection, f"SELECT pgpredict.work('s', {batch})")
    assert said[:2] == ("22023", f"a batch has at least one row, not {batch}")


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_work_needs_to_see_what_was_committed_meanwhile(connection: Connection, level: str) -> None:
    connection.execute(CREATE)
    with connection.transaction(force_rollback=True):
        connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="read committed"):
            connection.execute("SELECT pgpredict.work('s')")


def test_options_of_a_stream_that_exists_are_checked_too(
    connection: Connection, installed_dsn: str
) -> None:
    connection.execute(CREATE)
    connection.execute("SELECT pgpredict.set_retention('s', '0')")
    before = pg_dump(installed_dsn)
    assert told(connection, "SELECT pgpredict.set_retention('s', '-1 day')")[0] == "PP007"
    assert told(connection, "SELECT pgpredict.add_shadow('s', 2)")[:2] == (
        "PP007",
        "cannot score v2 in the shadow of stream s: the stream keeps no log",
    )
    for version in ("99", "NULL", "-1"):
        assert told(connection, f"SELECT pgpredict.add_shadow('s', {version})")[0] == "PP001"
    assert pg_dump(installed_dsn) == before


def test_a_source_that_somebody_keeps_is_not_waited_for_long(
    connection: Connection, another: Callable[[], Connection], installed_dsn: str
) -> None:
    """Five seconds; less here."""
    for function in ("put_stream_triggers(text)", "drop_stream_triggers(text)"):
        connection.execute(f"ALTER FUNCTION pgpredict.{function} SET lock_timeout = '50ms'")
    before = pg_dump(installed_dsn)
    busy = another()
    with busy.transaction():
        busy.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
        said = told(connection, CREATE)
    assert said[0] == "55P03"
    assert "somebody else uses the table" in str(said[1])
    connection.execute("DELETE FROM payments")
    assert pg_dump(installed_dsn) == before
    connection.execute(CREATE)
    before = pg_dump(installed_dsn)
    with busy.transaction():
        busy.execute("SELECT FROM payments")
        said = told(connection, "SELECT pgpredict.drop_stream('s')")
    assert said[0] == "55P03"
    assert "somebody else uses its source" in str(said[1])
    assert pg_dump(installed_dsn) == before

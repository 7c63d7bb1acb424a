"""What cannot be: one clear message, an exit code that says of which kind, nothing left behind."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import pgpredict

from .conftest import Stream, said


@pytest.mark.parametrize(
    "arguments",
    [
        *([name, "wroth"] for name in ("show", "pause", "resume", "backfill", "dead", "retry")),
        *(["publish", "wroth"], ["unpublish", "wroth"], ["drop", "wroth"]),
        *(["retain", "wroth", "1d"], ["shadow", "wroth", "1"], ["unshadow", "wroth", "1"]),
    ],
    ids=lambda arguments: str(arguments[0]),
)
def test_a_stream_that_is_not_there(stream: Stream, worth: str, arguments: list[str]) -> None:
    result = stream(*arguments)

    assert result.exit_code == 3
    assert result.stdout == ""
    error, known, advice, _ = result.stderr.splitlines()
    assert error.endswith("there is no stream wroth")
    assert (known, advice) == (f"  streams: {worth}", "  do: pgpredict stream list")


REFUSED = [
    (["Worth", "value", "customers"], "'Worth' is not allowed as the name", "use small letters"),
    (["worth", "worthy", "customers"], "there is no model worthy", "pgpredict models"),
    (["worth", "value", "clients"], "there is no table clients", "write capitals"),
    (["worth", "value", "seen"], "seen is a view: a stream needs a table", "name the table"),
    (["worth", "value", "narrow"], "narrow do not fit the model", "the table needs a column"),
    (
        ["worth", "value", "customers", "--key", "nr"],
        "(nr) cannot be the key of public.customers",
        "name the columns of the primary key or of a unique constraint: --key id",
    ),
    (["taken", "value", "customers"], "there is a stream taken", "pgpredict stream drop taken"),
    (
        ["worth", "value", "customers", "--retention", "soon"],
        'invalid input syntax for type interval: "soon"',
        "retention is a span of time",
    ),
    (
        ["worth", "value", "customers", "--retention", "-1d"],
        "retention is -1 days: it is 0 to 1000 years",
        "see docs/streams.md",
    ),
]


@pytest.mark.parametrize(("arguments", "message", "advice"), REFUSED, ids=[r[1] for r in REFUSED])
def test_what_cannot_be(
    stream: Stream,
    installed_dsn: str,
    db: pgpredict.Database,
    arguments: list[str],
    message: str,
    advice: str,
) -> None:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute("CREATE VIEW seen AS SELECT * FROM customers")
        connection.execute("CREATE TABLE narrow (id integer PRIMARY KEY, tenure integer)")
    db.create_stream("taken", "value", "customers")
    before = _catalog(installed_dsn)

    result = stream("create", *arguments)

    assert result.exit_code == 3
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[0].startswith(f"error: cannot create stream {arguments[0]}: ")
    assert message in lines[0]
    assert lines[-2].startswith("  do: ")
    assert advice in lines[-2]
    assert lines[-1] == "(exit 3; nothing was changed)"
    assert _catalog(installed_dsn) == before


@pytest.mark.parametrize(
    ("wrong", "said_of_it"),
    [
        (["--mode", "later"], "'later' is not one of 'queue', 'transaction'"),
        (["--level", "page"], "'page' is not one of 'statement', 'row'"),
        (["--attempts", "0"], "--attempts"),
        (["--retention", "30"], "30 of what? write 30d for days"),
        (["--key", "id,"], "a name of a column is empty"),
        (["--key", ""], "a name of a column is empty"),
        (["--speed", "9"], "--speed"),
        (["more"], "more"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usage_that_makes_no_sense(
    stream: Stream, db: pgpredict.Database, wrong: list[str], said_of_it: str
) -> None:
    result = stream("create", "worth", "value", "customers", *wrong)

    assert result.exit_code == 2
    assert said_of_it in " ".join(result.stderr.replace("│", " ").split())
    assert db.streams() == []


def test_a_shadow_that_cannot_be(stream: Stream, worth: str, db: pgpredict.Database) -> None:
    unknown = stream("shadow", worth, 7)
    assert unknown.exit_code == 3
    assert unknown.stderr.splitlines()[0] == (
        "error: cannot score v7 in worth: value has no version 7"
    )
    said(stream("retain", worth, "0"))

    without_log = stream("shadow", worth, 2)
    assert without_log.exit_code == 3
    assert without_log.stderr.splitlines() == [
        "error: cannot score v2 in the shadow of stream worth: the stream keeps no log",
        "  do: pgpredict stream retain worth '30 days'",
        "(exit 3; nothing was changed)",
    ]
    assert db.stream(worth).shadows == []


def _catalog(dsn: str) -> list[Any]:
    with psycopg.connect(dsn) as connection:
        return connection.execute("""
            SELECT 'table', oid::text FROM pg_class
            UNION ALL SELECT 'function', oid::text FROM pg_proc
            UNION ALL SELECT 'trigger', oid::text FROM pg_trigger
            UNION ALL SELECT 'event', id::text FROM pgpredict.event
            ORDER BY 1, 2
        """).fetchall()

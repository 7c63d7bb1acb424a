"""Streams that cannot be: one clear error each, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.errors import (
    InvalidName,
    InvalidSource,
    InvalidStream,
    PgpredictError,
    UnknownModel,
)
from tests.pgpredict import valued
from tests.pgpredict.database.models import customers, value
from tests.postgres import Server

RELATIONS = """
    CREATE VIEW seen AS SELECT * FROM customers;
    CREATE MATERIALIZED VIEW stored AS SELECT * FROM customers;
    CREATE TABLE narrow (id integer PRIMARY KEY, tenure text);
    CREATE TABLE keyless (id integer, tenure integer, spend float8);
    CREATE TABLE logged (version integer PRIMARY KEY, tenure integer, spend float8);
"""


@pytest.fixture(scope="module")
def template(template: Callable[[Server], str]) -> Iterator[Callable[[Server], str]]:
    yield from valued.deployed(template)


@pytest.fixture
def connection(installed_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(RELATIONS)
        yield connection


REFUSED: list[tuple[dict[str, Any], type[PgpredictError], str]] = [
    ({"name": "Worth"}, InvalidName, "'Worth' is not allowed as the name of a stream\n  do: use"),
    ({"name": "w" * 42}, InvalidName, "is not allowed as the name of a stream"),
    ({"name": ""}, InvalidName, "'' is not allowed as the name of a stream"),
    ({"name": None}, InvalidName, "NULL is not allowed as the name of a stream"),
    ({"name": "x'; DROP TABLE customers; --"}, InvalidName, "is not allowed as the name"),
    ({"name": "begin"}, InvalidStream, "there is a function .*begin_work"),
    ({"model": "worth"}, UnknownModel, "there is no model worth\n  models: value"),
    ({"source": "clients"}, InvalidSource, "there is no table clients\n  do: write capitals"),
    ({"source": "Customers x"}, InvalidSource, "Customers x is no name of a table|no table Cust"),
    ({"source": "a.b.c.d"}, InvalidSource, "a.b.c.d is no name of a table\n  why: improper"),
    ({"source": "other.public.t"}, InvalidSource, "is no name of a table\n  why: cross-database"),
    ({"source": "seen"}, InvalidSource, "seen is a view: a stream needs a table"),
    ({"source": "stored"}, InvalidSource, "stored is a materialized view: a stream needs a table"),
    ({"source": "pg_class"}, InvalidSource, "is a system table: a stream needs a table"),
    (
        {"source": "narrow"},
        InvalidSource,
        "the rows of .*narrow do not fit the model\n  tenure is text, .*\n  no column spend",
    ),
    ({"source": "keyless"}, InvalidSource, "keyless has no primary key\n  do: name the columns"),
    (
        {"source": "logged"},
        InvalidSource,
        "version is the name of another column of the predictions",
    ),
    ({"key": "number"}, InvalidSource, r"\(number\) cannot be the key of .*\n  no column number"),
    ({"key": "spend"}, InvalidSource, "no unique index stands on exactly these columns"),
    ({"key": ["id", "id"]}, InvalidSource, "id stands there twice"),
    ({"key": ["id", None]}, InvalidSource, "a name is NULL"),
    ({"mode": "later"}, InvalidStream, "mode is 'later': it is queue or transaction"),
    ({"level": "page"}, InvalidStream, "level is 'page': it is statement or row"),
    ({"retention": timedelta(days=-1)}, InvalidStream, "retention is -1 days: it is 0 to"),
    ({"retention": timedelta.max}, InvalidStream, "retention is .* days.*: it is 0 to"),
    ({"retention": "2000 years"}, InvalidStream, "retention is 2000 years: it is 0 to 1000 years"),
    ({"retention": "soon"}, InvalidStream, 'invalid input syntax for type interval: "soon"\n  do:'),
    ({"attempts": 0}, InvalidStream, "attempts is 0: it is at least 1"),
    ({"attempts": 2**40}, InvalidStream, "this option means nothing: integer out of range"),
    ({"attempts": "many"}, InvalidStream, 'invalid input syntax for type integer: "many"'),
]


@pytest.mark.parametrize(("wrong", "kind", "message"), REFUSED, ids=[str(r[0]) for r in REFUSED])
def test_what_cannot_be(
    db: pgpredict.Database,
    connection: psycopg.Connection,
    wrong: dict[str, Any],
    kind: type[PgpredictError],
    message: str,
) -> None:
    before = catalog(connection)

    with pytest.raises(kind, match=message):
        db.create_stream(**{"name": "worth", "model": "value", "source": "customers"} | wrong)

    assert catalog(connection) == before


def test_a_stream_that_exists(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    db.create_stream("worth", "value", "customers")
    before = catalog(connection)

    with pytest.raises(InvalidStream, match="there is a stream worth already"):
        db.create_stream("worth", "value", "customers", mode="transaction")

    assert catalog(connection) == before
    assert db.stream("worth").mode == "queue"


def test_a_table_of_yours_that_is_called_as_one_of_the_stream_would_be(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE predict.worth_live (a integer)")

    with pytest.raises(InvalidStream, match=r"there is a table predict\.worth_live already"):
        db.create_stream("worth", "value", "customers")


def test_a_model_that_is_not_live(db: pgpredict.Database) -> None:
    db.deploy("later", value(), customers(), promote=False)

    with pytest.raises(UnknownModel, match="later has no live version"):
        db.create_stream("worth", "later", "customers")


def test_a_temporary_table(db: pgpredict.Database) -> None:
    with db.connection() as own:
        own.execute("CREATE TEMPORARY TABLE passing (LIKE customers INCLUDING ALL)")

    with pytest.raises(InvalidSource, match="passing is a temporary table"):
        db.create_stream("worth", "value", "passing")


@pytest.mark.parametrize("retention", ["soon", "-1 day", timedelta.max])
def test_a_retention_that_cannot_be_leaves_the_one_before(
    db: pgpredict.Database, retention: timedelta | str
) -> None:
    db.create_stream("worth", "value", "customers")

    with pytest.raises(InvalidStream):
        db.set_retention("worth", retention)
    assert db.stream("worth").retention == timedelta(days=30)


def test_a_shadow_needs_a_log(db: pgpredict.Database) -> None:
    db.create_stream("worth", "value", "customers", retention=timedelta(0))

    with pytest.raises(InvalidStream, match="the stream keeps no log"):
        db.add_shadow("worth", 2)
    assert db.stream("worth").shadows == []


def catalog(connection: psycopg.Connection) -> list[Any]:
    """Everything that a stream consists of, and what is written about it."""
    return connection.execute("""
        SELECT 'table', oid::text FROM pg_class
        UNION ALL SELECT 'function', oid::text FROM pg_proc
        UNION ALL SELECT 'trigger', oid::text FROM pg_trigger
        UNION ALL SELECT 'publication', oid::text FROM pg_publication
        UNION ALL SELECT 'stream', name FROM pgpredict.stream
        UNION ALL SELECT 'event', id::text FROM pgpredict.event
        ORDER BY 1, 2
    """).fetchall()

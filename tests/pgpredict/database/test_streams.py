"""Streams from Python: each method does what its function in the database does, and tells of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.errors import UnknownModel, UnknownStream
from tests.pgpredict import valued
from tests.postgres import Server


@pytest.fixture(scope="module")
def template(template: Callable[[Server], str]) -> Iterator[Callable[[Server], str]]:
    yield from valued.deployed(template)


@pytest.fixture
def connection(installed_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        yield connection


def drained(db: pgpredict.Database, name: str = "worth") -> int:
    """Works until nothing waits; gives how many rows that were."""
    rows = 0
    while done := db.work(name):
        rows += done
    return rows


def predictions(connection: psycopg.Connection, name: str = "worth") -> dict[int, float]:
    return dict(connection.execute(f"SELECT id, prediction FROM predict.{name}_live").fetchall())


def test_a_stream_as_it_is_by_default(db: pgpredict.Database) -> None:
    stream = db.create_stream("worth", "value", "customers")

    assert (stream.name, stream.model, stream.version) == ("worth", "value", 1)
    assert (stream.source, stream.key) == ("public.customers", ["id"])
    assert (stream.mode, stream.level, stream.notify) == ("queue", "statement", True)
    assert (stream.retention, stream.attempts) == (timedelta(days=30), 5)
    assert (stream.state, stream.depth, stream.oldest_age) == ("running", 0, None)
    assert (stream.rows, stream.last_at, stream.lag) == (0, None, None)
    assert (stream.backfill, stream.backfill_rows, stream.shadows) == (None, 0, [])
    assert stream.dead_letters == 0
    assert db.streams() == [stream]
    assert db.stream("worth") == stream


def test_every_option_arrives(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    stream = db.create_stream(
        *("worth", "value", "customers", ["id"]),
        mode="transaction",
        backfill=True,
        retention=timedelta(hours=36),
        attempts=7,
        notify=False,
        level="row",
        publish=True,
    )

    assert (stream.mode, stream.level, stream.notify) == ("transaction", "row", False)
    assert (stream.retention, stream.attempts) == (timedelta(hours=36), 7)
    assert stream.backfill == "running"
    published = connection.execute("SELECT pubname, tablename FROM pg_publication_tables")
    assert published.fetchall() == [("pgpredict_worth", "worth_live")]


def test_rows_that_come_are_predicted(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.create_stream("worth", "value", "customers")
    connection.execute("INSERT INTO customers VALUES (201, 10, 5), (202, NULL, 5)")

    assert db.stream("worth").depth == 2
    assert db.stream("worth").oldest_age > timedelta(0)  # type: ignore[operator]
    assert db.work("worth") == 2
    assert db.work("worth") == 0
    assert predictions(connection) == {201: pytest.approx(15.0), 202: None}
    stream = db.stream("worth")
    assert (stream.depth, stream.oldest_age, stream.rows) == (0, None, 2)
    assert stream.lag is not None
    assert stream.lag > timedelta(0)


def test_a_batch_is_no_larger_than_asked_for(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.create_stream("worth", "value", "customers", backfill=True)

    assert db.work("worth", batch=50) == 50
    assert len(predictions(connection)) == 50


def test_rows_that_were_there_are_predicted_if_asked_for(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.create_stream("worth", "value", "customers", backfill=True)

    assert drained(db) == 200
    assert predictions(connection)[200] == pytest.approx(200 % 70 + 250)
    stream = db.stream("worth")
    assert (stream.backfill, stream.backfill_rows) == ("finished", 200)


def test_a_backfill_later(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    db.create_stream("worth", "value", "customers")
    assert db.work("worth") == 0

    db.backfill_stream("worth")

    assert drained(db) == 200
    assert len(predictions(connection)) == 200


@pytest.mark.parametrize("key", ["Kürzel", ["Kürzel"], ("Kürzel",)])
def test_a_key_is_named_as_the_column_is_called(
    db: pgpredict.Database, connection: psycopg.Connection, key: Any
) -> None:
    connection.execute("""
        CREATE TABLE "Große Kunden" ("Kürzel" text UNIQUE, tenure integer, spend float8)
    """)
    stream = db.create_stream("worth", "value", '"Große Kunden"', key)
    connection.execute("""INSERT INTO "Große Kunden" VALUES ('é''s', 1, 2)""")

    assert (stream.source, stream.key) == ('public."Große Kunden"', ["Kürzel"])
    assert drained(db) == 1
    live = connection.execute('SELECT "Kürzel", prediction FROM predict.worth_live')
    assert live.fetchall() == [("é's", pytest.approx(3.0))]


def test_a_key_of_several_columns(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE TABLE months (
            id integer, month date, tenure integer, spend float8, PRIMARY KEY (month, id))
    """)

    assert db.create_stream("a", "value", "months").key == ["month", "id"]
    assert db.create_stream("b", "value", "months", ["id", "month"]).key == ["id", "month"]


def test_a_source_is_looked_up_as_in_a_query(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE SCHEMA north")
    connection.execute("CREATE TABLE north.customers (LIKE public.customers INCLUDING ALL)")
    with db.connection() as own:
        own.execute("SET search_path = north, public")

    assert db.create_stream("worth", "value", "customers").source == "north.customers"


def test_a_pause_loses_no_row(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    db.create_stream("worth", "value", "customers")

    assert db.pause_stream("worth")
    assert not db.pause_stream("worth")
    connection.execute("INSERT INTO customers VALUES (201, 10, 5)")
    assert db.work("worth") == 0
    assert (db.stream("worth").state, db.stream("worth").depth) == ("paused", 1)

    assert db.resume_stream("worth")
    assert not db.resume_stream("worth")
    assert drained(db) == 1
    assert db.stream("worth").state == "running"


def test_dead_letters_and_another_try(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.create_stream("worth", "value", "customers", attempts=1)
    connection.execute("ALTER FUNCTION predict_versions.value_v1 RENAME TO mislaid")
    connection.execute("INSERT INTO customers VALUES (201, 10, 5)")
    drained(db)

    letter, *others = db.dead_letters("worth")
    assert others == []
    assert (letter.stream, letter.key, letter.attempts) == ("worth", {"id": 201}, 1)
    assert "predict_versions.value_v1" in letter.error
    assert letter.sqlstate == psycopg.errors.UndefinedFunction.sqlstate
    assert letter.first_at <= letter.last_at
    assert db.dead_letters() == [letter]
    assert db.stream("worth").dead_letters == 1

    connection.execute("ALTER FUNCTION predict_versions.mislaid RENAME TO value_v1")
    assert db.retry_dead("worth") == 1
    assert drained(db) == 1
    assert db.dead_letters() == []
    assert predictions(connection) == {201: pytest.approx(15.0)}
    assert db.retry_dead("worth") == 0


def test_a_shadow_is_logged_beside_the_live_version(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.create_stream("worth", "value", "customers")

    assert db.add_shadow("worth", 2) == 2
    assert db.stream("worth").shadows == [2]
    connection.execute("INSERT INTO customers VALUES (201, 10, 5)")
    drained(db)
    compared = connection.execute(
        "SELECT id, version, prediction, shadow_version, shadow_prediction "
        "FROM predict.worth_shadows"
    )
    assert compared.fetchall() == [(201, 1, pytest.approx(15.0), 2, pytest.approx(30.0))]

    assert db.drop_shadow("worth", 2)
    assert not db.drop_shadow("worth", 2)
    assert db.stream("worth").shadows == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (timedelta(days=2), timedelta(days=2)),
        ("12 hours", timedelta(hours=12)),
        (timedelta(0), timedelta(0)),
        (None, None),
    ],
)
def test_how_long_the_log_is_kept(
    db: pgpredict.Database,
    connection: psycopg.Connection,
    given: timedelta | str | None,
    kept: timedelta | None,
) -> None:
    db.create_stream("worth", "value", "customers")
    db.set_retention("worth", given)
    assert db.create_stream("other", "value", "customers", retention=given).retention == kept

    assert db.stream("worth").retention == kept
    connection.execute("INSERT INTO customers VALUES (201, 10, 5)")
    drained(db)
    logged = connection.execute("SELECT count(*) FROM predict.worth_log").fetchone()
    assert logged == (0 if kept == timedelta(0) else 1,)


def test_a_publication_comes_and_goes(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.create_stream("worth", "value", "customers")

    assert db.publish_stream("worth") == "pgpredict_worth"
    assert db.publish_stream("worth") == "pgpredict_worth"
    assert db.unpublish_stream("worth")
    assert not db.unpublish_stream("worth")
    assert connection.execute("SELECT FROM pg_publication").fetchall() == []


def test_what_is_asked_of_a_stream_that_is_not_there(db: pgpredict.Database) -> None:
    db.create_stream("worth", "value", "customers")
    for ask in (
        *(db.stream, db.pause_stream, db.resume_stream, db.drop_stream, db.retry_dead),
        *(db.dead_letters, db.backfill_stream, db.publish_stream, db.unpublish_stream, db.work),
        *(lambda name: db.add_shadow(name, 1), lambda name: db.drop_shadow(name, 1)),
        lambda name: db.set_retention(name, None),
    ):
        with pytest.raises(UnknownStream, match="there is no stream wroth\n  streams: worth"):
            ask("wroth")


@pytest.mark.parametrize("version", [3, 0, -1, 2**31, 1.5])
def test_shadows_of_versions_that_are_not_there(db: pgpredict.Database, version: Any) -> None:
    db.create_stream("worth", "value", "customers")

    with pytest.raises(UnknownModel, match=f"has no version {version}"):
        db.add_shadow("worth", version)
    assert db.stream("worth").shadows == []


def test_on_a_connection_of_yours_a_stream_is_part_of_your_transaction(
    db: pgpredict.Database, installed_dsn: str
) -> None:
    with psycopg.connect(installed_dsn) as mine:
        mine.execute("INSERT INTO customers VALUES (201, 10, 5)")
        pgpredict.connect(mine).create_stream("worth", "value", "customers")
        mine.rollback()

    assert db.streams() == []

"""Dropping a stream: all of it goes, unless somebody builds on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.errors import InUse
from tests.pgpredict import valued
from tests.postgres import Server


@pytest.fixture(scope="module")
def template(template: Callable[[Server], str]) -> Iterator[Callable[[Server], str]]:
    yield from valued.deployed(template)


@pytest.fixture
def connection(installed_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        yield connection


def test_drop_leaves_nothing(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    before = belongings(connection)
    db.create_stream("worth", "value", "customers", publish=True)
    db.add_shadow("worth", 2)
    connection.execute("INSERT INTO customers VALUES (201, 10, 5), (202, 10, 5)")
    assert belongings(connection) > before

    assert db.drop_stream("worth") == 2
    assert db.streams() == []
    assert belongings(connection) == before
    assert [event.what for event in db.events("value")][-1] == "drop_stream"


def belongings(connection: psycopg.Connection) -> set[tuple[Any, ...]]:
    """Tables, functions, triggers and publications by name."""
    return set(
        connection.execute("""
            SELECT 'table', oid::regclass::text FROM pg_class WHERE relnamespace::regnamespace::text
                IN ('pgpredict', 'predict')
            UNION ALL SELECT 'function', oid::regprocedure::text FROM pg_proc
                WHERE pronamespace::regnamespace::text IN ('pgpredict', 'predict')
            UNION ALL SELECT 'trigger', tgname FROM pg_trigger WHERE NOT tgisinternal
            UNION ALL SELECT 'publication', pubname FROM pg_publication
        """).fetchall()
    )


def test_drop_names_what_still_uses_the_predictions(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.create_stream("worth", "value", "customers")
    connection.execute("CREATE VIEW best AS SELECT * FROM predict.worth_live")

    with pytest.raises(InUse, match=r"cannot drop stream worth.*\n  in use by: view public\.best"):
        db.drop_stream("worth")
    assert [stream.name for stream in db.streams()] == ["worth"]

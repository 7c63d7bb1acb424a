"""The statements of sql/queries/dagster.sql, with pieces put in or parameters passed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from psycopg import Connection, Cursor
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composable, Composed

import pgpredict
from pgpredict.database.queries import query
from pgpredict.database.refusals import refusals

Row = dict[str, Any]


@contextmanager
def transaction(db: pgpredict.Database) -> Iterator[Connection[Any]]:
    """A transaction in which rows have the same text for everybody; its errors are ours."""
    with db.connection() as connection, refusals(connection), connection.transaction():
        connection.execute(query("session", "dagster"))
        yield connection


def raw(text: str) -> SQL:
    """Text that the database wrote, or that the YAML gives as SQL, as a piece of a statement."""
    return SQL(text)


def piece(name: str, /, **pieces: Composable) -> Composed:
    """A statement, or a part of one, with its {pieces} put in."""
    return SQL(query(name, "dagster")).format(**pieces)


def run(connection: Connection[Any], name: str, /, **pieces: Composable) -> Cursor[Any]:
    """Run a statement with pieces."""
    return connection.execute(piece(name, **pieces))


def ask(connection: Connection[Any], name: str, /, **parameters: Any) -> list[Row]:
    """The rows of a statement with parameters."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query(name, "dagster"), parameters).fetchall()

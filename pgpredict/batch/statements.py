"""The statements of sql/queries/batch.sql, with pieces put in or parameters passed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from psycopg import Connection, Cursor
from psycopg.rows import dict_row
from psycopg.sql import SQL, Composable, Composed, Identifier

from pgpredict.database.queries import query

Row = dict[str, Any]


def raw(text: str) -> SQL:
    """Text that the database wrote, or checked, as a piece of a statement."""
    return SQL(text)


def statement(name: str, /, **pieces: Composable) -> Composed:
    """A statement with its {pieces} put in."""
    return raw(query(name, "batch")).format(**pieces)


def ask(connection: Connection[Any], name: str, /, **parameters: Any) -> list[Row]:
    """The rows of a statement with parameters."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query(name, "batch"), parameters).fetchall()


def ask_one(connection: Connection[Any], name: str, /, **parameters: Any) -> Row:
    """The only row of a statement with parameters."""
    (row,) = ask(connection, name, **parameters)
    return row


def run(connection: Connection[Any], name: str, /, **pieces: Composable) -> Cursor[Any]:
    """Run a statement with pieces."""
    return connection.execute(statement(name, **pieces))


def columns(names: Iterable[str], of: str | None = None) -> Composed:
    """Names of columns, with commas between them."""
    path = () if of is None else (of,)
    return SQL(", ").join(Identifier(*path, name) for name in names)


def told(*names: str) -> str:
    """A qualified name for people: in quotes where SQL needs them.

    Example:
        >>> told("public", "Late scores")
        'public."Late scores"'
    """
    return ".".join(
        name if re.fullmatch("[a-z_][a-z0-9_]*", name) else '"{}"'.format(name.replace('"', '""'))
        for name in names
    )

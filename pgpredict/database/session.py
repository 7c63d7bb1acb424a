"""Session: a connection on which each piece of work is a transaction."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import Cursor
from psycopg.rows import dict_row

from pgpredict.database import schema
from pgpredict.database.queries import query
from pgpredict.database.refusals import refusals
from pgpredict.database.target import Link


class Session:
    """What every method of `pgpredict.Database` stands on: the connection and its transactions."""

    def __init__(self, connected: Link) -> None:
        self._connection = connected.connection
        # Closes when nobody holds the object any more, too: pgpredict.connect().promote(…).
        self._finalizer = weakref.finalize(self, connected.close)
        self._checked = False

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """The psycopg connection beneath, for queries of your own; it stays open.

        Example:
            >>> with db.connection() as connection:  # doctest: +SKIP
            ...     connection.execute("SELECT predict.churn(c) FROM customers c").fetchall()
        """
        yield self._connection

    def close(self) -> None:
        """Close what `connect` opened; a connection of yours stays open."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def install(self) -> int:
        """Create the schema, or bring it up to date. Can be called at any time.

        Returns:
            The schema version.

        Raises:
            NewerSchema: a newer pgpredict was here.
            NoRights: the role may not create schemas here.
        """
        with self._transaction() as cursor:
            return schema.install(cursor)

    @contextmanager
    def _work(self) -> Iterator[Cursor[dict[str, Any]]]:
        with self._transaction() as cursor:
            if not self._checked:
                schema.check(cursor)
                self._checked = True
            yield cursor

    @contextmanager
    def _transaction(self) -> Iterator[Cursor[dict[str, Any]]]:
        with (
            refusals(self._connection),
            self._connection.transaction(),
            self._connection.cursor(row_factory=dict_row) as cursor,
        ):
            yield cursor


def all_rows(cursor: Cursor[dict[str, Any]], name: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of a statement of ``sql/queries/database.sql``."""
    return cursor.execute(query(name), parameters).fetchall()


def one_row(cursor: Cursor[dict[str, Any]], name: str, **parameters: Any) -> dict[str, Any]:
    """The first of them."""
    return all_rows(cursor, name, **parameters)[0]

"""The statements of streams, and what callers write in them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from psycopg import Cursor, DataError
from psycopg import errors as pg

from pgpredict.database.names import check_version
from pgpredict.database.queries import query
from pgpredict.errors import InvalidSource, InvalidStream

Span = timedelta | str | None
Asking = Cursor[dict[str, Any]]

QUOTE = 'write capitals, spaces and accents in double quotes: public."My Table"'


def run(cursor: Asking, statement: str, /, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of a statement of ``sql/queries/streams.sql``."""
    return cursor.execute(query(statement, "streams"), parameters).fetchall()


def first(cursor: Asking, statement: str, /, **parameters: Any) -> dict[str, Any]:
    """The first of them."""
    return run(cursor, statement, **parameters)[0]


def table(cursor: Asking, source: str) -> int:
    """The oid of a table that a caller named; raises `InvalidSource` where there is none."""
    # Here, since the functions in the database pin the search_path: this one is the caller's.
    try:
        found = first(cursor, "source", source=source)["source"]
    except (pg.InvalidName, pg.SyntaxError, pg.FeatureNotSupported) as error:
        raise InvalidSource(
            f"{source} is no name of a table", why=str(error.diag.message_primary), do=QUOTE
        ) from error
    if found is None:
        raise InvalidSource(f"there is no table {source}", do=QUOTE)
    return int(found)


def check_options(cursor: Asking, retention: Span, attempts: object = 1) -> None:
    """Raises `InvalidStream` where an option is not even of its type."""
    try:
        run(cursor, "options", retention=retention, attempts=attempts)
    except DataError as error:
        raise InvalidStream(
            f"this option means nothing: {error.diag.message_primary}",
            do="retention is a span of time, such as 30 days or 12 hours; attempts a whole number",
        ) from error


def check_version_of(stream: str, version: object) -> None:
    """Raises `UnknownModel` where the model of a stream cannot have such a version."""
    check_version(f"the model of stream {stream}", version)

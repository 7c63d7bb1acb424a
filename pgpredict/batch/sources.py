"""What is to be scored: a table, a view or a query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection
from psycopg import errors as pg
from psycopg.sql import SQL, Composable, Identifier
from psycopg.types.json import Jsonb

from pgpredict.batch.statements import Row, ask, ask_one, columns, raw, run, told
from pgpredict.errors import InvalidSource, NoRights

QUERY = re.compile(r"\s*(\(|(select|with|values|table)\b)", re.IGNORECASE)
VIEW = "pgpredict_source"


@dataclass(frozen=True)
class Heap:
    """A table that holds rows of the source, read by ranges of pages."""

    relation: Composable
    pages: int


@dataclass(frozen=True)
class Source:
    """What is to be scored.

    Attributes:
        label: what it is called in messages.
        relation: what to write after FROM.
        alias: a name for its rows that none of its columns has.
        names: its columns.
        passed: how its columns are passed for the inputs of the model, in their order.
        inputs: the inputs, quoted where need be.
        is_whole: whether the source has whole numbers for them.
        rows: how many there may be, by the statistics of the database.
        heaps: the tables that hold its rows; empty where it cannot be read by ranges of pages.
    """

    label: str
    relation: Composable
    alias: str
    names: tuple[str, ...]
    passed: tuple[str, ...]
    inputs: tuple[str, ...]
    is_whole: tuple[bool, ...]
    rows: int
    heaps: tuple[Heap, ...]


@dataclass(frozen=True)
class Found:
    """A source while the transaction is open in which it was found.

    Attributes:
        oid: of the table or view, or of a temporary view over the query.
        row: what the catalog says.
        label: what it is called in messages.
        relation: what to write after FROM.
    """

    oid: int
    row: Row
    label: str
    relation: Composable


def find(connection: Connection[Any], given: str) -> Found:
    """The source that somebody named, in the transaction that is open.

    Raises:
        InvalidSource: it is not there, or is no query that Postgres takes.
        NoRights: the role may not read it.
    """
    query = given.strip().rstrip(";").rstrip()
    if QUERY.match(query):
        _make_view(connection, query)
        (row,) = ask(connection, "find", name=f"pg_temp.{VIEW}")
        # On lines of its own: it may end with a comment.
        return Found(row["oid"], row, "the query", SQL("(\n{}\n)").format(raw(query)))
    try:
        with connection.transaction():
            rows = ask(connection, "find", name=given)
    except (psycopg.DataError, psycopg.ProgrammingError, psycopg.NotSupportedError):  # no name
        rows = []
    if not rows or rows[0]["kind"] not in {"r", "p", "v", "m", "f"}:
        raise InvalidSource(
            f"there is no table or view {given}",
            do='write capitals, spaces and accents in double quotes: public."My Table"; '
            "a query begins with SELECT or (",
        )
    row = rows[0]
    label = told(row["schema"], row["name"])
    if not row["may_read"]:
        raise NoRights(f"the role may not read {label}", do=f"GRANT SELECT ON {label} TO the role")
    return Found(row["oid"], row, label, Identifier(row["schema"], row["name"]))


def examine(connection: Connection[Any], found: Found, version: Row, key: Sequence[str]) -> Source:
    """Check that a source fits a version, and has the columns of the key.

    Raises:
        InvalidSource: it does not, or has not.
    """
    signature = Jsonb(version["signature"])
    check_columns(found, key)
    misfits = ask_one(connection, "misfits", source=found.oid, signature=signature)["misfits"]
    if misfits is not None:
        raise InvalidSource(
            f"the rows of {found.label} do not fit the model",
            details=tuple(misfits.splitlines()),
            do="pass a query that gives columns of these names and types",
        )
    alias = "source_row"
    while alias in found.row["columns"]:
        alias += "_"
    passed = ask(connection, "passed", source=found.oid, alias=alias, signature=signature)
    heaps = [] if found.row["kind"] in "vf" else ask(connection, "heaps", source=found.oid)
    by_pages = all(heap["by_pages"] for heap in heaps)
    return Source(
        label=found.label,
        relation=found.relation,
        alias=alias,
        names=tuple(found.row["columns"]),
        passed=tuple(row["expression"] for row in passed),
        inputs=tuple(row["name"] for row in passed),
        is_whole=tuple(row["is_whole"] for row in passed),
        rows=_estimate(connection, found),
        heaps=tuple(
            Heap(SQL("ONLY {}").format(Identifier(heap["schema"], heap["name"])), heap["pages"])
            for heap in heaps
            if by_pages and heap["pages"]
        ),
    )


def check_columns(found: Found, names: Sequence[str]) -> None:
    """Refuse columns that a source does not have."""
    missing = [name for name in names if name not in found.row["columns"]]
    if missing:
        has = ", ".join(found.row["columns"])
        raise InvalidSource(
            f"{found.label} has no column {', '.join(missing)}", details=(f"it has: {has}",)
        )


def check_unique(connection: Connection[Any], found: Found, key: Sequence[str]) -> None:
    """Refuse a source of which two rows share a key; only reads it where no index says so.

    Raises:
        InvalidSource: they do.
    """
    index = ask_one(connection, "key_is_unique", source=found.oid, key=list(key))
    if index["found"]:
        return
    relation = SQL("{} AS s").format(found.relation)
    twice = run(connection, "twice", key=columns(key, "s"), relation=relation).fetchall()
    if twice:
        raise shared_key(found.label, key, tuple(", ".join(map(str, values)) for values in twice))


def shared_key(label: str, key: Sequence[str], examples: tuple[str, ...]) -> InvalidSource:
    """The error of a key that two rows share."""
    return InvalidSource(
        f"the key {', '.join(key)} does not tell the rows of {label} apart",
        details=tuple(f"more than one row has {example}" for example in examples),
        do="name more columns as the key, or pass a query that gives each row once",
    )


def _make_view(connection: Connection[Any], query: str) -> None:
    view = Identifier("pg_temp", VIEW)
    try:
        # Prepared: then it is one statement, and no more can hide behind a semicolon.
        text = SQL("CREATE TEMPORARY VIEW {} AS {}").format(view, raw(query))
        with connection.transaction():
            connection.execute(text, prepare=True)
    except pg.InsufficientPrivilege:
        raise
    except (psycopg.ProgrammingError, psycopg.NotSupportedError, psycopg.DataError) as error:
        raise InvalidSource(
            "the query cannot be run",
            why=error.diag.message_primary or str(error),
            do="a source is one SELECT that gives the key and the inputs of the model",
        ) from None


def _estimate(connection: Connection[Any], found: Found) -> int:
    row = run(connection, "estimate", relation=SQL("{} AS s").format(found.relation)).fetchone()
    assert row is not None
    return int(row[0][0]["Plan"]["Plan Rows"])

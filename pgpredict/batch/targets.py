"""Where the scores go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Composable, Identifier, Literal

from pgpredict.batch.keeping import attached
from pgpredict.batch.statements import Row, ask, ask_one, raw, run, told
from pgpredict.errors import InvalidTarget, NoRights

STAMPS = ("version", "at")
ANSWERS = ("prediction", "probability", *STAMPS)
LONGEST_NAME = 63
# What the name of a primary key ends with.
KEY = "_pkey"


@dataclass(frozen=True)
class Column:
    """A column of the target: its name, its type, and both as CREATE TABLE takes them."""

    name: str
    type: str
    declared: str
    is_required: bool


@dataclass(frozen=True)
class Target:
    """A table that holds scores, or will.

    Attributes:
        schema: where it is.
        name: what it is called.
        key: the columns of its primary key.
        columns: all of them.
        state: what the catalog says of it; None: it is not there.
    """

    schema: str
    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    state: Row | None

    @property
    def table(self) -> Identifier:
        """Its qualified name."""
        return Identifier(self.schema, self.name)

    @property
    def label(self) -> str:
        """The same for people."""
        return told(self.schema, self.name)

    @property
    def names(self) -> list[str]:
        """The names of its columns."""
        return [column.name for column in self.columns]

    @property
    def varying(self) -> list[Column]:
        """The columns that are not the same in every row of a run."""
        return [column for column in self.columns if column.name not in STAMPS]

    def stays(self, *, incremental: bool) -> bool:
        """Whether rows are written into the table that is there, for it cannot be replaced.

        Args:
            incremental: whether most of its rows are to stay as they are.
        """
        found = self.state
        if found is None or found["kind"] == "p":
            return False
        in_order = found["names"] == self.names
        return incremental or not (found["owned"] and in_order) or bool(found["attached"])

    @property
    def mark(self) -> str:
        """The comment on tables that will be a part of it, once they are finished."""
        return f"pgpredict: unfinished scores for {self.label}"

    @property
    def unfinished(self) -> Identifier:
        """A table that is to take its place."""
        return Identifier(self.schema, self.beside("unfinished"))

    @property
    def unfinished_key(self) -> str:
        """The name of the primary key of that table."""
        return self.constraint(self.beside("unfinished"))

    def beside(self, ending: str) -> str:
        """A name for a table that belongs to it, not too long for Postgres, nor its key's."""
        room = LONGEST_NAME - len(KEY) - len(ending.encode()) - 1
        return f"{self.name.encode()[:room].decode(errors='ignore')}_{ending}"

    def constraint(self, table: str) -> str:
        """The name of the primary key of a table."""
        return f"{table.encode()[: LONGEST_NAME - len(KEY)].decode(errors='ignore')}{KEY}"


def declared(columns: Sequence[Column]) -> Composable:
    """Columns as CREATE TABLE takes them."""
    return SQL(", ").join(raw(column.declared) for column in columns)


def place(connection: Connection[Any], into: str) -> tuple[str, str]:
    """Schema and name of a table that need not be there yet.

    Raises:
        InvalidTarget: it is no name of a table, or of a schema that is not there.
    """
    try:
        with connection.transaction():
            row = ask_one(connection, "place", into=into)
    except (psycopg.DataError, psycopg.ProgrammingError, psycopg.NotSupportedError):
        row = {"parts": 0}
    if row["parts"] not in (1, 2):
        raise InvalidTarget(
            f"{into} is not the name of a table",
            do='write it as in SQL: scores, public.scores, public."My Scores"',
        )
    if row["schema"] is None:
        named = f" {row['first_part']}" if row["parts"] == 2 else ", as the search path is empty"
        raise InvalidTarget(f"there is no schema{named}", do="create it first, or name another")
    return row["schema"], row["name"]


def state(connection: Connection[Any], schema: str, name: str) -> Row | None:
    """What the catalog says of a target; None: it is not there."""
    qualified = Identifier(schema, name).as_string(connection)
    rows = ask(connection, "target", name=qualified)
    return rows[0] | {"attached": attached(connection, rows[0]["oid"])} if rows else None


def check(connection: Connection[Any], target: Target, *, incremental: bool) -> None:
    """Refuse a table that is there and cannot hold the scores, or cannot be made.

    Raises:
        InvalidTarget: it is no table, or has other columns, or another primary key.
        NoRights: the role may not write into it, or create tables there.
    """
    if target.state is not None:
        _check_table(target, target.state)
    if not target.stays(incremental=incremental):
        may = ask_one(connection, "may_create", schema=target.schema)
        if not may["may_create"]:
            raise NoRights(
                f"the role may not create tables in the schema {target.schema}",
                do=f"have its owner run: GRANT CREATE ON SCHEMA {target.schema} TO the role",
            )


def _check_table(target: Target, found: Row) -> None:
    if found["kind"] not in "rp" or found["persistence"] == "t" or found["is_partition"]:
        kind = "a partition" if found["is_partition"] else "no table that stays"
        raise InvalidTarget(f"{target.label} is {kind}", do="name another table")
    has = dict(zip(found["names"], found["types"], strict=True))
    wanted = {column.name: column.type for column in target.columns}
    differences = [
        *(f"+ {name} {wanted[name]}" for name in wanted if wanted[name] != has.get(name)),
        *(f"- {name} {has[name]}" for name in has if has[name] != wanted.get(name)),
    ]
    if differences:
        raise InvalidTarget(
            f"{target.label} has other columns than these scores (+ lacks, - has)",
            details=tuple(differences),
            do="name another table, or drop this one",
        )
    if found["primary_key"] != list(target.key):
        has_key = ", ".join(found["primary_key"]) or "none"
        raise InvalidTarget(
            f"the primary key of {target.label} is {has_key}, not {', '.join(target.key)}",
            do="name the same columns as the key, or another table",
        )
    if found["key_is_deferrable"]:
        raise InvalidTarget(
            f"the primary key of {target.label} is deferrable, by which no score finds its row",
            do="make it one that is not, or name another table",
        )
    _check_rights(target, found)


def _check_rights(target: Target, found: Row) -> None:
    if found["kind"] == "p" and not found["owned"]:
        raise NoRights(
            f"the role does not own {target.label}, whose partitions it would replace",
            do=f"connect as {found['owner']}, or GRANT {found['owner']} TO the role",
        )
    if not found["owned"] and not found["may_write"]:
        raise NoRights(
            f"the role may not write into {target.label}",
            do=f"GRANT SELECT, INSERT, UPDATE, DELETE ON {target.label} TO the role",
        )


def columns_of(carried: Sequence[Row], key: Sequence[str], version: Row) -> tuple[Column, ...]:
    """The columns that a target of a version has."""
    given = [
        _column(row["name"], row["type"], row["declared"], required=row["name"] in key)
        for row in carried
    ]
    label, probability = version["label_type"], version["probability_type"]
    return (
        *given,
        _column("prediction", label),
        _column("probability", probability),
        _column("version", "integer", required=True),
        _column("at", "timestamp with time zone", required=True),
    )


def _column(name: str, kind: str, declared: str = "", *, required: bool = False) -> Column:
    text = (declared or f"{name} {kind}") + " NOT NULL" * required
    return Column(name, kind, text, required)


def remove_leftovers(connection: Connection[Any], target: Target) -> None:
    """Drop the unfinished tables of runs that died."""
    for row in ask(connection, "leftovers", schema=target.schema, mark=target.mark):
        run(connection, "drop", table=Identifier(row["schema"], row["name"]))


def set_mark(connection: Connection[Any], table: Identifier, mark: str) -> None:
    """Say on a table that it is unfinished."""
    run(connection, "mark", table=table, mark=Literal(mark))

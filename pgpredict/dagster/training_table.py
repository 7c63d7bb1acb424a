"""The table of training rows: made by a query, replaced as a whole, read by versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from psycopg import Connection
from psycopg import errors as pg
from psycopg.sql import SQL, Composable, Identifier, Literal

import pgpredict
from pgpredict.dagster.attributes import Training
from pgpredict.dagster.keys import Keys
from pgpredict.dagster.statements import ask, piece, raw, run, transaction
from pgpredict.database.refusals import refusals
from pgpredict.errors import InUse, InvalidSource
from pgpredict.sample import read_query

MARK = "held_out"
MOST_ROWS = 10_000_000


@dataclass(frozen=True)
class TrainingTable:
    """The table of a model's training rows.

    Attributes:
        keys: the names that belong to the model.
        training: what the YAML says of the rows.
    """

    keys: Keys
    training: Training

    @property
    def name(self) -> Identifier:
        """Schema and name, quoted."""
        return Identifier(*self.keys.table)

    @property
    def label(self) -> str:
        """Schema and name, for people and for ``to_regclass``: both are plain identifiers."""
        return ".".join(self.keys.table)

    def fill(self, db: pgpredict.Database) -> None:
        """Run the query, and put its rows in the place of those of the last run.

        One transaction: readers see the old rows until the new ones are complete.

        Raises:
            InvalidSource: the query lacks a column that the YAML names, or gives no rows.
            InUse: something depends on the table.
            DatabaseError: the database refuses the query.
        """
        schema, name = self.keys.table
        new = Identifier(schema, f"{name}_new")
        with transaction(db) as connection:
            ask(connection, "lock", model=self.keys.model)
            if not ask(connection, "schema_is_there")[0]["found"]:
                run(connection, "make_schema")
            self._check(connection)
            query = raw(self._query)
            mark, target = self._mark(), Identifier(self.training.target)
            run(connection, "replace", old=new)
            run(connection, "fill", new=new, query=query, mark=mark, target=target)
            self._check_rows(connection, new)
            self._replace(connection)
            run(connection, "rename", new=new, name=Identifier(name))
            run(connection, "analyze", table=self.name)

    @property
    def _query(self) -> str:
        return self.training.query.strip().rstrip(";")

    def _check(self, connection: Connection[Any]) -> None:
        query = raw(self._query)
        connection.execute(piece("plan_of_query", query=query), prepare=True)
        found = run(connection, "columns_of_query", query=query).description or []
        given = [column.name for column in found]
        wanted = (self.training.target, *self.training.key, *(self.training.inputs or ()))
        missing = [name for name in wanted if name not in given]
        if missing:
            raise InvalidSource(
                f"the training query gives no column {', '.join(missing)}",
                details=(f"it gives: {', '.join(given)}",),
                do="add it to the query, or mend training in the YAML",
            )
        if MARK in given:
            raise InvalidSource(
                f"the training query gives a column {MARK}",
                why="the rows that are held out are marked in a column of that name",
                do="give it another name with AS; "
                "to say which rows are held out, write training.held_out as a condition",
            )

    def _mark(self) -> Composable:
        held_out = self.training.held_out
        if isinstance(held_out, str):
            return SQL("coalesce({}, false)").format(raw(f"({held_out}\n)"))
        of_key = SQL("ROW({})::text").format(_columns(self.training.key, "given"))
        hashed = of_key if self.training.key else SQL("given::text")
        return piece("mark_by_hash", hashed=hashed, share=Literal(held_out))

    def _check_rows(self, connection: Connection[Any], table: Identifier) -> None:
        row = run(connection, "counts", table=table).fetchone()
        assert row is not None
        rows, held_out = row
        if not 0 < held_out < rows:
            raise InvalidSource(
                f"the training query gives {rows:,} rows with a target, {held_out:,} of them "
                "to be held out",
                why="there must be rows to learn and rows to judge by",
                do="mend training.query, or training.held_out",
            )

    def _replace(self, connection: Connection[Any]) -> None:
        try:
            run(connection, "replace", old=self.name)
        except pg.DependentObjectsStillExist as error:
            raise InUse(
                f"{self.label} cannot be replaced",
                details=tuple((error.diag.message_detail or "").splitlines()),
                why="something depends on it",
                do="let that read the source of the training query instead",
            ) from None

    def columns(self, db: pgpredict.Database) -> dict[str, str]:
        """Names and types of its columns; empty: there is no such table."""
        with transaction(db) as connection:
            found = ask(connection, "describe", table=self.label)
        return {row["name"]: row["type"] for row in found}

    def inputs(self, db: pgpredict.Database) -> list[str]:
        """The columns that the model takes.

        Raises:
            InvalidSource: there is no such table yet.
        """
        columns = self.columns(db)
        if not columns:
            raise InvalidSource(
                f"there is no table {self.label} yet",
                do=f"materialise {self.keys.training_rows.to_user_string()} first",
            )
        others = {self.training.target, *self.training.key, MARK}
        return list(self.training.inputs or [name for name in columns if name not in others])

    def read(
        self, db: pgpredict.Database, *, held_out: bool
    ) -> tuple[pd.DataFrame, pd.Series[Any]]:
        """The inputs and the target of the rows to learn, or of those that are held out."""
        columns = [*self.inputs(db), self.training.target]
        statement = piece(
            "held_out" if held_out else "learnt", columns=_columns(columns), table=self.name
        )
        with db.connection() as connection, refusals(connection):
            frame = read_query(statement.as_string(connection), connection, at_most=MOST_ROWS)
        return frame[columns[:-1]], frame[columns[-1]]

    def counts(self, db: pgpredict.Database) -> tuple[int, int]:
        """How many rows it has, and how many of them are held out."""
        with transaction(db) as connection:
            row = run(connection, "counts", table=self.name).fetchone()
        assert row is not None
        return row[0], row[1]

    def distribution(self, db: pgpredict.Database) -> dict[str, float]:
        """Of a number with many values its quantiles; else the share of each label."""
        target = Identifier(self.training.target)
        numeric = self.columns(db)[self.training.target].split("(")[0] in NUMBERS
        with transaction(db) as connection:
            shares = run(connection, "shares", target=target, table=self.name).fetchall()
            if numeric and len(shares) > FEW:
                shares = run(connection, "quantiles", target=target, table=self.name).fetchall()
        return {str(name): float(value) for name, value in shares}


NUMBERS = {"smallint", "integer", "bigint", "real", "double precision", "numeric"}
# A number with more values than these is not a label.
FEW = 10


def _columns(names: Sequence[str], of: str | None = None) -> Composable:
    path = () if of is None else (of,)
    return SQL(", ").join(Identifier(*path, name) for name in names)

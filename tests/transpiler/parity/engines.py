"""Engines that run a program over rows, each in every form that it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Literal

import duckdb
import pandas as pd
import psycopg
from psycopg.sql import SQL, Identifier

from pgpredict.server import VERSIONS
from pgpredict_transpiler import Program
from pgpredict_transpiler.oracle import Answers


@dataclass(frozen=True)
class Told:
    """What an engine says in one of its forms."""

    form: str
    answers: Answers


def postgres(
    connection: psycopg.Connection, program: Program, rows: pd.DataFrame
) -> Iterator[Told]:
    """The functions inline and block, and the SELECT; missing numbers as NaN, and as NULL.

    On an older Postgres the function alone that a deploy makes: the texts are the same.
    """
    is_older = connection.info.server_version // 10_000 in VERSIONS[1:]
    with connection.transaction(force_rollback=True):
        _load(connection, program, rows)
        forms = ["inline", "block"] if program.operators <= MOST_INLINE else ["block"]
        for form in [program.choose_form()] if is_older else forms:
            yield from _halves(form, _call(connection, program, form))
        if not is_older:
            select = program.to_sql("postgres", "rows", keep=["row number"])
            yield from _halves("select", _answers(program, connection.execute(select).fetchall()))


def in_nodes(
    connection: psycopg.Connection, program: Program, rows: pd.DataFrame
) -> Iterator[Told]:
    """The functions of the form nodes, in a database with pgpredict."""
    with connection.transaction(force_rollback=True):
        _load(connection, program, rows)
        yield from _halves("nodes", _call(connection, program, "nodes"))


MOST_INLINE = 5_000  # operators; nobody inlines a larger model, and Postgres takes long to plan it


def _halves(form: str, answers: Answers) -> Iterator[Told]:
    """The rows were stored twice: with NaN first, then with NULL."""
    half = len(answers.prediction) // 2
    for stored, part in (("NaN", slice(half)), ("NULL", slice(half, None))):
        probability = answers.probability[part] if answers.probability else None
        yield Told(f"{form}, {stored}", Answers(answers.prediction[part], probability))


def in_duckdb(program: Program, rows: pd.DataFrame) -> Iterator[Told]:
    """The SELECT in DuckDB, where a missing number of a frame arrives as NaN."""
    table = rows[[column for column in rows.columns if str(column) in _names(program)]].copy()
    table.columns = [str(column) for column in table.columns]
    for name in table.columns:
        if isinstance(table[name].dtype, pd.CategoricalDtype):
            table[name] = table[name].astype(object).where(table[name].notna(), None)
    table.insert(0, "row number", range(len(table)))
    with duckdb.connect() as connection:
        connection.register("source", table)
        types = {i.name: TYPES[i.type] for i in program.inputs}
        casts = ", ".join(f'CAST("{n}" AS {types[n]}) AS "{n}"' for n in table.columns[1:])
        connection.execute(f'CREATE TABLE rows AS SELECT "row number", {casts} FROM source')
        select = program.to_sql("duckdb", "rows", keep=["row number"])
        yield Told("select", _answers(program, connection.execute(select).fetchall()))


TYPES = {
    "float8": "DOUBLE",
    "text": "VARCHAR",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMPTZ",
}


OUTPUTS: tuple[Literal["prediction", "probability"], ...] = ("prediction", "probability")


def _names(program: Program) -> list[str]:
    return [column.name for column in program.inputs]


def _load(connection: psycopg.Connection, program: Program, rows: pd.DataFrame) -> None:
    columns = SQL(", ").join(
        SQL("{} {}").format(Identifier(i.name), SQL(i.type)) for i in program.inputs
    )
    connection.execute("CREATE SCHEMA IF NOT EXISTS predict_versions")
    create = SQL('CREATE TEMPORARY TABLE rows ("row number" int, {})').format(columns)
    connection.execute(create)
    places = [[str(c) for c in rows.columns].index(name) for name in _names(program)]
    types = [i.type for i in program.inputs]
    with connection.cursor().copy("COPY rows FROM STDIN") as copy:
        for start, missing in ((0, "NaN"), (len(rows), None)):
            for number, row in enumerate(rows.itertuples(index=False), start):
                values = [row[place] for place in places]
                copy.write_row([number, *map(_stored, values, repeat(missing), types)])


def _stored(value: Any, missing: str | None, sql_type: str) -> Any:
    if pd.isna(value):
        return missing if sql_type == "float8" else None
    return float(value) if sql_type == "float8" else bool(value) if sql_type == "boolean" else value


def _call(connection: psycopg.Connection, program: Program, form: Any) -> Answers:
    names = ["answer"] + ["answer_proba"] * program.has_probabilities
    for name, output in zip(names, OUTPUTS, strict=False):
        connection.execute(program.create_function(name, output, form).encode())
    arguments = SQL(", ").join(map(Identifier, _names(program)))
    calls = SQL(", ").join(
        SQL("predict_versions.{}({})").format(Identifier(name), arguments) for name in names
    )
    rows = connection.execute(SQL('SELECT "row number", {} FROM rows').format(calls)).fetchall()
    for name in names:
        connection.execute(SQL("DROP FUNCTION predict_versions.{}").format(Identifier(name)))
    rows.sort()
    prediction = [row[1] for row in rows]
    if not program.has_probabilities:
        return Answers(prediction, None)
    two = len(program.classes) == 2
    probability = [
        None if row[2] is None else [1 - row[2], row[2]] if two else row[2] for row in rows
    ]
    return Answers(prediction, [p if p and None not in p else None for p in probability])


def _answers(program: Program, rows: list[Any]) -> Answers:
    rows.sort(key=lambda row: row[0])
    prediction = [row[1] for row in rows]
    if not program.has_probabilities:
        return Answers(prediction, None)
    return Answers(prediction, [None if None in row[2:] else list(row[2:]) for row in rows])

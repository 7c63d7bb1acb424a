"""A program as one SELECT, in any dialect.

Shared values become the columns of nested sub-selects. Postgres would merge the sub-selects and
write each value out wherever it is used; OFFSET 0 keeps them apart, and conditions of a query
around them out. Parallel workers then only read the table, the rest is done by one process; who
scores whole tables has `pgpredict score`, which keeps sub-selects apart without that.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.body import Body
from pgpredict_transpiler.errors import PgpredictError
from pgpredict_transpiler.program import Program
from pgpredict_transpiler.render.writer import Writer
from pgpredict_transpiler.scope import Let


def select(program: Program, dialect: str, source: str, keep: tuple[str, ...]) -> str:
    """The text of the SELECT; see `Program.to_sql`."""
    writer = Writer(dialect)
    body = program.general
    numbers = [i.name for i in program.inputs if i.type == "float8"]
    conditions = body.input_conditions(numbers, ordinary=False) + body.value_conditions(numbers)
    lets = body.needed([*body.columns.values(), *conditions])
    inputs = [column.name for column in program.inputs]
    kept = {_unused(f"kept_{i}", inputs): name for i, name in enumerate(keep, 1)}

    text = _inputs(program, writer, source, dialect, kept)
    names = [*kept, *inputs]
    for level in _levels(lets, body):
        shared = [f"{writer.write(let.expression)} AS {writer.name(let.name)}" for let in level]
        text = _nested(writer, [*map(writer.name, names), *shared], text)
        names += [let.name for let in level]
    answers = dict(body.columns)
    if conditions:
        answerable = _unused("answerable", names)
        test = f"{writer.write(sql.all_of(conditions))} AS {writer.name(answerable)}"
        text = _nested(writer, [*map(writer.name, names), test], text)
        guard = sql.reference(answerable)
        answers = {name: sql.case([(guard, value)]) for name, value in answers.items()}
    results = [f"{writer.name(short)} AS {writer.name(name)}" for short, name in kept.items()]
    results += [f"{writer.write(value)} AS {writer.name(name)}" for name, value in answers.items()]
    return _nested(writer, results, text, outermost=True)


def _inputs(
    program: Program, writer: Writer, source: str, dialect: str, kept: dict[str, str]
) -> str:
    """The innermost SELECT: a NaN stored in a column is a missing value."""
    columns = [f"{writer.name(name)} AS {writer.name(short)}" for short, name in kept.items()]
    for column in program.inputs:
        value = sql.reference(column.name)
        if column.type == "float8":
            value = sql.null_if(exp.Cast(this=value, to=sql.DOUBLE), sql.nan())
        columns.append(f"{writer.write(value)} AS {writer.name(column.name)}")
    fence = "\nOFFSET 0" if dialect == "postgres" else ""
    return f"SELECT {', '.join(columns)}\nFROM {_table(source, dialect)}{fence}"


def _nested(writer: Writer, columns: Sequence[str], source: str, *, outermost: bool = False) -> str:
    fence = "\nOFFSET 0" if writer.dialect == "postgres" and not outermost else ""
    return f"SELECT {', '.join(columns)}\nFROM (\n{source}\n) AS step{fence}"


def _unused(name: str, taken: Sequence[str]) -> str:
    """The name, lengthened until nothing else is called so."""
    while name in taken:
        name += "_"
    return name


def _levels(lets: Sequence[Let], body: Body) -> list[list[Let]]:
    """Shared values by how many others stand below them."""
    depth: dict[str, int] = {}
    levels: list[list[Let]] = []
    for let in lets:
        depth[let.name] = 1 + max(
            (depth.get(name, -1) for name in body.summary(let.expression).uses), default=-1
        )
        while len(levels) <= depth[let.name]:
            levels.append([])
        levels[depth[let.name]].append(let)
    return levels


def _table(source: str, dialect: str) -> str:
    try:
        return sqlglot.parse_one(source, into=exp.Table, dialect=dialect).sql(dialect)
    except ParseError:
        raise PgpredictError(
            f"{source!r} is not the name of a table",
            do='write it as in FROM: customers, public.customers, "Customers"',
        ) from None

"""Expressions of a query say what the functions say that they were taken from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import psycopg
import pytest
from psycopg.sql import SQL, Composed, Identifier

from pgpredict.batch.levels import Input
from pgpredict.batch.rows import Rows
from pgpredict.batch.sources import Source
from pgpredict.batch.unfolding import unfold
from pgpredict_transpiler import Program
from tests.postgres import EVERY, Server, fresh_database
from tests.transpiler.parity.case import Case
from tests.transpiler.parity.engines import OUTPUTS, _load
from tests.transpiler.parity.prepared import every_case, prepared

LABELS = "{} IS DISTINCT FROM {}"
NUMBERS = "({0} IS DISTINCT FROM {1} AND (abs({0} - {1}) <= 1e-12 + 1e-9 * abs({1})) IS NOT TRUE)"
ARRAYS = LABELS


@pytest.fixture(scope="module")
def workbench(servers: object, worker_id: str) -> Iterator[psycopg.Connection]:
    server: Server = servers(EVERY[0])  # type: ignore[operator]
    with (
        fresh_database(server, f"pgpredict_unfolding_{worker_id}") as dsn,
        psycopg.connect(dsn) as connection,
    ):
        yield connection


@every_case
def test_unfolded_functions_answer_as_they_do(case: Case, workbench: psycopg.Connection) -> None:
    program, hostile, _, extremes = prepared(case)
    rows = pd.concat([hostile, extremes], ignore_index=True)
    with workbench.transaction(force_rollback=True):
        _load(workbench, program, rows)
        names = [Identifier(column.name) for column in program.inputs]
        scored = rows_of(program, deploy(workbench, program), names)
        assert scored.unfolded is not None

        differing = workbench.execute(
            SQL(
                "SELECT * FROM ({}) AS s (number, prediction, probability, version, at) "
                'JOIN rows AS r ON r."row number" = s.number '
                "WHERE {} OR {}"
            ).format(scored.select(), *differs(program, names))
        ).fetchall()

    assert differing == []


def differs(program: Program, names: list[Identifier]) -> list[Composed]:
    """Labels are the same; numbers too, but for the rounding of sums of trees."""
    label, probability = calls(program, names)
    kinds = [program.label_type, program.probability_type]
    ends = {"float8": NUMBERS, "float8[]": ARRAYS}
    return [
        SQL(ends.get(kind, LABELS)).format(column, called)
        for kind, column, called in zip(
            kinds, (SQL("s.prediction"), SQL("s.probability")), (label, probability), strict=True
        )
    ]


def deploy(connection: psycopg.Connection, program: Program) -> list[str]:
    """The functions as PL/pgSQL keeps them."""
    texts = []
    for output in OUTPUTS[: 1 + program.has_probabilities]:
        connection.execute(program.create_function(f"m_{output}", output, "block").encode())
        row = connection.execute(
            "SELECT prosrc FROM pg_proc WHERE proname = %s", [f"m_{output}"]
        ).fetchone()
        assert row is not None
        texts.append(row[0])
    return texts


def calls(program: Program, names: list[Identifier]) -> list[SQL]:
    arguments = SQL(", ").join(SQL("r.{}").format(name) for name in names)
    called = [
        SQL("predict_versions.{}({})").format(Identifier(f"m_{output}"), arguments)
        for output in OUTPUTS[: 1 + program.has_probabilities]
    ]
    return [*called, SQL("NULL")][:2]  # type: ignore[return-value]


def rows_of(program: Program, texts: list[str], names: list[Identifier]) -> Rows:
    inputs = tuple(name.as_string() for name in names)
    source = Source(
        label="rows",
        relation=Identifier("rows"),
        alias="s",
        names=(),
        passed=tuple(f"s.{name}" for name in inputs),
        inputs=inputs,
        is_whole=len(inputs) * (False,),
        rows=0,
        heaps=(),
    )
    version = {
        "version": 1,
        "label_type": program.label_type,
        "probability_type": program.probability_type if program.has_probabilities else "float8",
        "has_probability": program.has_probabilities,
        "label_function": "predict_versions.m_prediction",
        "probability_function": "predict_versions.m_probability",
    }
    rows = Rows(source, version, ("row number",), datetime.now(UTC), None)
    is_classifier = program.kind == "classifier"
    unfolded = unfold(texts, rows.inputs, rows.calls, is_classifier=is_classifier)
    return replace(rows, unfolded=unfolded)


def test_what_the_transpiler_does_not_write_is_left_to_the_function() -> None:
    body = "\nBEGIN\n  RETURN x + 1;\nEND;\n"

    def unfolded(*texts: str) -> object:
        return unfold(texts, [Input("x", '"i0"', "s.x")], ["f(x)"], is_classifier=False)

    assert unfolded(body) is not None
    for other in (
        "\nBEGIN\n  PERFORM pg_sleep(1);\n  RETURN x;\nEND;\n",
        '\nBEGIN\n  "y" := x;\n  RETURN "y";\nEND;\n',
        "\nBEGIN\n  RETURN x;\n  RETURN 1;\nEND;\n",
        "\nDECLARE\n  y CONSTANT float8 := 1;\nBEGIN\n  RETURN x;\nEND;\n",
        "SELECT 1",
        "\nBEGIN\nEND;\n",
        "\nBEGIN\n  RETURN '" + 600_000 * "x" + "';\nEND;\n",
    ):
        assert unfolded(other) is None
        assert unfolded(body, other) is None

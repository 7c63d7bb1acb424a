"""For every lowering: SQL answers as Python does, on ordinary rows and on hostile ones."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from pgpredict_transpiler import transpile
from pgpredict_transpiler.lowering.registry import REGISTRY
from pgpredict_transpiler.oracle import ask
from tests.postgres import Server, fresh_database
from tests.transpiler.parity import engines
from tests.transpiler.parity.case import Case
from tests.transpiler.parity.cases import CASES
from tests.transpiler.parity.compare import differences
from tests.transpiler.parity.hostile import all_extreme_rows, hostile_rows

every_case = pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.covers[0]}: {case.name}"
)


@pytest.fixture(scope="module")
def workbench(server: Server, worker_id: str) -> Iterator[psycopg.Connection]:
    """One database for all cases: each leaves it as it was."""
    with (
        fresh_database(server, f"pgpredict_parity_{worker_id}") as dsn,
        psycopg.connect(dsn) as connection,
    ):
        yield connection


@every_case
def test_postgres_answers_as_python(case: Case, workbench: psycopg.Connection) -> None:
    model, sample = case.fit()
    program = transpile(model, sample)
    rows = hostile_rows(program, sample)
    expected = ask(model, rows)
    for told in engines.postgres(workbench, program, rows):
        assert differences(expected, told.answers, rows) == [], told.form


@every_case
def test_duckdb_answers_as_python(case: Case) -> None:
    model, sample = case.fit()
    program = transpile(model, sample)
    rows = hostile_rows(program, sample)
    expected = ask(model, rows)
    for told in engines.in_duckdb(program, rows):
        assert differences(expected, told.answers, rows) == [], told.form


@every_case
def test_rows_of_extremes_alone_never_raise(case: Case, workbench: psycopg.Connection) -> None:
    model, sample = case.fit()
    rows = all_extreme_rows(sample)
    for told in engines.postgres(workbench, transpile(model, sample), rows):
        assert len(told.answers.prediction) == len(rows)


@pytest.mark.parametrize("name", REGISTRY)
def test_every_lowering_has_a_case(name: str) -> None:
    assert any(name in case.covers for case in CASES)

"""For every lowering: SQL answers as Python does, on ordinary rows and on hostile ones."""

from __future__ import annotations

import pandas as pd
import psycopg
import pytest

from pgpredict_transpiler.lowering.registry import REGISTRY
from tests.transpiler.parity import engines
from tests.transpiler.parity.case import Case
from tests.transpiler.parity.cases import CASES
from tests.transpiler.parity.compare import differences
from tests.transpiler.parity.prepared import every_case, prepared


@every_case
def test_postgres_answers_as_python_and_never_raises(
    case: Case, workbench: psycopg.Connection
) -> None:
    program, rows, expected, extremes = prepared(case)
    both = pd.concat([rows, extremes], ignore_index=True)
    for told in engines.postgres(workbench, program, both):
        assert differences(expected, told.answers.head(len(rows)), rows) == [], told.form


@every_case
def test_duckdb_answers_as_python(case: Case) -> None:
    program, rows, expected, _ = prepared(case)
    for told in engines.in_duckdb(program, rows):
        assert differences(expected, told.answers, rows) == [], told.form


@pytest.mark.parametrize("name", REGISTRY)
def test_every_lowering_has_a_case(name: str) -> None:
    assert any(name in case.covers for case in CASES)

"""docs/sql.md names all that is in the schema pgpredict, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

REFERENCE = (Path(__file__).parents[2] / "docs" / "sql.md").read_text(encoding="utf-8")

FUNCTIONS = """
    SELECT DISTINCT proname, coalesce(proargnames[1:pronargs], '{}')
    FROM pg_proc WHERE pronamespace = 'pgpredict'::regnamespace"""
COLUMNS = """
    SELECT c.relname, a.attname
    FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'pgpredict'::regnamespace AND c.relkind IN ('r', 'v') AND a.attnum > 0
      AND NOT a.attisdropped"""


@pytest.fixture
def schema(installed_dsn: str) -> psycopg.Connection:
    return psycopg.connect(installed_dsn)


def documented_functions() -> dict[str, list[str]]:
    """The arguments by function, as the tables write them: ``verify(model [, version])``."""
    found = re.findall(r"^\| `pgpredict\.(\w+)\(([^)]*)\)` \|", REFERENCE, re.MULTILINE)
    return {name: re.findall(r"\w+", arguments) for name, arguments in found}


def test_every_function_is_described_with_its_arguments(schema: psycopg.Connection) -> None:
    with schema:
        there: dict[str, list[str]] = dict(schema.execute(FUNCTIONS).fetchall())
    assert documented_functions() == there


def test_every_table_and_view_is_described_with_its_columns(schema: psycopg.Connection) -> None:
    with schema:
        columns = schema.execute(COLUMNS).fetchall()
    missing = [(table, column) for table, column in columns if column not in described(table)]
    assert columns
    assert missing == []


def described(relation: str) -> set[str]:
    """The names in code in the section of a view, or in the line of a table."""
    section = re.search(
        rf"^### `pgpredict\.{relation}`.*?(?=^##)|^\| `pgpredict\.{relation}` \|.*?$",
        REFERENCE,
        re.MULTILINE | re.DOTALL,
    )
    return set(re.findall(r"`(\w+)`", section[0])) if section else set()

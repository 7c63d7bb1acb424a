"""One SELECT for every engine."""

from __future__ import annotations

import duckdb
import pandas as pd
import psycopg
import pytest
import sqlglot
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pgpredict_transpiler import PgpredictError, Program, transpile
from pgpredict_transpiler.render.writer import BINARY_COLLATION

SAMPLE = pd.DataFrame({"kept_1": [0.0, 1.0, 2.0, 3.0], "answerable": [1.0, 0.0, 1.0, 0.0]})


@pytest.fixture(scope="module")
def program() -> Program:
    """A model whose inputs are called like the names that a SELECT uses inside."""
    model = make_pipeline(StandardScaler(), LogisticRegression())
    return transpile(model.fit(SAMPLE, ["a b", "a b", 'c"d', 'c"d']), SAMPLE)


@pytest.mark.parametrize("dialect", ["postgres", *BINARY_COLLATION])
def test_every_dialect_reads_its_own_text(program: Program, dialect: str) -> None:
    text = program.to_sql(dialect, "customers", keep=["id"])
    parsed = sqlglot.parse_one(text, dialect=dialect)
    assert isinstance(parsed, sqlglot.exp.Select)
    names = ["id", "prediction", "probability_a b", 'probability_c"d']
    assert [column.alias_or_name for column in parsed.selects] == names


def test_duckdb_keeps_columns_beside_the_answer(program: Program) -> None:
    with duckdb.connect() as connection:
        connection.register("customers", SAMPLE.assign(id=[7, 8, 9, 10]))
        rows = connection.execute(
            program.to_sql("duckdb", "customers", keep=["id", "kept_1"])
        ).fetchall()
    assert [row[:3] for row in rows] == [
        (7, 0.0, "a b"),
        (8, 1.0, "a b"),
        (9, 2.0, 'c"d'),
        (10, 3.0, 'c"d'),
    ]


def test_a_source_may_have_a_schema_and_quotes(
    program: Program, connection: psycopg.Connection
) -> None:
    connection.execute('CREATE SCHEMA "My Data"')
    connection.execute('CREATE TABLE "My Data"."Customers" (kept_1 int, answerable numeric)')
    connection.execute('INSERT INTO "My Data"."Customers" VALUES (0, 1), (NULL, 1)')
    rows = connection.execute(
        program.to_sql("postgres", '"My Data"."Customers"').encode()
    ).fetchall()
    assert [row[0] for row in rows] == ["a b", None]


def test_postgres_computes_each_shared_value_once(program: Program) -> None:
    assert (
        program.to_sql("postgres").count("OFFSET 0")
        == program.to_sql("postgres").count("SELECT") - 1
    )


def test_a_transformer_gives_its_features(connection: psycopg.Connection) -> None:
    program = transpile(StandardScaler().fit(SAMPLE), SAMPLE)
    with duckdb.connect() as engine:
        engine.register("customers", SAMPLE)
        result = engine.execute(program.to_sql("duckdb", "customers")).df()
    assert list(result.columns) == ["kept_1", "answerable"]
    assert result["answerable"].tolist() == [1.0, -1.0, 1.0, -1.0]


def test_an_unknown_dialect_is_refused(program: Program) -> None:
    with pytest.raises(PgpredictError, match="no dialect 'oracle9'"):
        program.to_sql("oracle9")


def test_a_source_that_is_no_table_is_refused(program: Program) -> None:
    with pytest.raises(PgpredictError, match="not the name of a table"):
        program.to_sql("postgres", "customers WHERE")

"""CREATE FUNCTION in Postgres: what the row-by-row parity tests cannot show."""

from __future__ import annotations

import pandas as pd
import psycopg
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pgpredict_transpiler import PgpredictError, transpile
from pgpredict_transpiler.program import Form

FRAME = pd.DataFrame({"plan": ["basic", "BASIC", "plus", "basic"], "x": [1.0, 2.0, 3.0, 4.0]})

every_form = pytest.mark.parametrize("form", ["inline", "block"])


# To this collation "basic" and "BASIC" are the same text.
LOOSE = "CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"


def test_every_comparison_of_text_names_its_collation() -> None:
    text = transpile(fitted(), FRAME).create_function("m")
    assert text.count("COLLATE") == text.count(" = ('") > 0


def fitted() -> Pipeline:
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["plan"]), (StandardScaler(), ["x"])
    )
    return make_pipeline(columns, LinearRegression()).fit(FRAME, [1.0, 20.0, 300.0, 4.0])


def install(connection: psycopg.Connection, model: Pipeline, form: Form) -> None:
    connection.execute("CREATE SCHEMA predict_versions")
    connection.execute(transpile(model, FRAME).create_function("m", form=form).encode())


@every_form
def test_text_is_compared_by_bytes_whatever_the_collation_of_the_column(
    connection: psycopg.Connection, form: Form
) -> None:
    try:
        connection.execute(LOOSE)
    except psycopg.errors.FeatureNotSupported:
        pytest.skip("this Postgres was built without ICU, so it has no such collation")
    model = fitted()
    install(connection, model, form)
    connection.execute("CREATE TABLE t (plan text COLLATE loose, x float8)")
    connection.execute("INSERT INTO t VALUES ('basic', 1), ('BASIC', 1), ('Basic', 1)")
    told = connection.execute("SELECT predict_versions.m(plan, x) FROM t").fetchall()
    rows = pd.DataFrame({"plan": ["basic", "BASIC", "Basic"], "x": [1.0, 1.0, 1.0]})
    assert [row[0] for row in told] == pytest.approx(model.predict(rows).tolist(), rel=1e-9)


@every_form
def test_an_extreme_constant_beside_a_column_does_not_raise(
    connection: psycopg.Connection, form: Form
) -> None:
    install(connection, fitted(), form)
    query = "SELECT predict_versions.m(plan, {}) FROM (VALUES ('basic'), (NULL)) AS t (plan)"
    for x in ("1e308", "'-Infinity'", "'NaN'", "5e-324", "NULL"):
        assert len(connection.execute(query.format(x).encode()).fetchall()) == 2


@every_form
def test_a_function_can_be_indexed(connection: psycopg.Connection, form: Form) -> None:
    install(connection, fitted(), form)
    connection.execute("CREATE TABLE t (plan text, x float8)")
    connection.execute("CREATE INDEX ON t (predict_versions.m(plan, x))")
    connection.execute("INSERT INTO t VALUES ('basic', 1)")


def test_an_output_that_the_model_does_not_have_is_refused() -> None:
    with pytest.raises(PgpredictError, match="has no probability"):
        transpile(fitted(), FRAME).create_function("m", "probability")

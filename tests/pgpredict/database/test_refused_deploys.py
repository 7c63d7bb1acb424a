"""Deploys that are refused: one clear message, and nothing is left in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import psycopg
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import StandardScaler

import pgpredict
from pgpredict.errors import (
    GoldenRowMismatch,
    InvalidName,
    InvalidSample,
    InvalidSource,
    NotFitted,
    PgpredictError,
    SignatureChanged,
    UnsupportedEstimator,
)
from pgpredict_transpiler import Program
from tests.pgpredict.database.models import churn, customers, value
from tests.sql.traces import traces


@pytest.fixture(autouse=True)
def _nothing_is_left(connection: psycopg.Connection) -> Iterator[None]:
    before = traces(connection)
    yield
    assert traces(connection) == before


@pytest.mark.parametrize(
    "name", ["", "Churn", "1st", "chürn", "a b", "churn\n", 'a"b', "a" * 42, None, "drop;--"]
)
def test_name_that_is_not_allowed(db: pgpredict.Database, name: str) -> None:
    with pytest.raises(InvalidName, match="not allowed as the name of a model"):
        db.deploy(name, value(), customers())


@pytest.mark.parametrize("name", ["churn_proba", "churn_v2", "churn_live", "churn_explain"])
def test_name_that_belongs_to_another_model(db: pgpredict.Database, name: str) -> None:
    with pytest.raises(InvalidName, match="belong to the functions of other models"):
        db.deploy(name, value(), customers())


def test_model_that_is_not_fitted(db: pgpredict.Database) -> None:
    with pytest.raises(NotFitted):
        db.deploy("value", LinearRegression(), customers())


def test_model_that_predicts_nothing(db: pgpredict.Database) -> None:
    with pytest.raises(UnsupportedEstimator, match="it transforms and predicts nothing"):
        db.deploy("scaled", StandardScaler().fit(customers()), customers())


def test_sample_without_a_column(db: pgpredict.Database) -> None:
    with pytest.raises(InvalidSample, match="spend"):
        db.deploy("value", value(), customers()[["tenure"]])


def test_more_inputs_than_a_function_takes(db: pgpredict.Database) -> None:
    names = [f"x{i}" for i in range(101)]
    with pytest.raises(InvalidSample, match="takes 101 inputs, a Postgres function at most 100"):
        db.deploy("wide", value(columns=names), customers(columns=names))


@pytest.mark.parametrize("name", ["x" * 64, "é" * 32])
def test_column_name_that_postgres_would_cut(db: pgpredict.Database, name: str) -> None:
    with pytest.raises(InvalidSample, match="cannot be the name of an argument"):
        db.deploy("value", value(columns=[name]), customers(columns=[name]))


def test_unknown_form(db: pgpredict.Database) -> None:
    with pytest.raises(PgpredictError, match="there is no form 'fast'"):
        db.deploy("value", value(), customers(), form="fast")


def test_metric_that_is_no_number(db: pgpredict.Database) -> None:
    with pytest.raises(PgpredictError, match="a metric is a ndarray"):
        db.deploy("value", value(), customers(), metrics={"curve": np.ones(3)})


def _answers_elsewhere(create: Callable[..., str]) -> Callable[..., str]:
    """A transpiler whose functions answer wrong on one row of seventy."""

    def created(self: Program, name: str, output: str = "prediction", form: str = "inline") -> str:
        if output != "prediction":
            return create(self, name, output=output, form=form)
        right = create(self, "right", output=output, form="block")
        right = right.replace('predict_versions."right"', f'predict_versions."{name}"')
        return right.replace("BEGIN\n", "BEGIN\n  IF tenure = 3 THEN RETURN NULL; END IF;\n", 1)

    return created


def test_golden_rows_that_differ_are_shown_side_by_side(
    db: pgpredict.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = churn()
    monkeypatch.setattr(Program, "create_function", _answers_elsewhere(Program.create_function))
    with pytest.raises(GoldenRowMismatch) as caught:
        db.deploy("churn", model, customers())
    monkeypatch.undo()

    lines = str(caught.value).splitlines()
    assert lines[0] == "cannot deploy churn: 3 of 200 golden rows differ from Python"
    assert lines[1] == "  row 2: tenure=3.0, spend=3.75"
    assert lines[2].startswith("    Python stays  probability ")
    assert lines[3].startswith("    SQL    NULL  probability ")
    assert len(caught.value.details) == 9


def _likes_three(create: Callable[..., str]) -> Callable[..., str]:
    """A transpiler whose labels are right, and whose probability is wrong on one row of seventy."""

    def created(self: Program, name: str, output: str = "prediction", form: str = "inline") -> str:
        if output == "prediction":
            return create(self, name, output=output, form=form)
        right = create(self, name, output=output, form="block")
        return right.replace("BEGIN\n", "BEGIN\n  IF tenure = 3 THEN RETURN 0.25; END IF;\n", 1)

    return created


def test_wrong_probability_beside_a_right_label_is_refused(
    db: pgpredict.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = churn()
    monkeypatch.setattr(Program, "create_function", _likes_three(Program.create_function))
    with pytest.raises(
        GoldenRowMismatch, match="3 of 200 golden rows differ from Python"
    ) as caught:
        db.deploy("churn", model, customers())
    monkeypatch.undo()
    assert caught.value.details[2].startswith("  SQL ")
    assert caught.value.details[2].endswith(" probability 0.25")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("orders", "there is no table or view orders"),
        ("shop.customers", "there is no table or view shop.customers"),
        ('"Customers"', 'there is no table or view "Customers"'),
        ("a.b.c.d", "improper"),
        ("few_columns", "no column spend"),
        ("texts", "tenure is text, the model takes double precision"),
        ("passing", "passing is a temporary table"),
    ],
)
def test_source_that_does_not_fit(
    db: pgpredict.Database, connection: psycopg.Connection, source: str, complaint: str
) -> None:
    with db.connection() as same_session:
        same_session.execute("""
            CREATE TABLE few_columns (tenure integer);
            CREATE TABLE texts (tenure text, spend float8);
            CREATE TEMPORARY TABLE passing (tenure float8, spend float8);
        """)
    with pytest.raises((InvalidSource, PgpredictError), match=complaint):
        db.deploy("value", value(), customers(), source=source)


def test_signature_that_changes_while_a_view_needs_it(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    """See test_live.py for what a refused promotion says."""
    connection.execute("CREATE SCHEMA boards")
    first = db.deploy("kept", value(), customers())
    connection.execute(
        "CREATE VIEW boards.daily AS SELECT predict.kept(tenure, spend) FROM customers"
    )
    before = traces(connection)
    with pytest.raises(SignatureChanged, match=r"in use by: view boards\.daily"):
        db.deploy("kept", value(columns=["age"]), customers(columns=["age"]), promote=True)
    assert traces(connection) == before
    assert [v.version for v in db.versions()] == [first.version]
    connection.execute("DROP SCHEMA boards CASCADE")
    _forget(connection)


def _forget(connection: psycopg.Connection) -> None:
    connection.execute("""
        DROP FUNCTION predict.kept, predict_versions.kept_v1;
        TRUNCATE pgpredict.model, pgpredict.version, pgpredict.golden_row, pgpredict.event CASCADE;
    """)

"""Every kind of value survives the way to the golden rows and back: as input, and as label."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

import pgpredict
from pgpredict.errors import InvalidSample
from tests.pgpredict.database.models import customers, value

TEXTS = [
    "",
    " ",
    "plain",
    "it's",
    'a "b"',
    "back\\slash",
    "tab\tnew\nline",
    "Größe 日本 😀",
    "null",
    "NaN",
]
NUMBERS = [np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324, 0.1 + 0.2, -0.0]


def _with_texts(texts: list[Any]) -> tuple[Any, pd.DataFrame]:
    frame = pd.DataFrame({"plan": (texts * 8)[:80], "x": np.arange(80) / 7})
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["plan"]), remainder="passthrough"
    )
    model = make_pipeline(encode, DecisionTreeClassifier(max_depth=12, random_state=0))
    return model.fit(frame, frame["plan"].map(lambda text: f"label {text}")), frame


def test_text(db: pgpredict.Database) -> None:
    model, frame = _with_texts(TEXTS)
    assert db.deploy("texts", model, frame).rows == 80
    assert db.versions()[0].contract["inputs"]["plan"]["categories"] == sorted(TEXTS)


def test_missing_text_is_null(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    model, frame = _with_texts([*TEXTS, None])
    db.deploy("texts", model, frame)
    assert db.versions()[0].contract["inputs"]["plan"]["nulls"]
    missing = connection.execute(
        "SELECT count(*) FROM pgpredict.golden_row WHERE inputs -> 'plan' = 'null'"
    ).fetchone()
    assert missing == (frame["plan"].isna().sum(),)


def test_text_without_a_value_is_said_to_be_a_guess(db: pgpredict.Database) -> None:
    model, frame = _with_texts([*TEXTS, None])
    deployed = db.deploy("texts", model, frame.assign(plan=None))
    assert deployed.notes == ("the sample holds no value of plan: it is taken for text",)
    plan = db.versions()[0].contract["inputs"]["plan"]
    assert plan == {"type": "text", "nulls": True, "distinct": 0, "categories": [], "assumed": True}


def test_text_that_postgres_cannot_store(db: pgpredict.Database) -> None:
    model, frame = _with_texts(TEXTS)
    frame.loc[3, "plan"] = "zero\x00character"
    with pytest.raises(InvalidSample, match=r"'plan' .* holds a text that Postgres cannot store"):
        db.deploy("texts", model, frame)
    assert db.models() == []


def test_numbers_keep_their_last_bit(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    frame = pd.DataFrame({"x": NUMBERS * 10, "y": np.arange(80.0)})
    labels = np.arange(80) % len(NUMBERS)
    model = HistGradientBoostingClassifier(max_iter=5, min_samples_leaf=1).fit(frame, labels)
    db.deploy("numbers", model, frame)
    stored = connection.execute("""
        SELECT (inputs ->> 'x')::float8 FROM pgpredict.golden_row ORDER BY row_number LIMIT 8
    """).fetchall()
    values = [NUMBERS[0] if value is None else value for (value,) in stored]
    np.testing.assert_array_equal(values, NUMBERS)
    assert str(values[-1]) == "-0.0"


@pytest.mark.parametrize(
    ("labels", "sql_type"),
    [
        (["Größe", "it's"], "text"),
        ([-3, 2**53], "bigint"),
        ([False, True], "boolean"),
        ([1.0, 2.0], "float8"),
    ],
)
def test_labels_keep_their_type(
    db: pgpredict.Database, connection: psycopg.Connection, labels: list[Any], sql_type: str
) -> None:
    frame = customers()
    answers = np.array(labels)[(frame["spend"] > 100).astype(int)]
    model = LogisticRegression().fit(frame, answers)
    db.deploy("labels", model, frame)
    assert db.versions()[0].label_type == sql_type
    assert db.versions()[0].classes == labels
    row = connection.execute("SELECT predict.labels(1, 1), predict.labels(1, 200)").fetchone()
    assert row is not None
    assert list(row) == labels
    assert [type(value) for value in row] == [type(label) for label in labels]


def test_more_than_two_classes_give_a_list(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    frame = customers()
    model = LogisticRegression().fit(frame, np.digitize(frame["spend"], [80, 160]))
    db.deploy("thirds", model, frame)
    row = connection.execute("SELECT predict.thirds_proba(1, 100)").fetchone()
    asked = pd.DataFrame({"tenure": [1.0], "spend": [100.0]})
    assert row == (pytest.approx(model.predict_proba(asked)[0].tolist(), rel=1e-9),)


def test_model_with_a_single_class(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    model = DecisionTreeClassifier().fit(customers(), ["always"] * 200)
    db.deploy("constant", model, customers())
    assert db.verify("constant").equal == 200
    row = connection.execute("SELECT predict.constant(1, 2), predict.constant_proba(1, 2)")
    assert row.fetchone() == ("always", [1.0])


NUMERICS = [
    *("1e350", "-1e350", "1e-350", "-1e-350", "1e300", "-1e300", "1e-300", "0", "2.5", "NaN"),
    *("1.7976931348623158e308", "-1.7976931348623159e308", "1.7976931348623159e308"),
    *("5e-324", "2.5e-324", "2.4e-324"),
]


@pytest.mark.parametrize("type_", ["numeric", "large", "numeric(400)", "numeric(900, 500)"])
def test_numeric_beyond_float8_is_passed_as_python_reads_it(
    db: pgpredict.Database, connection: psycopg.Connection, type_: str
) -> None:
    connection.execute(f"CREATE DOMAIN large AS numeric; CREATE TABLE numbers (x {type_})".encode())
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO numbers VALUES (%s)", [(text,) for text in NUMERICS])
    db.deploy("value", value(columns=["x"]), customers(columns=["x"]), source="numbers")
    (passed,) = connection.execute("""
        SELECT pgpredict.passed('numbers', 'n', 'x', 'double precision')
    """).fetchone() or ("",)
    rows = connection.execute(
        f"SELECT x::text, {passed}, predict.value(n) FROM numbers AS n".encode()
    ).fetchall()
    assert len(rows) == len(NUMERICS)
    np.testing.assert_array_equal([row[1] for row in rows], [float(row[0]) for row in rows])
    plan = connection.execute("EXPLAIN VERBOSE SELECT predict.value(n) FROM numbers n").fetchall()
    assert "predict" not in str(plan), "it is inlined"


@pytest.mark.parametrize("type_", ["numeric(10, 2)", "numeric(300, 300)", "float4", "bigint"])
def test_column_that_float8_always_holds_is_cast_and_no_more(
    connection: psycopg.Connection, type_: str
) -> None:
    connection.execute(f"CREATE TABLE numbers (x {type_})".encode())
    passed = connection.execute("""
        SELECT pgpredict.passed('numbers', 'n', 'x', 'double precision')
    """)
    assert passed.fetchone() == ("(n.*).x::double precision",)

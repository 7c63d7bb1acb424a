"""A deploy: what is there afterwards, and that it answers as the model does."""

from __future__ import annotations

import psycopg
import pytest
import skops.io
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

import pgpredict
from pgpredict.errors import SignatureChanged, UnknownModel, UnreadableModel
from tests.pgpredict.database.models import churn, customers, value


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


def test_deployed_model_answers_as_python_does(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    model = churn()
    deployed = db.deploy("churn", model, customers(), source="customers", metrics={"auc": 0.91})

    assert (deployed.model, deployed.version, deployed.live) == ("churn", 1, True)
    assert (deployed.rows, deployed.source) == (200, "public.customers")
    assert deployed.max_difference <= 1e-9
    assert deployed.calls == (
        "predict.churn(public.customers)",
        "predict.churn_proba(public.customers)",
    )
    by_row, by_name, probability = zip(
        *connection.execute("""
            SELECT predict.churn(c), predict.churn(spend => c.spend::float8, tenure => c.tenure),
                   predict.churn_proba(c)
            FROM customers c ORDER BY id
        """),
        strict=True,
    )
    assert list(by_row) == model.predict(customers()).tolist() == list(by_name)
    assert list(probability) == pytest.approx(
        model.predict_proba(customers())[:, 1].tolist(), rel=1e-9
    )


@pytest.mark.parametrize("form", ["inline", "block"])
def test_form_can_be_chosen(db: pgpredict.Database, form: str) -> None:
    assert db.deploy("value", value(), customers(), form=form).form == form
    assert db.verify("value").differing == 0


def test_first_version_goes_live_and_later_ones_wait(db: pgpredict.Database) -> None:
    assert db.deploy("value", value(1), customers()).live
    second = db.deploy("value", value(2), customers())
    assert (second.version, second.live) == (2, False)
    assert second.calls == ("predict_versions.value_v2(tenure, spend)",)
    assert db.deploy("value", value(3), customers(), promote=True).live
    assert [(v.version, v.live) for v in db.versions("value")] == [
        (1, False),
        (2, False),
        (3, True),
    ]


def test_first_version_can_wait_too(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    assert not db.deploy("value", value(), customers(), promote=False).live
    assert db.models()[0].live is None
    with pytest.raises(psycopg.errors.UndefinedFunction):
        connection.execute("SELECT predict.value(1, 2)")


def test_records_say_what_was_deployed(db: pgpredict.Database) -> None:
    db.deploy("churn", churn(), customers(), metrics={"auc": 0.91, "folds": float("nan")})
    (model,), (version,) = db.models(), db.versions()

    assert (model.name, model.live, model.versions) == ("churn", 1, 1)
    assert version.signature == [
        {"name": "tenure", "type": "float8"},
        {"name": "spend", "type": "float8"},
    ]
    assert version.contract["inputs"]["tenure"] == {
        "type": "float8", "nulls": False, "min": 0.0, "max": 69.0,
    }  # fmt: skip
    assert (version.label_type, version.probability_type) == ("text", "float8")
    assert version.classes == ["leaves", "stays"]
    assert version.metrics == {"auc": 0.91, "folds": None}
    assert version.golden_rows == 200
    assert [(e.what, e.version, e.detail.get("from")) for e in db.events("churn")] == [
        ("deploy", 1, None),
        ("promote", 1, None),
    ]


def test_same_model_has_the_same_hash(db: pgpredict.Database) -> None:
    for slope in (1, 1, 2):
        db.deploy("value", value(slope), customers())
    first, second, third = (version.body_hash for version in db.versions("value"))
    assert first == second != third


def test_model_file_is_stored(db: pgpredict.Database) -> None:
    assert db.deploy("value", value(3), customers()).model_format == "skops"
    restored = skops.io.loads(db.model_file("value")[0])
    assert restored.predict(customers()) == pytest.approx(value(3).predict(customers()))


def test_model_file_that_is_given_is_stored_as_it_is(db: pgpredict.Database) -> None:
    for content in (b"first", b"second"):
        db.deploy("value", value(), customers(), model_file=(content, "joblib"), promote=True)
    db.retire("value", 1)
    assert db.model_file("value") == (b"second", "joblib")
    assert db.model_file("value", 1) == (b"first", "joblib"), "a retired version keeps its file"
    with pytest.raises(UnknownModel, match="value has no version 3"):
        db.model_file("value", 3)
    with pytest.raises(UnknownModel, match="there is no model other"):
        db.model_file("other")


def test_comments_name_model_version_and_metrics(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(), customers(), source="customers", metrics={"rmse": 2.5})
    comments = connection.execute("""
        SELECT DISTINCT obj_description(p.oid, 'pg_proc')
        FROM pg_proc p
        WHERE pronamespace IN ('predict'::regnamespace, 'predict_versions'::regnamespace)
        ORDER BY 1
    """).fetchall()
    description = db.versions()[0].description
    assert comments == [
        (f"frozen: value v1: {description} (rmse 2.5)",),
        (f"live: value v1: {description} (rmse 2.5)",),
    ]


def test_frozen_function_can_be_indexed_and_stored(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(2), customers())
    connection.execute("""
        CREATE INDEX by_value ON customers (predict_versions.value_v1(tenure, spend::float8));
        ALTER TABLE customers ADD COLUMN worth float8
            GENERATED ALWAYS AS (predict_versions.value_v1(tenure, spend::float8)) STORED;
    """)
    row = connection.execute("SELECT worth, tenure, spend FROM customers WHERE id = 7").fetchone()
    assert row is not None
    assert row[0] == pytest.approx(2 * (row[1] + float(row[2])))


def test_planner_inlines_alias_and_function(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(), customers(), source="customers", form="inline")
    plan = connection.execute("EXPLAIN VERBOSE SELECT predict.value(c) FROM customers c").fetchall()
    assert "predict" not in str(plan)
    assert "tenure" in str(plan)


def test_source_is_inherited_while_it_fits(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(1), customers(), source="customers")
    assert db.deploy("value", value(2), customers()).source == "public.customers"
    other = db.deploy("value", value(columns=["age"]), customers(columns=["age"]))
    assert other.source is None


def test_deploy_in_a_transaction_of_mine_is_mine_to_undo(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    mine = pgpredict.connect(connection)
    with connection.transaction(force_rollback=True):
        mine.deploy("value", value(), customers())
        assert [m.name for m in mine.models()] == ["value"]
    assert db.models() == []

    with connection.transaction():
        mine.deploy("value", value(), customers(), source="customers")
        connection.execute("CREATE VIEW worth AS SELECT predict.value(c) FROM customers c")
        with pytest.raises(SignatureChanged):
            mine.deploy("value", value(columns=["age"]), customers(columns=["age"]), promote=True)
    assert [v.version for v in db.versions()] == [1]


def test_connection_that_is_not_in_autocommit_is_left_idle(
    installed_dsn: str, db: pgpredict.Database
) -> None:
    with psycopg.connect(installed_dsn) as connection:
        mine = pgpredict.connect(connection)
        mine.models()
        mine.deploy("value", value(), customers())
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert [m.name for m in db.models()] == ["value"]


def test_verify_finds_a_function_that_was_changed(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(2), customers())
    assert db.verify("value").equal == 200
    connection.execute("""
        CREATE OR REPLACE FUNCTION predict_versions.value_v1(tenure float8, spend float8)
        RETURNS float8 LANGUAGE sql IMMUTABLE RETURN 2 * (tenure + spend) + (tenure = 3)::int
    """)
    result = db.verify("value")
    assert (result.rows, result.equal, result.differing) == (200, 197, 3)
    worst = db.worst_rows("value", at_most=2)
    assert [row.inputs["tenure"] for row in worst] == ["3.0", "3.0"]
    assert worst[0].row_number == 2
    assert worst[0].expected is not None
    assert worst[0].actual is not None
    assert float(worst[0].actual) - float(worst[0].expected) == pytest.approx(1)


@pytest.mark.parametrize(("classes", "wrong"), [(2, "0.7"), (3, "ARRAY[0.5, 0.25, 0.25]")])
def test_verify_finds_a_wrong_probability_beside_a_right_label(
    db: pgpredict.Database, connection: psycopg.Connection, classes: int, wrong: str
) -> None:
    model = DecisionTreeClassifier(max_depth=2)
    model.fit(customers(), (customers()["spend"] // 84 % classes).astype(int))
    db.deploy("thirds", model, customers())
    assert db.verify("thirds").equal == 200
    returns = "float8" if classes == 2 else "float8[]"
    connection.execute(
        f"""
        CREATE OR REPLACE FUNCTION predict_versions.thirds_v1_proba(tenure float8, spend float8)
        RETURNS {returns} LANGUAGE sql IMMUTABLE RETURN {wrong}::{returns}
        """.encode()
    )
    result = db.verify("thirds")
    assert (result.rows, result.differing) == (200, 200)
    assert 0 < result.max_difference <= 1
    (worst,) = db.worst_rows("thirds", at_most=1)
    assert worst.expected == worst.actual
    assert worst.expected_probability != worst.actual_probability


def test_model_file_that_skops_cannot_write_is_told(db: pgpredict.Database) -> None:
    model = value()
    model.remark = (word for word in ("a", "generator"))
    deployed = db.deploy("value", model, customers())
    assert deployed.model_format is None
    assert "the model file is not stored" in deployed.notes[0]
    with pytest.raises(UnreadableModel, match="no model file was kept of value v1"):
        db.model_file("value")


def test_pipelines_deploy_like_models(db: pgpredict.Database) -> None:
    model = make_pipeline(StandardScaler(), LinearRegression())
    model.fit(customers(), customers().sum(axis=1))
    assert db.deploy("value", model, customers()).rows == 200

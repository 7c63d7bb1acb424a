"""Which version is live: promote, rollback, retire, from Python and from SQL alone."""

from __future__ import annotations

import psycopg
import pytest

import pgpredict
from pgpredict.errors import InUse, NothingBefore, SignatureChanged, UnknownModel
from tests.pgpredict.database.models import churn, customers, value


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


def first(connection: psycopg.Connection, query: str) -> object:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def test_view_survives_promote_and_rollback_and_gives_the_new_answers(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(1), customers(), source="customers")
    db.deploy("value", value(2), customers())
    connection.execute("""
        CREATE VIEW by_row AS SELECT id, predict.value(c) AS worth FROM customers c;
        CREATE VIEW by_name AS
            SELECT id, predict.value(tenure, spend::float8) AS worth FROM customers;
        CREATE MATERIALIZED VIEW kept AS SELECT sum(predict.value(c)) AS worth FROM customers c;
    """)
    for view in ("by_row", "by_name"):
        question = f"SELECT worth FROM {view} WHERE id = 10"
        assert first(connection, question) == pytest.approx(22.5)
        assert first(connection, "SELECT pgpredict.promote('value', 2)") == 2
        assert first(connection, question) == pytest.approx(45)
        assert first(connection, "SELECT pgpredict.rollback('value')") == 1
        assert first(connection, question) == pytest.approx(22.5)
    before = first(connection, "SELECT worth FROM kept")
    db.promote("value", 2)
    connection.execute("REFRESH MATERIALIZED VIEW kept")
    assert first(connection, "SELECT worth FROM kept") == pytest.approx(2 * float(str(before)))


def test_prepared_statement_follows_a_promotion(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(1), customers(), source="customers")
    db.deploy("value", value(2), customers())
    connection.execute("""
        PREPARE ask AS SELECT predict.value(c) FROM customers c WHERE id = 10;
        SET plan_cache_mode = force_generic_plan;
    """)
    assert first(connection, "EXECUTE ask") == pytest.approx(22.5)
    db.promote("value", 2)
    assert first(connection, "EXECUTE ask") == pytest.approx(45)


def test_second_rollback_goes_further_back(db: pgpredict.Database) -> None:
    for slope in (1, 2, 3):
        db.deploy("value", value(slope), customers(), promote=True)
    assert [db.rollback("value"), db.rollback("value")] == [2, 1]
    with pytest.raises(NothingBefore, match="no version was live before v1"):
        db.rollback("value")
    assert db.promote("value", 3) == 3
    assert db.rollback("value") == 1


def test_promoting_the_live_version_is_no_step_of_its_own(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(1), customers())
    db.deploy("value", value(2), customers(), promote=True)
    connection.execute("DROP FUNCTION predict.value(float8, float8)")
    assert db.promote("value", 2) == 2
    assert first(connection, "SELECT predict.value(1, 2)") == pytest.approx(6)
    assert db.rollback("value") == 1


def test_rollback_to_a_retired_version_is_refused(db: pgpredict.Database) -> None:
    for slope in (1, 2, 3):
        db.deploy("value", value(slope), customers(), promote=True)
    db.retire("value", 2)
    with pytest.raises(NothingBefore, match="v2, live before v3, is retired"):
        db.rollback("value")
    assert db.promote("value", 1) == 1


def test_retire_drops_the_functions_and_keeps_the_record(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("churn", churn(), customers())
    db.deploy("churn", churn(), customers(), promote=True)
    assert db.retire("churn", 1) == 1
    assert first(
        connection,
        "SELECT string_agg(proname, ' ' ORDER BY proname) FROM pg_proc "
        "WHERE pronamespace = 'predict_versions'::regnamespace",
    ) == ("churn_v2 churn_v2_proba")
    retired = db.versions()[0]
    assert retired.retired_by == connection.info.user
    assert (retired.golden_rows, retired.model_format) == (200, "skops")
    for again in (db.retire, db.promote, db.verify):
        with pytest.raises(UnknownModel, match="churn v1 is retired: its functions are gone") as e:
            again("churn", 1)
        assert e.value.do.endswith("pgpredict export churn --version 1")
    assert db.deploy("churn", churn(), customers()).version == 3


def test_retire_of_the_live_version_is_refused(db: pgpredict.Database) -> None:
    db.deploy("value", value(), customers())
    with pytest.raises(InUse, match="cannot retire value v1: it is live"):
        db.retire("value", 1)


def test_retire_lists_what_uses_the_version(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(1), customers())
    db.deploy("value", value(2), customers(), promote=True)
    connection.execute("""
        CREATE INDEX by_worth ON customers (predict_versions.value_v1(tenure, spend::float8));
        CREATE VIEW frozen AS SELECT predict_versions.value_v1(tenure, spend) FROM customers;
    """)
    with pytest.raises(InUse) as caught:
        db.retire("value", 1)
    assert caught.value.details == ("in use by: index public.by_worth, view public.frozen",)
    assert db.verify("value", 1).differing == 0
    connection.execute("DROP INDEX by_worth; DROP VIEW frozen")
    assert db.retire("value", 1) == 1


def test_changed_inputs_are_refused_with_all_that_depends_on_them(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(1), customers())
    connection.execute("""
        CREATE VIEW at_risk AS SELECT predict.value(tenure, spend) AS worth FROM customers;
        CREATE MATERIALIZED VIEW board AS SELECT predict.value(1, 2);
        CREATE TABLE orders (worth float8 DEFAULT predict.value(1, 2),
                             CONSTRAINT worthy CHECK (worth < predict.value(3, 4)));
        CREATE FUNCTION twice(x float8) RETURNS float8 RETURN 2 * predict.value(x, x);
        ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
        CREATE POLICY few ON orders USING (worth > predict.value(0, 0));
    """)
    columns = ["tenure", "region", "Größe"]
    db.deploy("value", value(columns=columns), customers(columns=columns))
    with pytest.raises(SignatureChanged) as caught:
        db.promote("value", 2)
    assert caught.value.message == (
        "cannot promote value v2: its signature differs from that of the live version"
    )
    assert caught.value.details == (
        "+ region double precision",
        '+ "Größe" double precision',
        "- spend double precision",
        "in use by: "
        + ", ".join(
            [
                "constraint worthy on table public.orders",
                "default value for column worth of table public.orders",
                "function public.twice(double precision)",
                "materialized view public.board",
                "policy few on table public.orders",
                "view public.at_risk",
            ]
        ),
    )
    assert db.models()[0].live == 1
    assert first(connection, "SELECT count(*) FROM at_risk") == 200


def test_changed_order_and_changed_answer_are_told(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("model", value(), customers())
    connection.execute("CREATE VIEW v AS SELECT predict.model(tenure, spend) FROM customers")
    turned = ["spend", "tenure"]
    db.deploy("model", value(columns=turned), customers(columns=turned))
    db.deploy("model", churn(), customers())
    with pytest.raises(SignatureChanged, match="the inputs stand in another order"):
        db.promote("model", 2)
    with pytest.raises(SignatureChanged) as caught:
        db.promote("model", 3)
    assert caught.value.details[:2] == (
        "~ the label is text, was float8",
        "~ the probability is float8, was none",
    )


def test_changed_signature_is_taken_where_nothing_depends_on_it(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(), customers(), source="customers")
    columns = ["tenure", "age"]
    db.deploy("value", value(columns=columns), customers(columns=columns), promote=True)
    assert first(connection, "SELECT predict.value(tenure => 1, age => 2)") == pytest.approx(3)
    with pytest.raises(psycopg.errors.UndefinedFunction):
        connection.execute("SELECT predict.value(c) FROM customers c")
    assert db.rollback("value") == 1
    assert first(connection, "SELECT count(predict.value(c)) FROM customers c") == 200


def test_view_by_row_survives_another_set_of_inputs(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    """The row stays the row: only the functions by name must make way."""
    connection.execute("ALTER TABLE customers ADD COLUMN age float8 DEFAULT 40")
    db.deploy("value", value(), customers(), source="customers")
    connection.execute("CREATE VIEW worth AS SELECT predict.value(c) AS worth FROM customers c")
    columns = ["tenure", "age"]
    db.deploy("value", value(columns=columns), customers(columns=columns), promote=True)
    assert first(connection, "SELECT worth FROM worth LIMIT 1") == pytest.approx(41)


def test_model_with_an_input_called_c_has_both_forms(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE letters AS SELECT 2.5 AS c")
    db.deploy("value", value(2, columns=["c"]), customers(columns=["c"]), source="letters")
    assert first(connection, "SELECT predict.value(l) FROM letters l") == pytest.approx(5)
    assert first(connection, "SELECT predict.value(c => 2.5)") == pytest.approx(5)


def test_views_are_in_the_order_of_names_and_numbers(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    for model in ("value", "value", "gain"):
        db.deploy(model, value(), customers())
    db.promote("value", 2)
    db.promote("value", 1)  # moves their rows in the table
    listed = connection.execute("SELECT model, version FROM pgpredict.versions").fetchall()
    assert listed == [("gain", 1), ("value", 1), ("value", 2)]
    assert connection.execute("SELECT name FROM pgpredict.models").fetchall() == [
        ("gain",),
        ("value",),
    ]


def test_rights_on_the_live_functions_outlive_a_changed_signature(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(), customers())
    connection.execute("""
        REVOKE EXECUTE ON FUNCTION predict.value FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION predict.value TO pg_monitor;
    """)
    db.deploy("value", value(columns=["age"]), customers(columns=["age"]), promote=True)
    assert first(
        connection,
        "SELECT has_function_privilege('pg_monitor', 'predict.value(float8)', 'EXECUTE')",
    )
    assert not first(
        connection,
        "SELECT has_function_privilege('pg_signal_backend', 'predict.value(float8)', 'EXECUTE')",
    )

"""Answers of the live functions that are stored would be wrong after a promotion: it is refused."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

import pgpredict
from pgpredict.errors import InUse
from tests.pgpredict.database.models import churn, customers, value


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


STORED = [
    ("CREATE INDEX x ON t (predict.value(tenure, spend))", "index public.x"),
    ("CREATE INDEX x ON t (predict.value(t))", "index public.x"),
    ("CREATE INDEX x ON t (id) WHERE predict.value(t) > 3", "index public.x"),
    (
        """
        CREATE TABLE parts (tenure float8, spend float8) PARTITION BY RANGE (tenure);
        CREATE TABLE part PARTITION OF parts DEFAULT;
        CREATE INDEX x ON ONLY parts (predict.value(tenure, spend));
        CREATE INDEX y ON part (predict.value(tenure, spend));
        ALTER INDEX x ATTACH PARTITION y
        """,
        "index public.x, index public.y",
    ),
    (
        """
        CREATE MATERIALIZED VIEW m AS SELECT * FROM t;
        CREATE INDEX x ON m (predict.value(tenure, spend))
        """,
        "index public.x",
    ),
    (
        """
        CREATE FUNCTION twice(a float8) RETURNS float8 STABLE RETURN 2 * predict.value(a, a);
        CREATE INDEX x ON t (twice(spend))
        """,
        "index public.x",
    ),
    (
        """
        ALTER TABLE t ADD COLUMN worth float8
            GENERATED ALWAYS AS (predict.value(tenure, spend)) STORED
        """,
        "column worth of table public.t",
    ),
    (
        "ALTER TABLE t ADD CONSTRAINT x CHECK (predict.value(t) > -9)",
        "constraint x on table public.t",
    ),
    (
        "ALTER TABLE t ADD CONSTRAINT x EXCLUDE (predict.value(tenure, spend) WITH =)",
        "constraint x on table public.t",
    ),
    (
        """
        CREATE TABLE parts (tenure float8, spend float8)
            PARTITION BY RANGE (predict.value(tenure, spend))
        """,
        "table public.parts",
    ),
    (
        "CREATE STATISTICS x ON predict.value(tenure, spend) FROM t",
        "statistics object public.x",
    ),
]


@pytest.fixture
def table(connection: psycopg.Connection) -> psycopg.Connection:
    connection.execute("CREATE TABLE t (id integer, tenure float8, spend float8)")
    return connection


@pytest.mark.parametrize(("statement", "named"), STORED)
def test_what_stores_an_answer_stops_promote_and_rollback(
    db: pgpredict.Database, table: psycopg.Connection, statement: str, named: str
) -> None:
    db.deploy("value", value(1), customers(), source="t")
    db.deploy("value", value(2), customers(), promote=True)
    table.execute(statement.encode())
    changes: dict[str, Callable[[], object]] = {
        "cannot promote value v1": lambda: db.promote("value", 1),
        "cannot roll value back to v1": lambda: db.rollback("value"),
    }
    for cannot, change in changes.items():
        with pytest.raises(InUse) as caught:
            change()
        assert caught.value.message == (
            f"{cannot}: answers of predict.value are stored, and would be wrong"
        )
        assert caught.value.details == (f"stored by: {named}",)
        assert caught.value.do.endswith(
            "on a frozen function instead: predict_versions.value_v2(…)"
        )
    assert db.models()[0].live == 2
    assert db.promote("value", 2) == 2, "the same version again changes no answer"


def test_stored_probability_stops_a_deploy_that_would_go_live(
    db: pgpredict.Database, table: psycopg.Connection
) -> None:
    db.deploy("churn", churn(), customers(), source="t")
    table.execute("CREATE INDEX x ON t (predict.churn_proba(t))")
    with pytest.raises(InUse, match=r"stored by: index public\.x"):
        db.deploy("churn", churn(), customers(), promote=True)
    assert db.deploy("churn", churn(), customers()).version == 2
    table.execute("DROP INDEX x")
    assert db.promote("churn", 2) == 2


def test_what_stores_no_answer_or_that_of_a_version_stops_nothing(
    db: pgpredict.Database, table: psycopg.Connection
) -> None:
    db.deploy("value", value(1), customers(), source="t")
    db.deploy("value", value(2), customers())
    table.execute("""
        CREATE VIEW v AS SELECT predict.value(t) FROM t;
        CREATE MATERIALIZED VIEW m AS SELECT predict.value(t) FROM t;
        CREATE TABLE orders (worth float8 DEFAULT predict.value(1, 2));
        ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
        CREATE POLICY few ON orders USING (worth > predict.value(0, 0));
        CREATE INDEX x ON t (predict_versions.value_v1(tenure, spend));
        CREATE INDEX ON t (spend) WHERE predict_versions.value_v1(tenure, spend) > 3;
    """)
    assert db.promote("value", 2) == 2
    assert db.rollback("value") == 1

"""pg_dump and pg_restore of a whole database: models come back as they were, working."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

import pgpredict
from tests.pgpredict.database.models import CUSTOMERS, churn, customers, value
from tests.sql.programs import pg_dump, pg_dump_into, pg_restore

QUESTIONS = {
    "view by row": "SELECT array_agg(s ORDER BY id) FROM at_risk",
    "view by name": "SELECT array_agg(w ORDER BY id) FROM worth",
    "generated column": "SELECT array_agg(kept ORDER BY id) FROM customers",
    "comments": "SELECT array_agg(obj_description(oid, 'pg_proc') ORDER BY oid::regprocedure::text)"
    " FROM pg_proc WHERE pronamespace = 'predict'::regnamespace",
}


def test_restored_database_answers_as_before(
    installed_dsn: str, dsn: str, db: pgpredict.Database, tmp_path: Path
) -> None:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(CUSTOMERS)
        db.deploy("churn", churn(), customers(), source="customers", metrics={"auc": 0.9})
        db.deploy("value", value(1), customers(), form="block")
        db.deploy("value", value(2), customers(), form="inline", promote=True)
        connection.execute("""
            CREATE VIEW at_risk AS SELECT id, predict.churn_proba(c) AS s FROM customers c;
            CREATE VIEW worth AS
                SELECT id, predict.value(tenure, spend::float8) AS w FROM customers;
            CREATE INDEX by_risk ON customers (
                predict_versions.churn_v1_proba(tenure, spend::float8));
            ALTER TABLE customers ADD COLUMN kept float8
                GENERATED ALWAYS AS (predict_versions.value_v1(tenure, spend::float8)) STORED;
        """)
        before = {what: connection.execute(q).fetchone() for what, q in QUESTIONS.items()}

    pg_dump_into(tmp_path / "dump", installed_dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        pg_restore(tmp_path / "dump", dsn)
        assert {what: connection.execute(q).fetchone() for what, q in QUESTIONS.items()} == before
        connection.execute("SET enable_seqscan = off")
        plan = connection.execute("""
            EXPLAIN SELECT id FROM customers
            WHERE predict_versions.churn_v1_proba(tenure, spend::float8) > 0.9
        """).fetchall()
        assert "by_risk" in str(plan)
        found = connection.execute("""
            SELECT count(*) FROM customers
            WHERE predict_versions.churn_v1_proba(tenure, spend::float8) > 0.9
        """).fetchone()
        assert found is not None
        assert found[0] == sum(churn().predict_proba(customers())[:, 1] > 0.9)
    # Not the functions' text: Postgres puts other brackets around AND each time it prints them.
    assert pg_dump(dsn, "--data-only") == pg_dump(installed_dsn, "--data-only")

    restored = pgpredict.connect(dsn)
    for model, version in (("churn", 1), ("value", 1), ("value", 2)):
        assert restored.verify(model, version).differing == 0
    assert restored.rollback("value") == 1
    assert restored.deploy("value", value(3), customers(), promote=True).version == 3
    with restored.connection() as connection:
        answer = connection.execute("SELECT w FROM worth WHERE id = 10").fetchone()
        assert answer == (pytest.approx(67.5),)

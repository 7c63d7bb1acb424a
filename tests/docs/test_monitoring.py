"""Every sql block of docs/monitoring.md runs."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

import pgpredict
from tests.pgpredict.database.models import CUSTOMERS, churn, customers

DOCUMENT = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text(encoding="utf-8")


def test_the_examples_run(db: pgpredict.Database, installed_dsn: str) -> None:
    db.deploy("churn", churn(), customers())
    blocks = re.findall(r"^```sql\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(CUSTOMERS)
        connection.execute("""
            ALTER TABLE customers ADD COLUMN changed_at timestamptz DEFAULT now() - interval '12 h';
            CREATE TABLE predict.churn_now_log AS
            SELECT id, predict.churn(tenure, spend::float8) AS prediction,
                   predict.churn_proba(tenure, spend::float8) AS probability,
                   1 AS version, now() AS at
            FROM customers
        """)
        for block in blocks:
            for statement in re.findall(r"[^;]+;", block):
                assert connection.execute(statement.encode()).fetchall()
    assert len(blocks) == 2

"""Removing a model: all of it, or nothing."""

from __future__ import annotations

import psycopg
import pytest

import pgpredict
from pgpredict.errors import InUse, UnknownModel
from tests.pgpredict.database.models import churn, customers, value

WHAT_IS_LEFT = """
    SELECT proname::text FROM pg_proc
    WHERE pronamespace IN ('predict'::regnamespace, 'predict_versions'::regnamespace)
    UNION ALL SELECT name FROM pgpredict.model
    UNION ALL SELECT model FROM pgpredict.version
    UNION ALL SELECT DISTINCT model FROM pgpredict.golden_row
    ORDER BY 1"""


def left(connection: psycopg.Connection) -> list[str]:
    return [row[0] for row in connection.execute(WHAT_IS_LEFT).fetchall()]


def test_a_model_goes_and_its_neighbour_and_the_events_stay(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("value", value(), customers(), source="customers")
    before = left(connection)
    for _ in range(3):
        db.deploy("churn", churn(), customers(), source="customers", promote=True)
    db.retire("churn", 1)
    assert db.drop("churn") == 3
    assert left(connection) == before
    assert [event.what for event in db.events("churn")][-2:] == ["retire", "drop"]
    last = db.events("churn")[-1]
    assert (last.version, last.detail) == (None, {"versions": [1, 2, 3]})
    assert last.who == connection.info.user
    with pytest.raises(UnknownModel, match="there is no model churn"):
        db.drop("churn")


def test_a_name_can_be_used_again(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    db.deploy("model", value(1), customers())
    db.deploy("model", value(2), customers(), promote=True)
    db.drop("model")
    again = db.deploy("model", churn(), customers())
    assert (again.version, again.live) == (1, True)
    with pytest.raises(pgpredict.errors.NothingBefore):
        db.rollback("model")


def test_a_model_in_use_stays_whole(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    db.deploy("churn", churn(), customers(), source="customers")
    db.deploy("churn", churn(), customers())
    connection.execute("""
        CREATE VIEW leaving AS SELECT id FROM customers c WHERE predict.churn_proba(c) < 0.5;
        CREATE INDEX by_churn ON customers (predict_versions.churn_v2(tenure, spend::float8));
    """)
    before = left(connection)
    with pytest.raises(InUse, match="cannot drop churn: something still uses") as caught:
        db.drop("churn")
    assert caught.value.details == ("in use by: index public.by_churn, view public.leaving",)
    assert left(connection) == before
    assert db.verify("churn").differing == 0
    connection.execute("DROP VIEW leaving; DROP INDEX by_churn")
    assert connection.execute("SELECT pgpredict.drop_model('churn')").fetchone() == (2,)
    assert left(connection) == []

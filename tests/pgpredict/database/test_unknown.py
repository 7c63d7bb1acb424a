"""Models and versions that are not there: what is said of them."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.errors import UnknownModel
from tests.pgpredict.database.models import customers, value


def test_unknown_models_and_versions(db: pgpredict.Database) -> None:
    db.deploy("value", value(), customers())
    with pytest.raises(UnknownModel, match="value has no version 7\n  versions: 1"):
        db.promote("value", 7)
    with pytest.raises(UnknownModel, match="there is no model churn\n  models: value"):
        db.rollback("churn")
    with pytest.raises(UnknownModel, match="there is no model churn"):
        db.verify("churn")


@pytest.mark.parametrize("version", [99_999_999_999, 2**31, 0, -1, "1; DROP", 1.5])
def test_number_that_no_version_can_have(db: pgpredict.Database, version: Any) -> None:
    for ask in (db.promote, db.retire, db.verify, db.worst_rows, db.model_file):
        with pytest.raises(UnknownModel, match=f"value has no version {version}\n  do: SELECT"):
            ask("value", version)


def test_closest_of_many_models_are_named(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("""
        INSERT INTO pgpredict.model (name)
        SELECT 'other' || n FROM generate_series(1, 50) AS n
        UNION ALL VALUES ('churn'), ('churn_emea'), ('late_churn'), ('x')
    """)
    with pytest.raises(UnknownModel) as caught:
        db.promote("churns", 1)
    assert caught.value.details == (
        "closest of 54 models: churn, churn_emea, late_churn, other1, other10",
    )


@pytest.mark.parametrize("model", ["x'; DROP TABLE pgpredict.model; --", 'x"', "", "%s"])
def test_names_reach_the_database_as_data(db: pgpredict.Database, model: str) -> None:
    with pytest.raises(UnknownModel, match="there is no model"):
        db.promote(model, 1)

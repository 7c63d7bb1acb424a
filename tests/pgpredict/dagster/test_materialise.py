"""A model goes from its training rows to its scores, and tells what people want to see."""

from __future__ import annotations

import base64

import dagster as dg
import psycopg

import pgpredict
from tests.pgpredict.dagster.shop import (
    HERE,
    attributes,
    checks,
    definitions,
    materialise,
    metadata,
    retrain,
)

PNG = b"\x89PNG"


def is_picture(markdown: str) -> bool:
    """Whether the UI would show a picture there."""
    _, _, text = markdown.removesuffix(")").partition("base64,")
    return base64.b64decode(text).startswith(PNG)


def test_from_nothing_to_the_scores_of_a_day(
    instance: dg.DagsterInstance, connection: psycopg.Connection, db: pgpredict.Database
) -> None:
    defs = definitions(attributes())

    assert retrain(defs, instance).success
    result = materialise(defs, instance, "scores", day="2026-03-05")

    assert db.models()[0].live == 1
    scored = "SELECT count(*), min(day)::text, max(day)::text, min(version) FROM buys_scores"
    assert connection.execute(scored).fetchone() == (100, "2026-03-05", "2026-03-05", 1)
    drift = checks(result)["drift"]
    assert drift.passed, drift.description
    assert is_picture(str(drift.metadata["drift"].value))
    assert {"psi max", "psi tenure", "psi spend", "psi probability"} <= drift.metadata.keys()
    told = metadata(result, "scores")
    assert (told["rows"], told["nulls"], told["version"]) == (100, 0, 1)
    assert told["dagster/partition_row_count"] == 100
    assert told["quantile 50%"] > 0


def test_training_rows_tell_what_they_are(instance: dg.DagsterInstance) -> None:
    told = metadata(
        materialise(definitions(attributes()), instance, "training_rows"), "training_rows"
    )

    assert told["dagster/row_count"] == 3000
    assert told["rows to learn"] + told["rows held out"] == 3000
    assert 500 < told["rows held out"] < 700
    assert [(c.name, c.type) for c in told["dagster/column_schema"].columns] == [
        ("id", "integer"),
        ("tenure", "integer"),
        ("spend", "numeric(10,2)"),
        ("buys", "boolean"),
        ("held_out", "boolean"),
    ]
    assert 0 < told["target true"] < 1
    assert "SELECT id, tenure, spend, buys FROM visits" in told["query"]


def test_a_version_tells_how_good_it_is(
    instance: dg.DagsterInstance, db: pgpredict.Database
) -> None:
    result = retrain(definitions(attributes()), instance)

    told = metadata(result, "version")
    assert told["version"] == 1
    assert told["roc_auc"] > 0.8
    assert told["brier"] < 0.2
    assert told["rows learnt"] + told["rows held out"] == 3000
    assert "CREATE OR REPLACE FUNCTION predict_versions.buys_v1" in told["sql"]
    assert is_picture(told["roc"])
    assert is_picture(told["calibration"])
    tags = result.asset_materializations_for_node("buys_version")[0].tags or {}
    assert tags["dagster/data_version"] == "1"
    kept = db.versions("buys")[0].metrics
    assert abs(kept["roc_auc"] - told["roc_auc"]) < 1e-9  # measured in Python, and in the database


def test_rows_that_are_held_out_are_the_same_in_every_run(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    held_out = (
        "SELECT array_agg(id ORDER BY id) FROM pgpredict_dagster.buys_training WHERE held_out"
    )
    defs = definitions(attributes())
    materialise(defs, instance, "training_rows")
    before = connection.execute(held_out).fetchone()

    connection.execute("SET DateStyle = 'German'")
    connection.execute("UPDATE visits SET spend = 0 WHERE id % 7 = 0")
    connection.execute("INSERT INTO visits VALUES (3001, '2026-03-30', 5, 5, true, 5)")
    materialise(defs, instance, "training_rows")

    after = connection.execute(held_out).fetchone()
    assert before is not None
    assert after is not None
    assert [row for row in after[0] if row <= 3000] == before[0]


def test_rows_held_out_by_a_condition_and_rows_without_a_target(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    connection.execute("UPDATE visits SET buys = NULL WHERE id <= 100")
    training = {
        "query": "SELECT day, tenure, spend, buys FROM visits -- all of them",
        "target": "buys",
        "inputs": ["tenure", "spend"],
        "held_out": "day >= '2026-03-25' -- the last days",
    }

    materialise(definitions(attributes(training=training)), instance, "training_rows")

    marks = (
        "SELECT held_out, min(day)::text, count(*) FROM pgpredict_dagster.buys_training GROUP BY 1"
    )
    assert sorted(connection.execute(marks)) == [
        (False, "2026-03-01", 2318),
        (True, "2026-03-25", 582),
    ]


def test_a_regressor_and_a_table_without_days(
    instance: dg.DagsterInstance, connection: psycopg.Connection, db: pgpredict.Database
) -> None:
    defs = definitions(
        attributes(
            training={"query": "SELECT tenure, spend, worth FROM visits", "target": "worth"},
            train=f"{HERE}.worth",
            source="visits",
            score={"source": "visits", "into": "worths"},
        )
    )

    told = metadata(retrain(defs, instance), "version")
    assert told["r2"] > 0.9
    assert is_picture(told["predicted and true"])
    assert told["kind"] == "regressor"
    job = defs.resolve_job_def("buys_score")
    for _ in range(2):  # a second run replaces the first one's scores
        assert job.execute_in_process(instance=instance).success
    assert connection.execute("SELECT count(*) FROM worths").fetchone() == (3000,)
    taken = connection.execute("SELECT count(predict.buys(v)) FROM visits v").fetchone()
    assert taken == (3000,)
    assert db.models()[0].source == "public.visits"

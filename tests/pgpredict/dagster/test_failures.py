"""What fails says what was wrong, where, and what to do; it leaves nothing half-written."""

from __future__ import annotations

import dagster as dg
import psycopg
import pytest

import pgpredict
from tests.pgpredict.dagster.shop import (
    HERE,
    attributes,
    definitions,
    failure,
    materialise,
    retrain,
)


def test_a_model_that_cannot_be_trained(
    instance: dg.DagsterInstance, db: pgpredict.Database
) -> None:
    # It would be tried again where that helps: it does not here.
    broken = attributes(train=f"{HERE}.failing", retries={"attempts": 2, "delay": 60})

    result = retrain(definitions(broken), instance, raises=False)

    told, parts = failure(result)
    assert told.startswith(f"training buys: {HERE}.failing cannot be trained")
    assert parts["where"] == "training buys"
    assert parts["why"] == "ValueError: the rows make no sense"
    assert not result.filter_events(lambda event: event.is_step_up_for_retry)
    assert db.models() == []
    assert retrain(definitions(attributes()), instance).success
    assert db.models()[0].live == 1


def test_a_model_without_an_sql_form(instance: dg.DagsterInstance, db: pgpredict.Database) -> None:
    result = retrain(definitions(attributes(train=f"{HERE}.foreign")), instance, raises=False)

    told, parts = failure(result)
    assert "GaussianProcessClassifier at pipeline['gaussianprocessclassifier']" in told
    assert parts["kind"] == "UnsupportedEstimator"
    assert db.models() == []


def test_a_training_query_that_lost_a_column(
    instance: dg.DagsterInstance, connection: psycopg.Connection, db: pgpredict.Database
) -> None:
    defs = definitions(attributes())
    retrain(defs, instance)
    connection.execute("ALTER TABLE visits RENAME spend TO spent")

    told, parts = failure(retrain(defs, instance, raises=False))

    assert told.startswith("reading the training rows of buys: ")
    assert parts["what was wrong"] == 'the database refused: column "spend" does not exist'
    rows = "SELECT count(*), count(spend) FROM pgpredict_dagster.buys_training"
    assert connection.execute(rows).fetchone() == (3000, 2940)  # those of the last run
    assert db.models()[0].latest == 1
    connection.execute("ALTER TABLE visits RENAME spent TO spend")
    assert retrain(defs, instance).success


def test_a_training_query_that_never_had_one(instance: dg.DagsterInstance) -> None:
    training = {"query": "SELECT tenure, spend FROM visits", "target": "buys"}

    told, parts = failure(
        retrain(definitions(attributes(training=training)), instance, raises=False)
    )

    assert "the training query gives no column buys" in told
    assert parts["details"] == "it gives: tenure, spend"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id, tenure, spend, buys FROM visits) AS v, (SELECT 2 AS two",
        "SELECT id, tenure, spend, buys FROM visits; DROP TABLE visits",
    ],
)
def test_a_training_query_that_is_not_one_query(
    instance: dg.DagsterInstance, connection: psycopg.Connection, query: str
) -> None:
    training = {**attributes()["training"], "query": query}

    _, parts = failure(retrain(definitions(attributes(training=training)), instance, raises=False))

    assert parts["what was wrong"].startswith("the database refused: ")
    assert connection.execute("SELECT count(*) FROM visits").fetchone() == (3000,)


def test_a_source_of_scores_that_lost_a_column(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    defs = definitions(attributes())
    retrain(defs, instance)
    materialise(defs, instance, "scores", day="2026-03-05")
    before = connection.execute("SELECT * FROM buys_scores ORDER BY id").fetchall()
    connection.execute("ALTER TABLE visits DROP COLUMN spend")

    result = materialise(defs, instance, "scores", day="2026-03-05", raises=False)

    told, parts = failure(result)
    assert told.startswith("scoring visits with buys: ")
    assert parts["kind"] == "InvalidSource"
    assert "spend" in parts["details"]
    assert connection.execute("SELECT * FROM buys_scores ORDER BY id").fetchall() == before
    connection.execute("ALTER TABLE visits ADD COLUMN spend numeric(10, 2)")
    assert materialise(defs, instance, "scores", day="2026-03-05").success


def test_no_rows_to_judge_by(instance: dg.DagsterInstance, connection: psycopg.Connection) -> None:
    connection.execute("DELETE FROM visits")

    told, parts = failure(retrain(definitions(attributes()), instance, raises=False))

    assert "the training query gives 0 rows with a target, 0 of them to be held out" in told
    assert parts["what to do"] == "mend training.query, or training.held_out"


def test_a_table_of_training_rows_that_something_depends_on(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    defs = definitions(attributes())
    retrain(defs, instance)
    connection.execute("CREATE VIEW mine AS SELECT * FROM pgpredict_dagster.buys_training")

    told, parts = failure(retrain(defs, instance, raises=False))

    assert "pgpredict_dagster.buys_training cannot be replaced" in told
    assert "view mine depends on table" in parts["details"]


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("version", "there is no table pgpredict_dagster.buys_training yet"),
        ("promoted", "there is no buys/version yet"),
    ],
)
def test_assets_out_of_order(instance: dg.DagsterInstance, key: str, why: str) -> None:
    told, _ = failure(materialise(definitions(attributes()), instance, key, raises=False))

    assert why in told


def test_scores_before_anything_is_live(instance: dg.DagsterInstance) -> None:
    defs = definitions(attributes())

    told, parts = failure(materialise(defs, instance, "scores", day="2026-03-05", raises=False))

    assert parts["kind"] == "UnknownModel"
    assert told.startswith("scoring visits with buys: ")


def test_a_source_without_a_key(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    connection.execute("ALTER TABLE visits DROP CONSTRAINT visits_pkey")
    defs = definitions(attributes())
    retrain(defs, instance)

    told, parts = failure(materialise(defs, instance, "scores", day="2026-03-05", raises=False))

    assert "visits has no primary key" in told
    assert parts["what to do"] == "name the columns that tell its rows apart in score.key"


def test_a_query_of_scores_without_a_key(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    score = {"source": "SELECT * FROM visits WHERE id < 100", "into": "some_scores"}
    defs = definitions(attributes(score=score))
    retrain(defs, instance)

    told, _ = failure(materialise(defs, instance, "scores", raises=False))

    assert "the query of score.source has no primary key" in told
    keyed = definitions(attributes(score={**score, "key": ["id"]}))
    assert materialise(keyed, instance, "scores").success
    assert connection.execute("SELECT count(*) FROM some_scores").fetchone() == (99,)

"""Which versions go live: not a worse one, not a broken one, and a rule for the first."""

from __future__ import annotations

import math

import dagster as dg
import psycopg

import pgpredict
from pgpredict.dagster.attributes import Accept, Training
from pgpredict.dagster.judging import judge
from pgpredict.dagster.keys import Keys
from pgpredict.dagster.training_table import TrainingTable
from tests.pgpredict.dagster.shop import (
    HERE,
    attributes,
    checks,
    definitions,
    failure,
    materialise,
    metadata,
    retrain,
)

GOOD = attributes()
POOR = attributes(train=f"{HERE}.poor")


def test_a_first_version_is_accepted(instance: dg.DagsterInstance, db: pgpredict.Database) -> None:
    result = retrain(definitions(POOR), instance)

    check = checks(result)["not_worse"]
    assert check.description == "no version is live yet: the first one is accepted"
    assert check.metadata["challenger"].value == 0.5
    assert metadata(result, "promoted")["live before"] == "none"
    assert db.models()[0].live == 1


def test_a_first_version_must_reach_what_every_one_must(
    instance: dg.DagsterInstance, db: pgpredict.Database
) -> None:
    bound = {"accept": {"at_least": 0.7}}
    result = retrain(definitions(POOR | bound), instance, raises=False)

    assert not result.success
    check = checks(result)["not_worse"]
    assert check.description == ("no version is live yet: roc_auc is 0.5 and must be at least 0.7")
    assert db.models()[0].live is None
    assert retrain(definitions(GOOD | bound), instance).success
    assert db.models()[0].live == 2


def test_a_better_version_goes_live(instance: dg.DagsterInstance, db: pgpredict.Database) -> None:
    retrain(definitions(POOR), instance)

    result = retrain(definitions(GOOD), instance)

    told = {name: value.value for name, value in checks(result)["not_worse"].metadata.items()}
    assert told["champion"] == 0.5
    assert told["champion version"] == 1
    assert float(str(told["challenger"])) > 0.8
    assert told["difference"] == float(str(told["challenger"])) - 0.5
    assert metadata(result, "promoted") == {
        "version": 2,
        "live before": "v1",
        "call": "predict.buys",
    }
    assert db.models()[0].live == 2


def test_a_worse_version_is_not_promoted_and_the_check_says_why(
    instance: dg.DagsterInstance, db: pgpredict.Database
) -> None:
    retrain(definitions(GOOD), instance)

    result = retrain(definitions(POOR), instance, raises=False)

    assert not result.success
    check = checks(result)["not_worse"]
    assert not check.passed
    assert check.description is not None
    assert check.description.startswith("v2 has roc_auc 0.5, v1, which is live, 0.8")
    assert check.description.endswith("0 is allowed")
    assert checks(result)["golden_rows"].passed
    assert not result.asset_materializations_for_node("buys_promoted")
    assert db.models()[0].live == 1
    assert db.models()[0].latest == 2


def test_how_much_worse_it_may_be_is_said_in_the_yaml(
    instance: dg.DagsterInstance, db: pgpredict.Database
) -> None:
    retrain(definitions(GOOD), instance)

    assert retrain(definitions(POOR | {"accept": {"not_worse_by": 0.5}}), instance).success

    assert db.models()[0].live == 2


def test_nan_lets_nothing_go_live(instance: dg.DagsterInstance, db: pgpredict.Database) -> None:
    retrain(definitions(GOOD), instance)
    retrain(definitions(POOR), instance, raises=False)
    training = Training(**GOOD["training"])
    # Not even where it gets past the attributes, which refuse it.
    accept = Accept.model_construct(not_worse_by=math.nan)

    verdict = judge(db, TrainingTable(Keys("buys"), training), accept, 2)

    assert verdict.difference is not None
    assert verdict.difference < 0
    assert not verdict.accepted


def test_less_is_better_for_a_loss(instance: dg.DagsterInstance, db: pgpredict.Database) -> None:
    loss = {"accept": {"metric": "log_loss", "at_least": 0.6}}
    retrain(definitions(GOOD | loss), instance)

    result = retrain(definitions(POOR | loss), instance, raises=False)

    check = checks(result)["not_worse"]
    assert "worse by" in (check.description or "")
    assert float(str(check.metadata["difference"].value)) < 0
    assert db.models()[0].live == 1


def test_a_version_that_was_refused_is_not_promoted_by_a_click_either(
    instance: dg.DagsterInstance, db: pgpredict.Database
) -> None:
    retrain(definitions(GOOD), instance)
    retrain(definitions(POOR), instance, raises=False)

    told, parts = failure(materialise(definitions(POOR), instance, "promoted", raises=False))

    assert told.startswith("promoting buys: v2 is not accepted")
    assert parts["what to do"] == "if you mean it: SELECT pgpredict.promote('buys', 2)"
    assert db.models()[0].live == 1


def test_promotion_can_be_repeated(instance: dg.DagsterInstance, db: pgpredict.Database) -> None:
    defs = definitions(GOOD)
    retrain(defs, instance)
    before = db.events("buys")

    assert materialise(defs, instance, "promoted").success

    assert db.events("buys") == before


def test_a_version_whose_golden_rows_differ_stops_the_run(
    instance: dg.DagsterInstance, db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    retrain(definitions(GOOD), instance)
    # Its checks are another run's, and in between somebody replaces its function.
    again = dg.define_asset_job(
        "again",
        dg.AssetSelection.assets("buys/promoted")
        | dg.AssetSelection.checks_for_assets("buys/version"),
    )
    defs = dg.Definitions.merge(definitions(GOOD), dg.Definitions(jobs=[again]))
    materialise(defs, instance, "version")
    connection.execute(
        "CREATE OR REPLACE FUNCTION predict_versions.buys_v2(tenure float8, spend float8) "
        "RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN tenure > 40"
    )

    result = defs.resolve_job_def("again").execute_in_process(
        instance=instance, raise_on_error=False
    )

    assert not result.success
    check = checks(result)["golden_rows"]
    assert not check.passed
    assert check.blocking
    assert "| row | python | database | spend | tenure |" in str(check.metadata["worst rows"].value)
    assert not result.asset_materializations_for_node("buys_promoted")
    told, _ = failure(materialise(defs, instance, "promoted", raises=False))
    assert "golden rows of v2 differ from Python" in told
    assert db.models()[0].live == 1


def test_a_version_of_other_inputs_is_compared_on_what_the_query_gives(
    instance: dg.DagsterInstance, db: pgpredict.Database
) -> None:
    retrain(definitions(GOOD), instance)
    fewer = {"query": "SELECT id, tenure, buys FROM visits", "target": "buys", "key": ["id"]}

    result = retrain(definitions(GOOD | {"training": fewer}), instance, raises=False)

    why = checks(result)["not_worse"].description or ""
    assert why.startswith("v2 cannot be compared with v1, which is live: ")
    assert "spend" in why
    # With the column in the query, and not among the inputs, they can be compared.
    training = {**GOOD["training"], "inputs": ["tenure"]}
    result = retrain(definitions(GOOD | {"training": training}), instance, raises=False)
    assert "v3 has roc_auc" in (checks(result)["not_worse"].description or "")
    assert db.models()[0].latest == 3


def test_versions_that_cannot_be_compared_are_not_promoted(
    instance: dg.DagsterInstance, db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    """Of rows with one label only, there is no ROC curve: neither is better, nor not worse."""
    held_out = GOOD | {"training": {**GOOD["training"], "held_out": "id % 5 = 0"}}
    retrain(definitions(held_out), instance)
    connection.execute("UPDATE visits SET buys = true WHERE id % 5 = 0")

    result = retrain(definitions(held_out), instance, raises=False)

    why = checks(result)["not_worse"].description or ""
    assert "roc_auc cannot be measured on the 600 rows held out that both answer" in why
    assert db.models()[0].live == 1


def test_a_first_version_that_cannot_be_measured_does_not_reach_what_it_must(
    instance: dg.DagsterInstance, db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("UPDATE visits SET buys = true WHERE id % 5 = 0")
    training = {**GOOD["training"], "held_out": "id % 5 = 0"}
    bound = GOOD | {"training": training, "accept": {"at_least": 0.6}}

    result = retrain(definitions(bound), instance, raises=False)

    assert checks(result)["not_worse"].description == (
        "no version is live yet: roc_auc cannot be measured on these rows and must be at least 0.6"
    )
    assert db.models()[0].live is None


def test_a_version_that_leaves_rows_unanswered_is_not_promoted(
    instance: dg.DagsterInstance, db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    retrain(definitions(GOOD), instance)
    some = {**GOOD["training"], "query": "SELECT * FROM visits WHERE spend > 0 OR id % 5 = 0"}
    picky = GOOD | {
        "training": {**some, "inputs": ["tenure", "spend"], "held_out": "id % 5 = 0"},
        "train": f"{HERE}.picky",
    }
    connection.execute("UPDATE visits SET spend = 1 WHERE spend IS NULL AND id % 5 > 0")

    result = retrain(definitions(picky), instance, raises=False)

    why = checks(result)["not_worse"].description or ""
    assert why == ("v2 answers NULL to 10.0% of the rows held out, v1, which is live, to 0.0%")
    assert db.models()[0].live == 1

"""What a YAML makes, what it refuses, and the one to begin with."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster.components.resolved.errors import ResolutionException
from dagster.components.testing import create_defs_folder_sandbox
from pydantic import ValidationError

import pgpredict
from pgpredict.dagster import PgPredict, ServedModel
from pgpredict.dagster.attributes import Accept
from pgpredict.dagster.component import ServedModel as Component
from tests.pgpredict.dagster.shop import HERE, attributes, definitions

DAILY = attributes()["score"]


def names(defs: dg.Definitions) -> set[str]:
    """The keys of all assets."""
    return {key.to_user_string() for key in defs.resolve_all_asset_keys()}


def test_all_that_a_model_gets() -> None:
    defs = definitions(
        attributes(
            retrain="0 * * * *",
            score={**attributes()["score"], "schedule": "30 2 * * *"},
            streams=["buys_now"],
            learners=["buys_online"],
        )
    )

    assert names(defs) == {
        "buys/training_rows",
        "buys/version",
        "buys/promoted",
        "buys/scores",
        "predict/buys",
        "predict/buys_now_live",
        "predict/buys_online",
    }
    graph = defs.resolve_asset_graph()
    assert {graph.get(key).group_name for key in graph.get_all_asset_keys()} == {"buys"}
    assert {key.to_user_string() for key in graph.asset_check_keys} == {
        "buys/version:golden_rows",
        "buys/version:not_worse",
        "buys/scores:drift",
    }
    repository = defs.get_repository_def()
    assert {s.name for s in repository.schedule_defs} == {
        "buys_retrain_schedule",
        "buys_score_schedule",
    }
    assert {s.name for s in repository.sensor_defs} == {"buys_marks", "buys_retrain_on_drift"}
    scores = graph.get(dg.AssetKey(["buys", "scores"]))
    assert scores.pools == {"pgpredict_buys"}
    assert scores.partitions_def == dg.DailyPartitionsDefinition("2026-03-01", timezone="UTC")


def test_a_model_without_scores() -> None:
    defs = definitions(attributes(score=None))

    assert names(defs) == {"buys/training_rows", "buys/version", "buys/promoted", "predict/buys"}
    assert [sensor.name for sensor in defs.get_repository_def().sensor_defs] == ["buys_marks"]


def test_two_models_and_assets_of_the_project_in_one_graph() -> None:
    shop = dg.Definitions(assets=[dg.AssetSpec("visits")])
    training = {**attributes()["training"], "deps": ["visits"]}
    worth = {"query": "SELECT tenure, worth FROM visits", "target": "worth"}
    defs = dg.Definitions.merge(
        shop,
        definitions(attributes(training=training, owners=["team:growth"], tags={"tier": "1"})),
        definitions(attributes(model="worth", training=worth, train=f"{HERE}.worth", score=None)),
    )

    graph = defs.resolve_asset_graph()
    rows = graph.get(dg.AssetKey(["buys", "training_rows"]))
    assert rows.parent_keys == {dg.AssetKey("visits")}
    assert rows.owners == ["team:growth"]
    assert rows.tags["tier"] == "1"
    assert dg.AssetKey(["worth", "version"]) in graph.get_all_asset_keys()


def test_a_resource_of_the_project(
    instance: dg.DagsterInstance, installed_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPREDICT_DSN", "postgresql://me@127.0.0.1:1/nowhere")
    monkeypatch.setenv("SHOP_DSN", installed_dsn)
    shop = PgPredict(dsn=dg.EnvVar("SHOP_DSN"))
    defs = dg.Definitions.merge(
        definitions(attributes(resource="shop")), dg.Definitions(resources={"shop": shop})
    )

    result = defs.resolve_job_def("buys_retrain").execute_in_process(instance=instance)

    assert result.success
    assert "pgpredict" not in (definitions(attributes(resource="shop")).resources or {})


def test_the_schema_is_made_where_there_is_none(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with PgPredict(dsn=dsn).database() as db:
        assert db.models() == []
    with pgpredict.connect(dsn) as db:
        assert db.models() == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model": "Buys"}, "Buys"),
        ({"candidates": [f"{HERE}.tree"]}, "say either train or candidates"),
        ({"train": None}, "say either train or candidates"),
        ({"training": {"query": "SELECT 1"}}, "target"),
        ({"training": {"query": "x", "target": "y", "held_out": 1.5}}, "a share between 0 and 1"),
        ({"score": {"source": "s", "into": "t", "partition_by": "day"}}, "also say start"),
        (
            {"score": {"source": "s", "into": "t", "partition_by": "day", "start": "yesterday"}},
            "yesterday",
        ),
        ({"retrian": "0 * * * *"}, "retrian"),
        ({"accept": {"not_worse_by": -1}}, "greater than or equal to 0"),
        ({"accept": {"not_worse_by": math.nan}}, "(?s)not_worse_by.*greater than or equal to 0"),
        ({"accept": {"at_least": math.nan}}, "(?s)at_least.*NaN"),
        ({"accept": {"metric": "bogus"}}, "(?s)metric.*there is no metric bogus.*one of roc_auc"),
        (
            {"score": {**DAILY, "end": "2025-01-01"}},
            "end, 2025-01-01, is not behind start, 2026-03-01",
        ),
        ({"score": {**DAILY, "end": "2026-03-01"}}, "is not behind start"),
        ({"score": {**DAILY, "workers": 0}}, "(?s)workers.*1 or more"),
        ({"learners": ["twin", {"name": "twin"}]}, "learners names twin more than once"),
        ({"learners": ["A b"]}, "(?s)learners.*'A b' is no name of a learner"),
        ({"learners": [{"name": "1st"}]}, "(?s)learners.*'1st' is no name of a learner"),
        (
            {"training": {**attributes()["training"], "inputs": ["tenure", "buys"]}},
            "training.inputs names buys, which is training.target",
        ),
    ],
)
def test_what_means_nothing_is_refused_when_the_yaml_is_read(
    changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(Exception, match=why):
        definitions(attributes(**changes))


@pytest.mark.parametrize("name", ["not_worse_by", "at_least", "unanswered_by"])
def test_nan_is_refused_from_python_as_well(name: str) -> None:
    with pytest.raises(ValidationError, match=f"(?s){name}.*NaN"):
        Accept.model_validate({name: math.nan})


def test_what_is_checked_may_be_a_template(monkeypatch: pytest.MonkeyPatch) -> None:
    filled = {"END": "2026-03-03", "METRIC": "brier", "WORKERS": "2", "LEARNER": "twin"}
    for name, value in filled.items():
        monkeypatch.setenv(name, value)
    score = {**DAILY, "end": "{{ env.END }}", "workers": "{{ env.WORKERS }}"}

    defs = definitions(
        attributes(
            accept={"metric": "{{ env.METRIC }}"}, score=score, learners=["{{ env.LEARNER }}"]
        )
    )

    assert "predict/twin" in names(defs)
    with monkeypatch.context() as other:
        other.setenv("END", "2026-02-01")
        with pytest.raises(ResolutionException, match="is not behind start"):
            definitions(attributes(score=score))


def test_a_yaml_on_disk_with_names_beside_it(
    instance: dg.DagsterInstance, db: pgpredict.Database
) -> None:
    usual = attributes(train=".models.train")
    # A date without quotes is a date in YAML.
    text = yaml.safe_dump({"type": "pgpredict.dagster.ServedModel", "attributes": usual})
    text = text.replace("'2026-03-01'", "2026-03-01")
    assert "start: 2026-03-01\n" in text
    with create_defs_folder_sandbox() as sandbox:
        folder = sandbox.defs_folder_path / "buys"
        folder.mkdir()
        (folder / "defs.yaml").write_text(text)
        (folder / "models.py").write_text(f"from {HERE} import good as train\n")
        with sandbox.build_all_defs() as defs:
            job = defs.resolve_job_def("buys_retrain")
            assert job.execute_in_process(instance=instance).success

    assert db.models()[0].live == 1


def test_the_yaml_to_begin_with_loads_and_runs_when_it_is_filled_in(
    instance: dg.DagsterInstance, db: pgpredict.Database
) -> None:
    with create_defs_folder_sandbox() as sandbox:
        folder = sandbox.scaffold_component(Component, "buys")
        yaml_file = folder / "defs.yaml"
        with sandbox.build_all_defs() as defs:
            assert "buys/version" in names(defs)
        text = yaml_file.read_text()
        for line, filled in {
            "SELECT * FROM my_table": "SELECT id, tenure, buys FROM visits",
            "target: my_target": "target: buys",
            "    # key: [id] ": "    key: [id] ",
            "my_table": "visits",
            "my_scores": "buys_scores",
            "2026-01-01": "2026-03-01",
        }.items():
            assert line in text
            text = text.replace(line, filled)
        yaml_file.write_text(uncommented(text, "retrain", "score"))
        with sandbox.build_all_defs() as defs:
            assert (
                defs.resolve_job_def("buys_retrain").execute_in_process(instance=instance).success
            )
            scored = defs.resolve_job_def("buys_score").execute_in_process(
                instance=instance, partition_key="2026-03-05"
            )

    assert scored.success
    assert db.models()[0].live == 1


def uncommented(text: str, *names: str) -> str:
    """A YAML in which some attributes, and what is indented below them, are comments no more."""
    lines, inside = [], False
    for line in text.splitlines():
        if line.startswith("  # ") and not line.startswith("  #   "):
            inside = line.removeprefix("  # ").partition(":")[0] in names
        lines.append(line.replace("# ", "", 1) if inside and line.startswith("  # ") else line)
    return "\n".join(lines)


def test_the_yaml_to_begin_with_is_named_as_its_folder() -> None:
    with create_defs_folder_sandbox() as sandbox:
        folder: Path = sandbox.scaffold_component(Component, "Late Flights")

        given = yaml.safe_load((folder / "defs.yaml").read_text())

    assert given["attributes"]["model"] == "late_flights"
    assert (folder / "train.py").name == "train.py"


def test_every_attribute_is_described() -> None:
    """Editors show this, and ``dg docs``."""
    model = ServedModel.get_model_cls()
    assert model is not None
    schema = model.model_json_schema()

    undescribed = [
        f"{part}.{name}"
        for part, found in {"ServedModel": schema, **schema["$defs"]}.items()
        for name, described in found["properties"].items()
        if not described.get("description")
    ]

    assert undescribed == []

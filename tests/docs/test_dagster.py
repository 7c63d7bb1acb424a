"""docs/dagster.md names every attribute of a ServedModel, and its YAML loads."""

from __future__ import annotations

import re
from pathlib import Path

import dagster as dg
import yaml

from pgpredict.dagster import ServedModel

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "dagster.md").read_text(encoding="utf-8")
REFERENCE = DOCUMENT[DOCUMENT.index("\n## Attributes\n") : DOCUMENT.index("\n## The database\n")]
# A row of a table names one attribute, or several that need no more words.
ROW = re.compile(r"^\| ((?:`\w+`(?:, )?)+) \|", re.MULTILINE)


def test_every_attribute_is_there_and_no_other() -> None:
    model = ServedModel.get_model_cls()
    assert model is not None
    schema = model.model_json_schema()
    known = [name for part in [schema, *schema["$defs"].values()] for name in part["properties"]]

    named = [name for row in ROW.findall(REFERENCE) for name in re.findall(r"\w+", row)]

    assert sorted(named) == sorted(known)


def test_the_yaml_loads() -> None:
    (text,) = [
        block for block in re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL) if "type:" in block
    ]
    component = ServedModel.resolve_from_dict(yaml.safe_load(text)["attributes"])

    defs = component.build_defs(dg.ComponentTree.for_test().load_context)

    assert dg.AssetKey(["late", "scores"]) in defs.resolve_all_asset_keys()
    assert {schedule.name for schedule in defs.get_repository_def().schedule_defs} == {
        "late_retrain_schedule",
        "late_score_schedule",
    }


def test_every_setting_of_the_deployment_is_explained() -> None:
    settings = yaml.safe_load((ROOT / "dagster_project" / "dagster.yaml").read_text("utf-8"))
    section = DOCUMENT[DOCUMENT.index("\n## In production\n") :]

    explained = {name for row in ROW.findall(section) for name in re.findall(r"\w+", row)}
    explained |= set(re.findall(r"^\| `(\w+):", section, re.MULTILINE))

    assert set(settings) - explained == set()

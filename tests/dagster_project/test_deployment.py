"""All processes, as ``make dagster`` runs them, and their UI in a browser."""

from __future__ import annotations

import json
import urllib.request

import dagster as dg
import psycopg
import pytest

from tests.dagster_project import browser


def test_the_ui_has_the_project(address: str) -> None:
    query = {"query": "{ assetNodes { assetKey { path } } }"}
    asked = urllib.request.Request(
        f"{address}/graphql", json.dumps(query).encode(), {"Content-Type": "application/json"}
    )

    with urllib.request.urlopen(asked, timeout=30) as answer:
        nodes = json.load(answer)["data"]["assetNodes"]

    assert ["late", "scores"] in [node["assetKey"]["path"] for node in nodes]


@pytest.mark.skipif(browser.CHROMIUM is None, reason="there is no Chromium: apt install chromium")
def test_a_model_is_trained_and_a_day_scored_by_clicking(
    address: str, flights_dsn: str, project: dg.Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPREDICT_DSN", flights_dsn)
    land(project, "2013-12-23")  # the deployment's worker learns it, and its sensor tells
    with browser.opened(address) as page:
        browser.see_the_graph(page)

        browser.launch(page, "late_retrain")
        browser.see_check_pass(page, "late/version", "golden_rows")
        browser.see_check_pass(page, "late/version", "not_worse")
        browser.see_picture(page, "late/version", "roc")

        browser.launch(page, "late_score", day="2013-12-23")
        browser.see_check_pass(page, "late/scores", "drift")
        browser.see_picture(page, "late/scores?view=checks", "drift")

        browser.see_learner(page, "late_online")

    with psycopg.connect(flights_dsn) as connection:
        days = connection.execute("SELECT DISTINCT scheduled::date FROM nycflights.late_by_day")
        assert [str(day) for (day,) in days] == ["2013-12-23"]


def land(project: dg.Definitions, day: str) -> None:
    """Let the flights of a day land, without the UI."""
    with dg.DagsterInstance.ephemeral() as instance:
        project.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(["nycflights", "landed"])],
            partition_key=day,
        )

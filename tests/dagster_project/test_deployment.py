"""All processes, as ``make dagster`` runs them, and their UI in a browser."""

from __future__ import annotations

import json
import urllib.request

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
def test_a_model_is_trained_and_a_day_scored_by_clicking(address: str, flights_dsn: str) -> None:
    with browser.opened(address) as page:
        browser.see_the_graph(page)

        browser.launch(page, "late_retrain")
        browser.see_check_pass(page, "late/version", "golden_rows")
        browser.see_check_pass(page, "late/version", "not_worse")
        browser.see_picture(page, "late/version", "roc")

        browser.launch(page, "late_score", day="2013-12-23")
        browser.see_check_pass(page, "late/scores", "drift")
        browser.see_picture(page, "late/scores?view=checks", "drift")

    with psycopg.connect(flights_dsn) as connection:
        days = connection.execute("SELECT DISTINCT scheduled::date FROM nycflights.late_by_day")
        assert [str(day) for (day,) in days] == ["2013-12-23"]

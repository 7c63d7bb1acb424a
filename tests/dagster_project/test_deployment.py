"""All processes, as ``make dagster`` runs them, and their UI in a browser."""

from __future__ import annotations

import signal
from datetime import date, timedelta

import dagster as dg
import psutil
import psycopg
import pytest

from tests.dagster_project import browser, graphql

# One deployment for all of them.
pytestmark = pytest.mark.xdist_group("deployment")

THIRTY_DAYS = [str(date(2013, 11, 20) + timedelta(n)) for n in range(30)]
PARTITIONS = "SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass(%s)"


def test_the_ui_has_the_project(address: str) -> None:
    nodes = graphql.ask(address, "{ assetNodes { assetKey { path } } }")

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


def test_a_backfill_that_is_killed_half_way_is_resumed(address: str, flights_dsn: str) -> None:
    with psycopg.connect(flights_dsn, autocommit=True) as connection:
        if connection.execute("SELECT FROM pgpredict.models WHERE name = 'late'").rowcount == 0:
            graphql.run(address, "late_retrain")

        def days() -> int:
            (count,) = connection.execute(PARTITIONS, ["nycflights.late_by_day"]).fetchone() or (0,)
            return int(count)

        before = days()
        backfill = graphql.launch_backfill(address, ["late", "scores"], THIRTY_DAYS)
        graphql.until(lambda: days() >= before + 12, True, pause=0.005)
        kill_the_run()
        killed_at = days()

        assert graphql.outcome_of_backfill(address, backfill) == "COMPLETED_SUCCESS"

        assert before + 12 <= killed_at < before + 30
        assert (
            connection.execute(
                """SELECT count(*), count(DISTINCT f.id), count(DISTINCT f.scheduled::date),
                      bool_and(s.prediction IS NOT DISTINCT FROM predict.late(f))
               FROM nycflights.flights AS f
               LEFT JOIN nycflights.late_by_day AS s USING (id, scheduled)
               WHERE f.scheduled::date = ANY (%s::date[])""",
                [THIRTY_DAYS],
            ).fetchone()
            == connection.execute(
                """SELECT count(*), count(DISTINCT id), 30, true FROM nycflights.late_by_day
               WHERE scheduled::date = ANY (%s::date[])""",
                [THIRTY_DAYS],
            ).fetchone()
        )


def kill_the_run() -> None:
    """Kill the processes in which the deployment's code server runs what was launched."""
    servers = [p for p in psutil.Process().children(recursive=True) if "grpc" in p.cmdline()]
    runs = [
        child
        for server in servers
        for child in server.children(recursive=True)
        if any("spawn_main" in word for word in child.cmdline())
    ]
    assert runs
    for process in runs:
        process.send_signal(signal.SIGKILL)


def land(project: dg.Definitions, day: str) -> None:
    """Let the flights of a day land, without the UI."""
    with dg.DagsterInstance.ephemeral() as instance:
        project.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(["nycflights", "landed"])],
            partition_key=day,
        )

"""Training every hour and scoring every night, with nobody there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import psycopg

import pgpredict
from tests.pgpredict.dagster.daemon import Daemon
from tests.pgpredict.dagster.shop import HERE, attributes, definitions, metadata

BEGIN = datetime(2026, 3, 30, 22, 30, tzinfo=UTC)
SCORE = {**attributes()["score"], "schedule": "30 2 * * *"}


def test_a_night_unattended(
    instance: dg.DagsterInstance, connection: psycopg.Connection, db: pgpredict.Database
) -> None:
    small = {"query": "SELECT id, tenure, buys FROM visits WHERE id <= 400", "target": "buys"}
    daemon = Daemon(
        definitions(
            attributes(
                training=small | {"key": ["id"]},
                train=f"{HERE}.logistic_of",
                retrain="0 * * * *",
                score=SCORE,
                accept={"not_worse_by": 0.05},
            )
        ),
        instance,
    )

    results = daemon.unattended(BEGIN, hours=5)

    hours = ["buys_retrain"] * 4  # at 23, 0, 1 and 2 o'clock
    assert [result.job_def.name for result in results] == [*hours, "buys_score", "buys_retrain"]
    assert all(result.success for result in results)
    versions = db.versions("buys")
    assert [version.version for version in versions] == [1, 2, 3, 4, 5]
    assert [version.version for version in versions if version.live] == [5]
    scored = "SELECT min(day)::text, max(day)::text, count(*), min(version) FROM buys_scores"
    # The day that ended at midnight, by the version of two o'clock.
    assert connection.execute(scored).fetchone() == ("2026-03-30", "2026-03-30", 100, 4)


def test_the_scoring_schedule_means_the_day_before(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    daemon = Daemon(definitions(attributes(score=SCORE)), instance)
    daemon.run("buys_retrain")

    results = [
        result
        for day in (3, 4, 5)
        for result in daemon.tick("buys_score_schedule", datetime(2026, 3, day, 2, 30, tzinfo=UTC))
    ]

    assert [result.dagster_run.tags["dagster/partition"] for result in results] == [
        "2026-03-02",
        "2026-03-03",
        "2026-03-04",
    ]
    assert all(result.success for result in results)


def test_the_day_is_that_of_the_place(instance: dg.DagsterInstance) -> None:
    """At 2:30 in New York it is 6:30 in Greenwich, and in Auckland the evening."""
    score = SCORE | {"timezone": "Pacific/Auckland"}
    daemon = Daemon(definitions(attributes(score=score)), instance)
    evening = datetime(2026, 3, 3, 13, 30, tzinfo=UTC)  # 2:30 on March 4 there

    (request,) = daemon.due("buys_score_schedule", evening).run_requests or []

    schedule = daemon.defs.resolve_schedule_def("buys_score_schedule")
    assert schedule.execution_timezone == "Pacific/Auckland"
    assert request.partition_key == "2026-03-03"


def test_nothing_is_scored_before_the_first_day_is_over(instance: dg.DagsterInstance) -> None:
    daemon = Daemon(definitions(attributes(score=SCORE)), instance)

    said = daemon.due("buys_score_schedule", datetime(2026, 3, 1, 2, 30, tzinfo=UTC))

    assert said.run_requests == []
    assert said.skip_message == "the first day, 2026-03-01, is not over yet"


def test_a_table_without_days_is_scored_as_a_whole(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    whole = {"source": "visits", "into": "all_scores", "schedule": "*/10 * * * *"}
    daemon = Daemon(definitions(attributes(score=whole)), instance)
    daemon.run("buys_retrain")

    results = daemon.unattended(BEGIN, hours=1)

    assert len(results) == 6
    assert metadata(results[-1], "scores")["rows"] == 3000
    assert connection.execute("SELECT count(*) FROM all_scores").fetchone() == (3000,)


def test_after_a_worse_hour_the_next_one_goes_on(
    instance: dg.DagsterInstance, db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    daemon = Daemon(definitions(attributes(retrain="0 * * * *")), instance)
    assert daemon.run("buys_retrain").success
    # For an hour the labels are nonsense, except where versions are judged.
    held_out = "SELECT id FROM pgpredict_dagster.buys_training WHERE held_out"
    nonsense = f"UPDATE visits SET buys = NOT buys WHERE id NOT IN ({held_out})"
    connection.execute(nonsense)
    (worse,) = daemon.unattended(BEGIN, hours=1)
    connection.execute(nonsense)
    (good,) = daemon.unattended(BEGIN + timedelta(hours=1), hours=1)

    assert (worse.success, good.success) == (False, True)
    assert [v.version for v in db.versions("buys") if v.live] == [3]

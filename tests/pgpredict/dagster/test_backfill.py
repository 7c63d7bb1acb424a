"""Thirty days at once: killed half-way, resumed, and every day is there once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import dagster as dg
import psycopg
import pytest

import pgpredict
from pgpredict.errors import InUse
from tests.pgpredict.dagster.shop import attributes, definitions, materialise, retrain

DAYS = [f"2026-03-{day:02}" for day in range(1, 31)]
SCORES = dg.AssetKey(["buys", "scores"])

# What a backfill does, a run for each day, in a process of its own.
BACKFILL = """
import sys
import dagster as dg
from tests.pgpredict.dagster.test_backfill import days_alone

with dg.DagsterInstance.ephemeral() as instance:
    job = days_alone()
    for day in sys.argv[1:]:
        job.execute_in_process(instance=instance, partition_key=day)
        print(day, flush=True)
"""


def days_alone() -> dg.JobDefinition:
    """The job that scores a day, and does not look for drift."""
    selection = dg.AssetSelection.assets("buys/scores").without_checks()
    alone = dg.define_asset_job("alone", selection, executor_def=dg.in_process_executor)
    defs = dg.Definitions.merge(definitions(attributes()), dg.Definitions(jobs=[alone]))
    return defs.resolve_job_def("alone")


def complete(connection: psycopg.Connection) -> None:
    """Fail unless each visit of the thirty days has one score, in the partition of its day."""
    found = connection.execute(
        "SELECT count(*), count(DISTINCT v.id), count(DISTINCT v.day), "
        "count(*) FILTER (WHERE s.prediction = predict.buys(v.tenure, v.spend::float8)) "
        "FROM visits AS v JOIN buys_scores AS s USING (id, day)"
    ).fetchone()
    assert found == (3000, 3000, 30, 3000)
    per_day = connection.execute("SELECT count(*) FROM buys_scores GROUP BY day").fetchall()
    assert per_day == [(100,)] * 30
    tables = connection.execute(
        "SELECT count(*), count(*) FILTER (WHERE relispartition) FROM pg_class "
        "WHERE relkind IN ('r', 'p') AND relname LIKE 'buys_scores%'"
    ).fetchone()
    assert tables == (31, 30)  # the table and its days; nothing is left over


def test_a_backfill_that_is_killed_half_way_is_resumed(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    retrain(definitions(attributes()), instance)
    with subprocess.Popen(
        [sys.executable, "-c", BACKFILL, *DAYS],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as child:
        assert child.stdout is not None
        done = [child.stdout.readline().strip() for _ in range(12)]
        child.send_signal(signal.SIGKILL)  # somewhere in the thirteenth day
        done += child.stdout.read().split()
    assert done == DAYS[: len(done)]
    assert 12 <= len(done) < 30

    # What the UI offers for a backfill that was broken off: the days that are missing.
    job = days_alone()
    for day in DAYS[len(done) :]:
        assert job.execute_in_process(instance=instance, partition_key=day).success

    complete(connection)


def test_a_backfill_in_one_run(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    score = {**attributes()["score"], "backfill": "single_run"}
    defs = definitions(attributes(score=score))
    retrain(defs, instance)
    days = {
        "dagster/asset_partition_range_start": DAYS[0],
        "dagster/asset_partition_range_end": DAYS[-1],
    }

    for _ in range(2):
        result = defs.resolve_job_def("buys_score").execute_in_process(instance=instance, tags=days)
        assert result.success

    assert instance.get_materialized_partitions(SCORES) == set(DAYS)
    complete(connection)


def test_a_day_without_rows_is_scored_too(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    defs = definitions(attributes())
    retrain(defs, instance)

    assert materialise(defs, instance, "scores", day="2026-04-20").success

    assert connection.execute("SELECT count(*) FROM buys_scores").fetchone() == (0,)


def test_another_run_that_scores_into_the_table_is_waited_for(
    instance: dg.DagsterInstance,
    connection: psycopg.Connection,
    installed_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    defs = definitions(attributes(retries={"attempts": 1, "delay": 0}))
    retrain(defs, instance)
    materialise(defs, instance, "scores", day=DAYS[0])
    score = pgpredict.Database.score
    with psycopg.connect(installed_dsn) as other:

        def until_the_other_ends(db: pgpredict.Database, *given: Any, **options: Any) -> Any:
            try:
                return score(db, *given, **options)
            except InUse:
                other.commit()
                raise

        monkeypatch.setattr(pgpredict.Database, "score", until_the_other_ends)
        lock = "SELECT pg_advisory_xact_lock(hashtextextended('pgpredict.score ' || %s, 0))"
        other.execute(lock, ["public.buys_scores"])
        result = materialise(defs, instance, "scores", day=DAYS[1])

    assert result.success
    tries = result.filter_events(lambda event: event.is_step_up_for_retry)
    assert [event.step_key for event in tries] == ["buys_scores"]

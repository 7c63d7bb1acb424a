"""The project itself: it loads, everything runs, and the learner learns what has landed."""

from __future__ import annotations

import dagster as dg
import psycopg

import pgpredict
from tests.pgpredict.dagster.daemon import Daemon

DAYS = {
    "dagster/asset_partition_range_start": "2013-11-01",
    "dagster/asset_partition_range_end": "2013-12-31",
}


def test_it_has_two_models_and_a_learner_on_the_same_flights(project: dg.Definitions) -> None:
    graph = project.resolve_asset_graph()

    assert {key.to_user_string() for key in graph.materializable_asset_keys} == {
        "nycflights/flights",
        "nycflights/landed",
        *(
            f"{model}/{name}"
            for model in ("late", "delay_minutes")
            for name in ("training_rows", "version", "promoted", "scores")
        ),
    }
    readers = graph.get(dg.AssetKey(["nycflights", "flights"])).child_keys
    assert {key.to_user_string() for key in readers} == {
        "late/training_rows",
        "late/scores",
        "delay_minutes/training_rows",
        "delay_minutes/scores",
        "nycflights/landed",
    }
    learner = graph.get(dg.AssetKey(["predict", "late_online"]))
    assert learner.is_external
    assert learner.parent_keys == {dg.AssetKey(["nycflights", "landed"])}


def test_everything_runs(
    project: dg.Definitions, instance: dg.DagsterInstance, installed_dsn: str
) -> None:
    everything = project.resolve_implicit_global_asset_job_def()

    done = everything.execute_in_process(instance=instance, tags=DAYS)

    assert done.success
    assert {check.check_name: check.passed for check in done.get_asset_check_evaluations()} == {
        "golden_rows": True,
        "not_worse": True,
        "drift": True,
    }
    with psycopg.connect(installed_dsn) as connection:
        scored = connection.execute(
            """
            SELECT count(*), count(l.prediction), count(d.prediction),
                   count(DISTINCT scheduled::date)
            FROM nycflights.flights f
            JOIN nycflights.late_by_day l USING (id, scheduled)
            JOIN nycflights.delay_by_day d USING (id, scheduled)
            """
        ).fetchone()
        flights = connection.execute(
            "SELECT count(*) FROM nycflights.flights WHERE scheduled >= '2013-11-01'"
        ).fetchone()
    assert flights is not None
    assert flights[0] > 5_000
    assert scored == (*flights * 3, 61)
    learns(project, instance, installed_dsn)


def learns(project: dg.Definitions, instance: dg.DagsterInstance, dsn: str) -> None:
    """Fail unless each flight that has landed is learnt once, and the sensor tells of it."""
    landed = dg.AssetKey(["nycflights", "landed"])
    again = project.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance, tags=DAYS, asset_selection=[landed]
    )
    (event,) = again.asset_materializations_for_node("nycflights__landed")[-1:]
    assert event.metadata["new rows"].value == 0
    with pgpredict.connect(dsn) as db, db.connection() as connection:
        while db.learn("late_online"):
            pass
        flights = connection.execute(
            "SELECT count(late) FROM nycflights.flights WHERE scheduled >= '2013-11-01'"
        ).fetchone()
        learner = db.learner("late_online")
    assert (
        flights
        == (learner.rows + learner.quarantined,)
        == (event.metadata["rows of all days"].value,)
    )
    (told,) = [
        found
        for found in Daemon(project, instance).ask("late_marks").asset_events
        if found.asset_key == dg.AssetKey(["predict", "late_online"])
    ]
    assert told.metadata["rows"].value == learner.rows
    assert 0.5 < told.metadata["auc"].value < 1

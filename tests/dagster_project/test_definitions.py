"""The project itself: it loads, and one run does everything."""

from __future__ import annotations

import dagster as dg
import psycopg


def test_it_has_two_models_on_the_same_flights(project: dg.Definitions) -> None:
    graph = project.resolve_asset_graph()

    assert {key.to_user_string() for key in graph.materializable_asset_keys} == {
        "nycflights/flights",
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
    }


def test_everything_is_one_run(
    project: dg.Definitions, instance: dg.DagsterInstance, installed_dsn: str
) -> None:
    days = {
        "dagster/asset_partition_range_start": "2013-11-01",
        "dagster/asset_partition_range_end": "2013-12-31",
    }

    done = project.resolve_job_def("everything").execute_in_process(instance=instance, tags=days)

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

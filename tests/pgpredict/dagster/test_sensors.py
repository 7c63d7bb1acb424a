"""What happens in the database shows up in Dagster; drift trains again, once."""

from __future__ import annotations

import dagster as dg
import psycopg
import pytest
from sklearn.linear_model import SGDClassifier

import pgpredict
from tests.pgpredict.dagster.daemon import Daemon
from tests.pgpredict.dagster.shop import (
    HERE,
    attributes,
    checks,
    definitions,
    materialise,
    retrain,
)

LIVE = dg.AssetKey(["predict", "buys"])
MARKS = "buys_marks"


def live_versions(instance: dg.DagsterInstance) -> list[str]:
    """The versions that Dagster knows to have been live, the newest first."""
    events = instance.fetch_materializations(LIVE, limit=20).records
    found = [record.asset_materialization for record in events]
    return [event.tags["dagster/data_version"] for event in found if event and event.tags]


def test_a_rollback_done_in_sql_shows_up(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    daemon = Daemon(definitions(attributes(accept={"not_worse_by": 1.0})), instance)
    for _ in range(2):
        assert retrain(daemon.defs, instance).success
    assert len(daemon.ask(MARKS).asset_events) == 1

    connection.execute("SELECT pgpredict.rollback('buys')")
    (event,) = daemon.ask(MARKS).asset_events

    assert live_versions(instance) == ["1", "2"]
    assert event.asset_key == LIVE
    assert event.description == "v1 is live"
    assert event.metadata["by"].value == "rollback"
    assert "| rollback | 1 |" in event.metadata["events"].value


def test_what_is_not_new_is_not_told_again(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    daemon = Daemon(definitions(attributes()), instance)
    assert daemon.ask(MARKS).skip_message == "nothing is new"
    retrain(daemon.defs, instance)

    assert [len(daemon.ask(MARKS).asset_events) for _ in range(3)] == [1, 0, 0]
    materialise(daemon.defs, instance, "version")  # deployed, not live
    assert daemon.ask(MARKS).asset_events == []


def test_back_and_forth_between_two_looks_is_told(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    daemon = Daemon(definitions(attributes(accept={"not_worse_by": 1.0})), instance)
    for _ in range(2):
        retrain(daemon.defs, instance)
    daemon.ask(MARKS)

    connection.execute("SELECT pgpredict.rollback('buys')")
    connection.execute("SELECT pgpredict.promote('buys', 2)")
    (event,) = daemon.ask(MARKS).asset_events

    assert event.description == "v2 is live"
    assert "| rollback | 1 |" in event.metadata["events"].value


def test_the_marks_of_streams_are_observed(
    instance: dg.DagsterInstance, connection: psycopg.Connection, db: pgpredict.Database
) -> None:
    daemon = Daemon(definitions(attributes(streams=["buys_now"])), instance)
    retrain(daemon.defs, instance)
    db.create_stream("buys_now", "buys", "visits", "id", backfill=False)
    daemon.ask(MARKS)

    connection.execute("UPDATE visits SET tenure = tenure + 1 WHERE id <= 7")
    (waiting,) = daemon.ask(MARKS).asset_events
    db.work("buys_now")
    (done,) = daemon.ask(MARKS).asset_events

    assert waiting.asset_key == done.asset_key == dg.AssetKey(["predict", "buys_now_live"])
    assert (waiting.metadata["depth"].value, done.metadata["depth"].value) == (7, 0)
    assert done.metadata["rows"].value == 7
    assert done.metadata["dead letters"].value == 0
    assert done.metadata["lag"].value >= 0
    observed = instance.fetch_observations(waiting.asset_key, limit=10).records
    assert len(observed) == 3  # the new stream, rows that wait, rows that are done
    assert daemon.ask(MARKS).asset_events == []


def test_the_marks_of_learners_are_observed(
    instance: dg.DagsterInstance, connection: psycopg.Connection, db: pgpredict.Database
) -> None:
    daemon = Daemon(definitions(attributes(learners=["buys_online"])), instance)
    db.create_learner(
        "buys_online",
        SGDClassifier(loss="log_loss"),
        source="visits",
        features=["tenure"],
        target="buys",
    )
    daemon.ask(MARKS)

    connection.execute("INSERT INTO visits VALUES (3001, '2026-03-30', 5, 5, true, 5)")
    (waiting,) = daemon.ask(MARKS).asset_events
    db.learn("buys_online")
    (learnt,) = daemon.ask(MARKS).asset_events
    db.rollback_learner("buys_online", 0)
    (rolled_back,) = daemon.ask(MARKS).asset_events

    assert waiting.asset_key == learnt.asset_key == dg.AssetKey(["predict", "buys_online"])
    assert (waiting.metadata["depth"].value, learnt.metadata["depth"].value) == (1, 0)
    assert learnt.metadata["rows"].value == 1
    assert learnt.metadata["accuracy"].value in {0.0, 1.0}
    states = [event.tags["dagster/data_version"] for event in (waiting, learnt, rolled_back)]
    assert states == ["0", "1", "2"]
    assert rolled_back.metadata["rows"].value == 0
    assert daemon.ask(MARKS).skip_message == "nothing is new"


def test_a_database_that_is_down_is_looked_at_later(
    instance: dg.DagsterInstance, installed_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = Daemon(definitions(attributes()), instance)
    retrain(daemon.defs, instance)
    daemon.ask(MARKS)
    before = daemon.cursors[MARKS]

    with monkeypatch.context() as down:
        down.setenv("PGPREDICT_DSN", "postgresql://me@127.0.0.1:1/shop")
        said = daemon.ask(MARKS)

    assert "cannot connect to 127.0.0.1, port 1" in said.skip_message
    assert daemon.cursors[MARKS] == before
    assert daemon.ask(MARKS).asset_events == []


ON_DRIFT = "buys_retrain_on_drift"


def shift(connection: psycopg.Connection, *days: str) -> None:
    """Let the customers of some days be others than those that were learnt."""
    connection.execute("UPDATE visits SET tenure = tenure + 60 WHERE day = ANY(%s)", [list(days)])


def test_drift_is_a_warning_with_its_columns(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    defs = definitions(attributes())
    retrain(defs, instance)
    shift(connection, "2026-03-05")

    result = materialise(defs, instance, "scores", day="2026-03-05")

    assert result.success
    drift = checks(result)["drift"]
    assert not drift.passed
    assert drift.severity is dg.AssetCheckSeverity.WARN
    assert drift.description == "drifted: tenure, prediction, probability"
    assert drift.metadata["days"].value == "2026-03-05"
    psi = {
        name: float(str(value.value))
        for name, value in drift.metadata.items()
        if name.startswith("psi ")
    }
    assert psi["psi tenure"] > 1
    assert psi["psi max"] == max(psi.values())
    assert psi["psi spend"] < 0.3


def test_drift_trains_again_once_per_day(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    daemon = Daemon(definitions(attributes(accept={"not_worse_by": 1.0})), instance)
    retrain(daemon.defs, instance)
    materialise(daemon.defs, instance, "scores", day="2026-03-04")
    assert daemon.wanted(ON_DRIFT) == []

    shift(connection, "2026-03-05")
    materialise(daemon.defs, instance, "scores", day="2026-03-05")
    (request,) = daemon.wanted(ON_DRIFT)

    assert request.run_key == "drift 2026-03-05"
    assert daemon.wanted(ON_DRIFT) == []
    materialise(daemon.defs, instance, "scores", day="2026-03-05")  # scored again, drifted again
    assert daemon.wanted(ON_DRIFT) == []
    shift(connection, "2026-03-06")
    materialise(daemon.defs, instance, "scores", day="2026-03-06")
    assert [request.run_key for request in daemon.wanted(ON_DRIFT)] == ["drift 2026-03-06"]


def test_drift_of_many_days_trains_once(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    daemon = Daemon(definitions(attributes()), instance)
    retrain(daemon.defs, instance)
    days = ["2026-03-05", "2026-03-06", "2026-03-07"]
    shift(connection, *days)
    for day in days:
        materialise(daemon.defs, instance, "scores", day=day)

    assert [request.run_key for request in daemon.wanted(ON_DRIFT)] == ["drift 2026-03-07"]
    assert daemon.wanted(ON_DRIFT) == []


def test_drift_from_a_version_that_is_not_live_any_more_does_not_train(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    daemon = Daemon(definitions(attributes(accept={"not_worse_by": 1.0})), instance)
    retrain(daemon.defs, instance)
    shift(connection, "2026-03-05")
    materialise(daemon.defs, instance, "scores", day="2026-03-05")
    retrain(daemon.defs, instance)

    said = daemon.ask(ON_DRIFT)

    assert said.run_requests == []
    assert said.skip_message == "what drifted was measured against an older version than v2"


def test_no_sensor_trains_where_the_yaml_says_so(instance: dg.DagsterInstance) -> None:
    defs = definitions(attributes(drift={"retrain": False}, train=f"{HERE}.good"))

    assert [sensor.name for sensor in defs.sensors or []] == [MARKS]

"""A database that is away for a while: what is tried again, and is not done twice."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import dagster as dg
import pandas as pd
import psycopg
import pytest

import pgpredict
from pgpredict.dagster import failures, scores
from pgpredict.server import EmbeddedServer
from tests.pgpredict.dagster import shop
from tests.pgpredict.dagster.shop import (
    HERE,
    TRAINING,
    VISITS,
    attributes,
    definitions,
    failure,
    materialise,
    retrain,
)
from tests.postgres import FORGETFUL


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (psycopg.OperationalError("the connection is lost"), True),
        (psycopg.errors.DeadlockDetected("deadlock detected"), True),
        (psycopg.errors.UndefinedTable("there is no such table"), False),
        (ZeroDivisionError("division by zero"), False),
    ],
)
def test_what_may_pass_by_itself_is_tried_again(error: Exception, again: bool) -> None:
    with (
        pytest.raises(dg.Failure, match="scoring visits") as caught,
        failures.told("scoring visits"),
    ):
        raise error

    assert caught.value.allow_retries is again


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddedServer]:
    """A server of this test's own, which may be stopped under a run."""
    # pytest's own folders are closed to whom root's servers run as.
    folder = Path(tempfile.mkdtemp(prefix="pgpredict-"))
    folder.chmod(0o711)
    server = EmbeddedServer(folder / "server", settings=FORGETFUL)
    dsn = server.start().dsn
    assert dsn is not None
    monkeypatch.setenv("PGPREDICT_DSN", dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(VISITS)
    yield server
    server.stop()
    shutil.rmtree(folder)


def stop_for(server: EmbeddedServer, seconds: float) -> Timer:
    """Stop the server, and start it again after a while."""
    server.stop()
    timer = Timer(seconds, server.start)
    timer.start()
    return timer


# As by default, of which five waits bridge minutes, but in seconds.
PATIENT = {"attempts": 6, "delay": 0.2}
DOWN = 0.5


def test_a_database_that_is_down_for_a_while_during_training(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers: list[Timer] = []

    def slow(X: pd.DataFrame, y: pd.Series[Any]) -> Any:
        if not timers:
            timers.append(stop_for(server, DOWN))
        return shop.good(X, y)

    monkeypatch.setattr(shop, "worth", slow)
    defs = definitions(attributes(train=f"{HERE}.worth", retries=PATIENT))

    with dg.DagsterInstance.ephemeral() as instance:
        result = retrain(defs, instance)

    timers[0].join()
    tries = result.filter_events(lambda event: event.is_step_up_for_retry)
    assert {event.step_key for event in tries} == {"buys_version"}
    with pgpredict.connect(server.dsn) as db:
        assert [(v.version, v.live) for v in db.versions("buys")] == [(1, True)]


def test_a_database_that_is_down_for_a_while_during_scoring(
    server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    timers: list[Timer] = []

    def stopping(_: object) -> Any:
        def tell(_: object) -> None:
            if not timers:
                timers.append(stop_for(server, DOWN))

        return tell

    defs = definitions(attributes(retries=PATIENT))
    with dg.DagsterInstance.ephemeral() as instance:
        retrain(defs, instance)
        monkeypatch.setattr(scores, "_telling", stopping)
        result = materialise(defs, instance, "scores", day="2026-03-05")

    timers[0].join()
    tries = result.filter_events(lambda event: event.is_step_up_for_retry)
    assert {event.step_key for event in tries} == {"buys_scores"}
    with psycopg.connect(server.dsn) as connection:
        found = connection.execute("SELECT count(*), count(DISTINCT id) FROM buys_scores")
        assert found.fetchone() == (100, 100)
        left = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'buys_scores%'"
        assert connection.execute(left).fetchone() == (1,)


def test_a_deploy_whose_end_was_not_heard_of_is_not_done_twice(
    instance: dg.DagsterInstance, db: pgpredict.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    defs = definitions(attributes(retries={"attempts": 1, "delay": 0}))
    deployed = pgpredict.Database.deploy

    def lost(self: pgpredict.Database, *arguments: Any, **options: Any) -> Any:
        deployed(self, *arguments, **options)
        raise pgpredict.errors.NoServer("the connection to the database is lost")

    with monkeypatch.context() as patched:
        patched.setattr(pgpredict.Database, "deploy", lost)
        result = retrain(defs, instance)

    assert result.filter_events(lambda event: event.is_step_up_for_retry)
    assert [version.version for version in db.versions("buys")] == [1]
    assert db.models()[0].live == 1


def test_nobody_answers_at_all(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPREDICT_DSN", "postgresql://me@127.0.0.1:1/shop")

    result = materialise(definitions(attributes()), instance, *TRAINING, raises=False)

    told, parts = failure(result)
    assert "cannot connect to 127.0.0.1, port 1, database shop" in told
    assert parts["kind"] == "NoServer"
    assert "check the DSN" in parts["what to do"]

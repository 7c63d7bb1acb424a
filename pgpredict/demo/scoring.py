"""The whole table in SQL, the same rows by scikit-learn, and how many answers differ."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.sql import SQL, Composable, Identifier

from pgpredict.database.queries import query
from pgpredict.demo.flights import INPUTS, Flights, fetch
from pgpredict_transpiler.equality import same

MONTHS = 12


@dataclass(frozen=True)
class Comparison:
    """What came of scoring all flights twice.

    Attributes:
        rows: flights compared.
        labels: how many predictions differ.
        probabilities: how many probabilities differ by more than 1e-9 of their size.
        largest: the largest difference of two probabilities.
        postgres: seconds that the database took, writing the scores included.
        sklearn: seconds that predict and predict_proba took, the rows being in memory.
    """

    rows: int
    labels: int
    probabilities: int
    largest: float
    postgres: float
    sklearn: float

    @property
    def equal(self) -> bool:
        """Whether no answer differs."""
        return not self.labels and not self.probabilities


def by_row(model: str) -> tuple[Composable, Composable]:
    """The calls of the live functions, with the row as it is: ``predict.late(f)``."""
    label, proba = (
        SQL("{}(f)").format(Identifier("predict", model + end)) for end in ("", "_proba")
    )
    return label, proba


def by_name(model: str, version: int) -> tuple[Composable, Composable]:
    """The calls of a version's frozen functions: ``predict_versions.late_v1(f.carrier, …)``."""
    columns = SQL(", ").join(Identifier("f", name) for name in INPUTS)
    label, proba = (
        SQL("{}({})").format(Identifier("predict_versions", f"{model}_v{version}{end}"), columns)
        for end in ("", "_proba")
    )
    return label, proba


def score(
    connection: psycopg.Connection[Any],
    calls: tuple[Composable, Composable],
    advance: Callable[[], None],
) -> float:
    """Score all flights into ``nycflights.late_scores``, a statement for each month.

    Args:
        connection: to the database.
        calls: of the function that gives the label, and of the one that gives the probability.
        advance: called after each month.

    Returns:
        The seconds that the statements took.
    """
    connection.execute(query("empty_scores", "demo"))
    statement = SQL(query("score", "demo")).format(late=calls[0], late_proba=calls[1])
    begin = time.perf_counter()
    for month in range(1, MONTHS + 1):
        connection.execute(statement, {"month": month})
        advance()
    return time.perf_counter() - begin


def compare(
    connection: psycopg.Connection[Any], model: Any, flights: Flights, postgres: float
) -> Comparison:
    """Ask scikit-learn for every flight, and hold it against the scores in the database.

    Args:
        connection: to the database.
        model: the fitted pipeline.
        flights: all flights, in the order of their ids.
        postgres: what `score` returned.

    Returns:
        How many answers differ.
    """
    scores = fetch(connection, query("read_scores", "demo"))
    begin = time.perf_counter()
    label = model.predict(flights.inputs)
    probability = model.predict_proba(flights.inputs)[:, 1]
    sklearn = time.perf_counter() - begin
    equal = same(probability, scores["probability"].to_numpy())
    return Comparison(
        rows=len(scores),
        labels=int((label != scores["late"].to_numpy()).sum()),
        probabilities=int((~equal).sum()),
        largest=float(abs(probability - scores["probability"].to_numpy()).max()),
        postgres=postgres,
        sklearn=sklearn,
    )

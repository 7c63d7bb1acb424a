"""What a version says of the rows that are held out: in the database, or in Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from psycopg import Connection
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

import pgpredict
from pgpredict.batch import sources
from pgpredict.batch.statements import ask as ask_batch
from pgpredict.batch.statements import ask_one
from pgpredict.dagster.metrics import Answers, Array
from pgpredict.dagster.statements import raw, run, transaction
from pgpredict.dagster.training_table import TrainingTable


def of_version(db: pgpredict.Database, table: TrainingTable, version: int | None) -> Answers:
    """What the frozen functions of a version say of the rows that are held out.

    Args:
        db: the database.
        table: the training rows.
        version: number of the version; None: the live one.

    Returns:
        The truth and the answers, in an order that is the same for all versions. Where the version
        answers NULL, `predicted` is None or NaN.

    Raises:
        UnknownModel: no such version, or a retired one.
        InvalidSource: the rows do not fit it.
    """
    model = table.keys.model
    with transaction(db) as connection:
        found = ask_one(connection, "version", model=model, version=version)
        rows = _asked(connection, table, found)
    classes = tuple(found["classes"] or ())
    if not classes:
        numbers = pd.DataFrame(rows, columns=["actual", "predicted", "none"])
        return Answers(
            numbers["actual"].to_numpy("float64"),
            numbers["predicted"].to_numpy("float64"),
            None,
            (),
        )
    actual = _objects([row[0] for row in rows])
    predicted = _objects([row[1] for row in rows])
    probability = None
    if found["has_probability"]:
        probability = np.array([_whole(row[2], len(classes)) for row in rows], np.float64)
    return Answers(actual, predicted, probability, classes)


def _asked(
    connection: Connection[Any], table: TrainingTable, version: dict[str, Any]
) -> list[tuple[Any, ...]]:
    held = sources.find(connection, table.label)
    sources.examine(connection, held, version, ())
    alias = "held_out_row"
    passed = ask_batch(
        connection,
        "passed",
        source=held.oid,
        alias=alias,
        signature=Jsonb(version["signature"]),
    )
    arguments = SQL(", ").join(raw(row["expression"]) for row in passed)
    call = SQL("{}({})")
    target = Identifier(alias, table.training.target)
    nothing = SQL("NULL::float8")
    return run(
        connection,
        "answers",
        table=table.name,
        alias=Identifier(alias),
        actual=SQL("{}::{}").format(target, raw(version["label_type"])),
        label=call.format(raw(version["label_function"]), arguments),
        probability=call.format(raw(version["probability_function"]), arguments)
        if version["has_probability"]
        else nothing,
    ).fetchall()


def _whole(probability: float | list[float] | None, classes: int) -> list[float]:
    """A row of probabilities, in class order: of two, the database gives that of the second."""
    if probability is None:
        return [np.nan] * classes
    return probability if isinstance(probability, list) else [1 - probability, probability]


def of_estimator(estimator: Any, X: pd.DataFrame, y: pd.Series[Any]) -> Answers | None:
    """What a fitted estimator says in Python; None: it raises on one of the rows."""
    try:
        predicted = np.asarray(estimator.predict(X))
        probability = estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else None
    except Exception:  # whatever a library raises of a row that it does not take
        return None
    classes = tuple(getattr(estimator, "classes_", ()))
    return Answers(y.to_numpy(), predicted, probability, classes)


def answered(answers: Answers) -> Array:
    """The rows of which a version says something."""
    return np.asarray(~pd.isna(answers.predicted))


def chosen(answers: Answers, rows: Array) -> Answers:
    """The answers to some of the rows."""
    probability = None if answers.probability is None else answers.probability[rows]
    return Answers(answers.actual[rows], answers.predicted[rows], probability, answers.classes)


def _objects(values: list[Any]) -> Array:
    return pd.Series(values, dtype="object").infer_objects().to_numpy()

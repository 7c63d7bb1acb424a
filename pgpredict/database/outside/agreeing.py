"""Does the database answer as the estimator does?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from psycopg import sql

from pgpredict.database.learner_statements import Asking, first
from pgpredict.database.outside import teaching
from pgpredict.database.outside.numbers import beyond
from pgpredict.database.queries import query
from pgpredict.errors import GoldenRowMismatch
from pgpredict_transpiler.learning.answering.program import AnswerProgram

ROWS = 100
NEAR, NEAR_ZERO = 1e-9, 1e-12
# Beyond these there is no answer, or Python itself overflows.
LARGEST, LARGEST_PARAMETER = 1e30, 1e50


def check_agreement(cursor: Asking, name: str, estimator: Any, program: AnswerProgram) -> None:
    """Ask the database about rows of the source, and the estimator.

    Args:
        cursor: of the transaction in which the state was made.
        name: of the learner.
        estimator: of its current state; one that is not fitted is not asked.
        program: what answers for it.

    Raises:
        GoldenRowMismatch: on some rows the database answers otherwise.
    """
    if not teaching.is_fitted(estimator) or beyond(estimator, LARGEST_PARAMETER):
        return
    X = _rows(cursor, name, len(program.features))
    shares = None
    if program.probability is not None:
        shares = np.asarray(_python(estimator, X, "predict_proba"))
        is_said = np.isfinite(shares).all(axis=1)
        X, shares = X[is_said], shares[is_said]
    if len(X) == 0:
        return
    _compare(name, program, X, _answers(cursor, name, X), _python(estimator, X))
    if shares is not None:
        wanted = shares[:, 1] if len(program.classes) == 2 else shares
        _compare(name, program, X, _answers(cursor, f"{name}_proba", X), wanted.tolist())


def _compare(
    name: str, program: AnswerProgram, X: Any, given: Sequence[Any], wanted: Sequence[Any]
) -> None:
    pairs = enumerate(zip(given, wanted, strict=True))
    differing = [row for row, (sql_says, python) in pairs if not near(sql_says, python)]
    if differing:
        raise GoldenRowMismatch(
            f"learner {name}: {len(differing)} of {len(X)} rows are answered otherwise in Python",
            details=tuple(
                f"{dict(zip(program.features, X[row].tolist(), strict=True))}:"
                f" Python {wanted[row]}, SQL {given[row]}"
                for row in differing[:3]
            ),
            why="the function in the database would not answer as the estimator does",
            do="nothing was changed; please report the estimator and these rows",
        )


def near(given: Any, wanted: Any) -> bool:
    """Whether an answer is the same: labels exactly, numbers to 1e-9, 1e-12 near zero.

    Example:
        >>> near("ham", "ham"), near([1.0, 2.0], [1.0, 2.0 + 1e-8]), near(0.0, 1e-13)
        (True, False, True)
        >>> near(None, "ham")
        False
    """
    if given is None:
        return False
    if isinstance(wanted, str | bool):
        return bool(given == wanted)
    return bool(np.allclose(given, wanted, rtol=NEAR, atol=NEAR_ZERO))


def _rows(cursor: Asking, name: str, count: int) -> Any:
    """Rows of the source, and with few of them others."""
    names = first(cursor, "source_of", name=name)
    features = sql.SQL(", ").join(
        sql.SQL("{}::float8").format(sql.Identifier(feature)) for feature in names["features"]
    )
    statement = sql.SQL("SELECT ARRAY[{}] AS row FROM {} LIMIT {}").format(
        features, sql.SQL(names["source"]), ROWS
    )
    there = [row["row"] for row in cursor.execute(statement).fetchall() if None not in row["row"]]
    X = np.array(there, dtype=np.float64).reshape(len(there), count)
    X = X[(np.abs(X) <= LARGEST).all(axis=1)]
    others = np.random.default_rng(0).normal(size=(max(0, 10 - len(X)), count))
    return np.vstack([X, np.abs(others).round()])


def _answers(cursor: Asking, function: str, X: Any) -> list[Any]:
    arguments = sql.SQL(", ").join(
        sql.SQL("x.row[x.at + {}]").format(j) for j in range(1, X.shape[1] + 1)
    )
    statement = sql.SQL(query("answers", "learners")).format(
        function=sql.Identifier("predict", function), arguments=arguments
    )
    asked = {"rows": X.ravel().tolist(), "count": len(X), "width": X.shape[1]}
    return [row["answer"] for row in cursor.execute(statement, asked).fetchall()]


def _python(estimator: Any, X: Any, method: str = "") -> Sequence[Any]:
    *before, last = teaching.steps(estimator)
    with teaching.quietly():
        for step in before:
            X = step.transform(X)
        ask = getattr(last, method or "predict", None) or last.transform
        found: Sequence[Any] = np.asarray(ask(X)).tolist()
    return found

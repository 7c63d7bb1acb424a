"""A batch, or where that fails its halves: rows that cannot be learnt end up alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pgpredict.database.learner_statements import Asking, first
from pgpredict.database.outside import stored, teaching
from pgpredict.database.outside.arrays import as_array, takes_arrays
from pgpredict.database.outside.numbers import beyond, not_finite
from pgpredict.database.outside.pupil import Pupil

LARGE = 1e100


@dataclass(frozen=True)
class Part:
    """Rows to learn in one call of partial_fit.

    Attributes:
        keys: of the rows, as the history writes them.
        features: row after row.
        labels: places among the classes, or numbers; None where there are none.
    """

    keys: list[str]
    features: list[float]
    labels: list[float | None]

    def halves(self) -> tuple[Part, Part]:
        """The first half of the rows, and the others."""
        half = len(self.keys) // 2
        at = half * (len(self.features) // len(self.keys))
        return (
            Part(self.keys[:half], self.features[:at], self.labels[:half]),
            Part(self.keys[half:], self.features[at:], self.labels[half:]),
        )


@dataclass
class Outcome:
    """What became of the rows.

    Attributes:
        learnt: how many were learnt.
        keys: of the others.
        reasons: why not, one for each.
        beyond: whether parameters are so large already that none can be learnt.
    """

    learnt: int = 0
    keys: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    beyond: bool = False


def learn_part(cursor: Asking, pupil: Pupil, whole: Part, how: str) -> Outcome:
    """Learn rows, and keep each part that was learnt as a state.

    Args:
        cursor: of the transaction.
        pupil: the learner at its current state; goes on to the last that is kept.
        whole: the rows, at least one.
        how: ``learnt`` or ``unlearnt``.

    Raises:
        psycopg.Error: the database does not keep it.
        Exception: of the estimator, that no row is to blame for.
    """
    takes_arrays(cursor)
    outcome = Outcome()
    waiting = [whole]
    while waiting:
        part = waiting.pop()
        problem = _tried(cursor, pupil, part, how)
        if problem is None:
            outcome.learnt += len(part.keys)
        elif len(part.keys) == 1 or _cannot_begin(pupil, part):
            outcome.keys += part.keys
            outcome.reasons += [f"learning it fails: {problem}"] * len(part.keys)
        else:
            waiting += reversed(part.halves())
    if not outcome.learnt:
        outcome.beyond = beyond(pupil.estimator, LARGE)
    return outcome


def _cannot_begin(pupil: Pupil, part: Part) -> bool:
    """Whether halves would be too few rows to begin with."""
    return len(part.keys) < 2 * pupil.fewest and not teaching.is_fitted(pupil.estimator)


def _tried(cursor: Asking, pupil: Pupil, part: Part, how: str) -> str | None:
    """Learns a part and keeps it. Returns why that cannot be, None: it is done."""
    X = np.array(part.features, dtype=np.float64).reshape(len(part.keys), -1)
    estimator = pupil.estimator
    predicted, likely = teaching.said_before(
        estimator, X, part.labels, pupil.classes, pupil.has_shares
    )
    pupil.estimator = None
    try:
        teaching.teach(estimator, X, pupil.targets(part.labels), pupil.classes)
        wrong = not_finite(estimator)
        problem = None if wrong is None else f"{wrong} would not be finite"
    except teaching.POISON as error:
        problem = (str(error).strip() or type(error).__name__).splitlines()[0]
    if problem is not None:
        pupil.again()
        return problem
    content = stored.write(estimator)
    pupil.estimator = estimator
    kept = first(
        cursor, "keep_batch", name=pupil.name, how=how, keys=part.keys, features=X.ravel(),
        labels=as_array(part.labels), predicted=as_array(predicted), likely=as_array(likely),
        parameters=as_array(pupil.vector), model=content,
    )  # fmt: skip
    pupil.content, pupil.state, pupil.state_at = content, kept["state"], kept["state_at"]
    return None


def as_part(row: dict[str, Any]) -> Part:
    """The rows that a statement gives."""
    return Part(list(row["keys"]), list(row["features"]), list(row["labels"]))

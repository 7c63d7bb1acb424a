"""Drift of learners: their errors are fed to a detector, row after row, each once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pgpredict.database import detectors
from pgpredict.database.learner_statements import Asking, first, run
from pgpredict.database.session import Session

if TYPE_CHECKING:
    from river.drift import ADWIN


@dataclass(frozen=True)
class LearnerDrift:
    """A learner whose errors are watched. The view ``pgpredict.learner_drift``.

    Attributes:
        learner: its name.
        action: what is done when they grow: ``alert``, ``pause`` or ``reset``.
        delta: how often, about, a change is found where there is none.
        fed_state: the state up to whose batch errors were fed.
        fed_rows: how many rows those were.
        behind: how many states there are after it.
        error: mean error of the rows in the detector's window: the share of wrong classes, or the
            mean absolute error; None: nothing was fed yet.
        width: how many rows these are.
        found: how often errors grew.
        found_at: when that was found last.
        created_at: since when they are watched.
        created_by: by which role that was set.
    """

    learner: str
    action: str
    delta: float
    fed_state: int
    fed_rows: int
    behind: int
    error: float | None
    width: int | None
    found: int
    found_at: datetime | None
    created_at: datetime
    created_by: str


class LearnersDrift(Session):
    """What `pgpredict.Database` does with the drift of learners."""

    def set_learner_drift(self, name: str, action: str | None, *, delta: float = 0.002) -> bool:
        """Watch the errors of the rows that a learner is yet to learn; `pgpredict worker` does it.

        Args:
            name: name of the learner.
            action: what to do when its errors grow: ``"alert"`` notes an event and notifies,
                ``"pause"`` lets rows wait too, ``"reset"`` goes back to the last checkpoint too.
                None: they are not watched any more.
            delta: how often, about, a change is found where there is none, between 0 and 1.

        Returns:
            Whether they were watched before.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: it has no errors, or there is no such action.
        """
        with self._work() as cursor:
            found = first(cursor, "set_learner_drift", name=name, action=action, delta=delta)
        return bool(found["was_watched"])

    def feed_drift(self, name: str) -> str | None:
        """Feed what a learner has learnt since to the detector, as `pgpredict worker` does.

        Returns:
            What was done: ``alert``, ``pause``, ``reset``; None: nothing was found.

        Raises:
            UnknownLearner: there is none of this name.
            PgpredictError: river is not installed, or the detector cannot be read.
        """
        with self._work() as cursor:
            return feed(cursor, name)

    def learner_drift(self, name: str | None = None) -> list[LearnerDrift]:
        """The learners that are watched, or one of them; empty: it is not watched.

        Raises:
            UnknownLearner: there is none of this name.
        """
        with self._work() as cursor:
            if name is not None:
                run(cursor, "check", name=name)
            return [LearnerDrift(**row) for row in run(cursor, "learner_drift", name=name)]


def feed(cursor: Asking, learner: str) -> str | None:
    """Feed the errors that wait to a learner's detector, and note how far that came.

    Args:
        cursor: in a transaction, which the caller commits.
        learner: its name.

    Returns:
        What was done: ``alert``, ``pause``, ``reset``; None: nothing was found.

    Raises:
        PgpredictError: river is not installed, or the detector cannot be read.
    """
    waiting = run(cursor, "errors_to_watch", name=learner)
    if not waiting:
        return None
    kept, delta = waiting[0]["detector"], waiting[0]["delta"]
    detector = detectors.new(delta) if kept is None else detectors.read(kept)
    found = [
        change for row in waiting for change in _growths(detector, row["state"], row["errors"])
    ]
    done = first(
        cursor,
        "note_drift",
        name=learner,
        fed_state=waiting[-1]["state"],
        fed_rows=sum(len(row["errors"]) for row in waiting),
        detector=detectors.write(detector),
        error=detector.estimation,
        width=int(detector.width),
        growths=json.dumps(found),
    )["done"]
    return None if done is None else str(done)


def _growths(detector: ADWIN, state: int, errors: Sequence[float]) -> list[dict[str, Any]]:
    """Feed the errors of a batch. A learner that learns makes fewer: that is no drift."""
    found = []
    for error in errors:
        before = detector.estimation
        detector.update(error)
        if detector.drift_detected and detector.estimation > before:
            found.append({"state": state, "before": before, "after": detector.estimation})
    return found

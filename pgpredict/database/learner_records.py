"""What Database gives back of learners."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any


@dataclass(frozen=True)
class Learner:
    """A learner: where it stands, what waits. The view ``pgpredict.learners``.

    Attributes:
        name: its name, as in ``predict.<name>(…)``.
        status: ``learning``, ``paused`` or ``stopped``.
        why: why it was stopped.
        state: the number of the state that predicts.
        rows: how many rows it has learnt on the way there.
        learnt_at: when that state was made.
        depth: how many rows wait.
        oldest_age: how long the oldest of them has waited; None: none waits.
        quarantined: how many rows are in quarantine.
        estimator: what learns: ``SGDClassifier(loss='log_loss')``.
        source: qualified and quoted name of the table whose rows are learnt.
        key: names of the columns that tell its rows apart.
        target: name of the column of the label; None: no label is needed.
        features: names of the columns that are learnt from.
        classes: the labels of a classifier, as text, in scikit-learn's order.
        label_type: what ``predict.<name>`` returns.
        place: ``database`` or ``worker``.
        level: of the triggers: ``statement`` or ``row``.
        notify: whether writers wake the worker.
        retention: how many states are kept; None: all.
        created_at: when it was created.
        created_by: by which role.
        updates: of rows that were learnt: ``ignore`` or ``revise``.
        answers: whether ``predict.<name>`` exists; else only an exported estimator answers.
    """

    name: str
    status: str
    why: str | None
    state: int
    rows: int
    learnt_at: datetime
    depth: int
    oldest_age: timedelta | None
    quarantined: int
    estimator: str
    source: str
    key: list[str]
    target: str | None
    features: list[str]
    classes: list[str]
    label_type: str
    place: str
    level: str
    notify: bool
    retention: int | None
    created_at: datetime
    created_by: str
    updates: str
    answers: bool


@dataclass(frozen=True)
class LearnerState:
    """What a learner knew at a time. The view ``pgpredict.learner_states``.

    Attributes:
        learner: name of the learner.
        state: its number, from 0.
        current: whether it predicts now.
        came_from: the state before; None: the first.
        made_by: ``created``, ``imported``, ``learnt``, ``unlearnt``, ``rolled back`` or
            ``revised``: rows changed or went, and none was new.
        rows: how many rows were learnt on the way here.
        batch_rows: of them, those that the state before did not know.
        quarantined: rows of the same batch that were not learnt.
        log_loss: of the predictions of the batch before it was learnt.
        accuracy: of these, from 0 to 1.
        auc: of these; two classes with probabilities alone.
        mae: mean absolute error of these, for a regressor.
        rmse: root of the mean squared error of these.
        checkpoint: whether it is kept whatever the retention.
        at: when it was made.
        taken_back: rows that the state before knew as they were before they changed or went.
    """

    learner: str
    state: int
    current: bool
    came_from: int | None
    made_by: str
    rows: int
    batch_rows: int
    quarantined: int
    log_loss: float | None
    accuracy: float | None
    auc: float | None
    mae: float | None
    rmse: float | None
    checkpoint: bool
    at: datetime
    taken_back: int


@dataclass(frozen=True)
class Quarantined:
    """A row that was not learnt. The table ``pgpredict.quarantine``.

    Attributes:
        learner: name of the learner.
        id: its number.
        key: the row's key; empty where it could not be captured.
        content: the row as it was then; None: it was gone already.
        reason: why it was not learnt.
        at: when that was.
    """

    learner: str
    id: int
    key: str
    content: dict[str, Any] | None
    reason: str
    at: datetime

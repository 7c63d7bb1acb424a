"""Pupil: what a learner is made of, and its estimator at a state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from pgpredict.database.learner_statements import Asking, first, labels_of
from pgpredict.database.outside import stored

if TYPE_CHECKING:
    from pgpredict_transpiler.learning.answering.program import AnswerProgram


@dataclass
class Pupil:
    """A learner at a state.

    Attributes:
        name: of the learner.
        features: the names of its inputs.
        classes: the labels of a classifier, in scikit-learn's order; None: it is none.
        has_target: whether there are labels.
        program: what answers for it in SQL; None: nothing does.
        estimator: at the state; None: it is being changed, and to be read again.
        content: the same as bytes.
        state: its number.
        state_at: its time, which no other state has.
    """

    name: str
    features: tuple[str, ...]
    classes: Any
    has_target: bool
    program: AnswerProgram | None
    estimator: Any
    content: bytes
    state: int
    state_at: datetime

    @property
    def vector(self) -> list[float]:
        """The parameters that answer."""
        return [] if self.program is None else self.program.read(self.estimator).tolist()

    @property
    def has_shares(self) -> bool:
        """Whether there are probabilities."""
        return self.program is not None and self.program.probability is not None

    @property
    def fewest(self) -> int:
        """How many rows a first batch needs."""
        return 1 if self.program is None else self.program.fewest

    def again(self) -> None:
        """Read the estimator as it was."""
        self.estimator = stored.read(self.name, self.content, going_on=True)

    def targets(self, labels: Sequence[float | None]) -> Any:
        """Labels as the estimator takes them."""
        if not self.has_target:
            return None
        if self.classes is None:
            return np.array(labels, dtype=np.float64)
        return self.classes[np.array(labels, dtype=np.int64)]


def read_pupil(
    cursor: Asking, name: str, state: int, state_at: datetime, content: bytes | None = None
) -> Pupil:
    """A learner at a state.

    Args:
        cursor: of the transaction.
        name: of the learner.
        state: a number of a state whose model is kept.
        state_at: its time.
        content: the model, if it is not that of the state.

    Raises:
        UnknownLearner, InvalidLearner: there is no such learner, or state.
        UnreadableModel: this Python cannot read it, or not go on with it.
    """
    from pgpredict_transpiler.learning.answering.registry import answer_program

    made_of = first(cursor, "taught", name=name)
    if content is None:
        content = first(cursor, "model", name=name, state=state)["model"]
    estimator = stored.read(name, content, going_on=True)
    labels = labels_of(made_of["classes"], made_of["label_type"]) or None
    program = None
    if made_of["answers"]:
        program = answer_program(estimator, made_of["features"], labels)
    assert content is not None
    return Pupil(
        name=name,
        features=tuple(made_of["features"]),
        classes=None if labels is None else np.asarray(labels),
        has_target=made_of["has_target"],
        program=program,
        estimator=estimator,
        content=content,
        state=state,
        state_at=state_at,
    )

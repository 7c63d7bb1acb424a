"""An estimator as it is given: can it learn in the worker, does something in SQL answer for it?"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from pgpredict.database.outside import numbers, stored, teaching
from pgpredict.errors import UntrustedModel
from pgpredict_transpiler.errors import UnsupportedEstimator
from pgpredict_transpiler.learning.answering.program import AnswerProgram
from pgpredict_transpiler.learning.answering.registry import answer_program
from pgpredict_transpiler.learning.fitted import check_features, classes_of
from pgpredict_transpiler.learning.refusals import refuse

TRIED_ROWS = 200


@dataclass(frozen=True)
class Prepared:
    """An estimator that can learn in the worker.

    Attributes:
        estimator: with a seed wherever it had none, so that it learns the same again.
        classes: the labels of a classifier, in scikit-learn's order; empty: it is none.
        program: what answers for it in SQL; None: nothing does.
        content: the estimator as bytes.
    """

    estimator: Any
    classes: tuple[Any, ...]
    program: AnswerProgram | None
    content: bytes

    @property
    def vector(self) -> list[float]:
        """The parameters that answer."""
        return [] if self.program is None else self.program.read(self.estimator).tolist()


def learns_outside(estimator: Any) -> bool:
    """Whether it has partial_fit; a Pipeline: whether all of its steps have."""
    return not isinstance(estimator, type) and all(
        hasattr(step, "partial_fit") for step in teaching.steps(estimator)
    )


def prepare(estimator: Any, features: Sequence[str], classes: Sequence[Any] | None) -> Prepared:
    """Look whether an estimator can learn in the worker, by learning a few rows with a copy.

    Args:
        estimator: fitted or not; it is not changed.
        features: the names of its inputs.
        classes: every label that a classifier will see; may be left out if it is fitted.

    Raises:
        UnsupportedEstimator: it cannot; says why.
        InvalidLearner: features or classes do not fit it.
    """
    if not learns_outside(estimator):
        refuse(estimator, "it has no partial_fit, so it cannot learn batch by batch")
    made = seeded(estimator)
    first, last = teaching.steps(made)[0], teaching.steps(made)[-1]
    check_features(first, features)
    labels = classes_of(last, classes) if is_classifier(last) else ()
    program = _answers(made, features, labels)
    _try(made, len(features), labels, 1 if program is None else program.fewest)
    return Prepared(made, labels, program, stored.write(made))


def seeded(estimator: Any) -> Any:
    """A copy that draws the same each time: 0 is the seed where there is none."""
    made = copy.deepcopy(estimator)
    for name, value in made.get_params(deep=True).items():
        if value is None and name.rpartition("__")[2] == "random_state":
            made.set_params(**{name: 0})
    return made


def _answers(
    estimator: Any, features: Sequence[str], labels: tuple[Any, ...]
) -> AnswerProgram | None:
    try:
        return answer_program(estimator, features, labels or None)
    except UnsupportedEstimator:
        return None


def _try(estimator: Any, count: int, labels: tuple[Any, ...], fewest: int) -> None:
    """Refuses what cannot learn, or not go on from a file as it would have without.

    The rows are zeros and ones, which everything that counts takes too.
    """
    chance = np.random.default_rng(0)
    X = chance.integers(0, 2, size=(max(TRIED_ROWS, fewest), count)).astype(np.float64)
    places = np.arange(len(X)) % max(len(labels), 2)
    classes = np.asarray(labels) if labels else None
    y = places.astype(np.float64) if classes is None else classes[places]
    straight = copy.deepcopy(estimator)
    try:
        teaching.teach(straight, X, y, classes)
    except Exception as error:
        # Whatever it raises: this is why it cannot learn.
        refuse(estimator, f"its partial_fit says: {_first_line(error)}")
    read = _through_file(estimator, straight)
    for each in (straight, read):
        teaching.teach(each, X[: len(X) // 2], y[: len(X) // 2], classes)
    if not numbers.same(straight, read):
        refuse(estimator, "from a file it does not go on with the same numbers")


def _through_file(estimator: Any, learnt: Any) -> Any:
    try:
        content = stored.write(learnt)
    except Exception as error:
        # Each estimator can bring objects of its own, and skops raise what it likes about them.
        refuse(estimator, f"what it learns has no safe file ({_first_line(error)})")
    try:
        return stored.read("", content, going_on=True)
    except UntrustedModel as error:
        refuse(
            estimator,
            "what it learns holds types that are not known to be safe: " + ", ".join(error.details),
        )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]

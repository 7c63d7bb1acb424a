"""Every estimator that answers in the database without learning there: one line each."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pgpredict_transpiler.errors import UnsupportedEstimator
from pgpredict_transpiler.learning.answering import networks, projections
from pgpredict_transpiler.learning.answering.answer import Answer
from pgpredict_transpiler.learning.answering.layers import SCALERS, scaled_by
from pgpredict_transpiler.learning.answering.program import AnswerProgram
from pgpredict_transpiler.learning.fitted import check_features
from pgpredict_transpiler.learning.program import Floats
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.registry import learning_program

ANSWERS: dict[str, Callable[[Any, Sequence[str], Sequence[Any] | None], Answer]] = {
    "sklearn.MLPClassifier": networks.classifier,
    "sklearn.MLPRegressor": networks.regressor,
    "sklearn.IncrementalPCA": projections.principal_components,
    "sklearn.MiniBatchDictionaryLearning": projections.dictionary,
    "sklearn.MiniBatchKMeans": projections.clusters,
}


def answer_program(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None = None
) -> AnswerProgram:
    """Turn an estimator that learns elsewhere into what answers for it in the database.

    Args:
        estimator: fitted or not; or a Pipeline of one, with a scaler in front or not.
        features: the names of its inputs, in order; all are float8.
        classes: every label that a classifier will see, in any order; may be left out if the
            estimator is fitted.

    Returns:
        The program; nothing has been executed or stored.

    Raises:
        UnsupportedEstimator: nothing in SQL answers as it does; says why.
        InvalidLearner: features or classes do not fit the estimator.

    Example:
        >>> from sklearn.decomposition import IncrementalPCA
        >>> program = answer_program(IncrementalPCA(1), ["x1", "x2"])
        >>> [(block.name, block.shape) for block in program.blocks[3:]]
        [('components', (1, 2)), ('offsets', (1,))]
        >>> bool(program.read(IncrementalPCA(1)).any())  # not fitted: it has no answer
        False
    """
    scaler, last = _parts(estimator)
    maker = ANSWERS.get(_name(last))
    if maker is None or not _is_scaler(scaler):
        return _as_learner(estimator, features, classes)
    check_features(last if scaler is None else scaler, features)
    made = maker(last, list(features), classes)
    return AnswerProgram(
        features=tuple(features),
        classes=made.classes,
        blocks=made.layers.blocks,
        prediction=made.prediction,
        probability=made.probability,
        read=partial(_read, made, len(features)),
        gives_vector=made.gives_vector,
        fewest=made.fewest,
    )


def _read(made: Answer, count: int, estimator: Any) -> Floats:
    scaler, last = _parts(estimator)
    scale, numbers = scaled_by(scaler, count), made.numbers(last)
    if scale is None or numbers is None:
        return made.layers.silent()
    return made.layers.vector(scale, numbers)


def _as_learner(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> AnswerProgram:
    """What has a kernel answers as it does there."""
    try:
        program = learning_program(_seeded(estimator), features, classes)
    except UnsupportedEstimator as refusal:
        refuse(estimator, f"nothing in SQL answers as it does ({refusal.name}: {refusal.why})")
    return AnswerProgram(
        features=program.features,
        classes=program.classes,
        blocks=program.blocks,
        prediction=program.prediction,
        probability=program.probability,
        read=lambda learnt: learning_program(_seeded(learnt), features, classes).initial,
        accepts=program.accepts,
        expects=program.expects,
    )


def _parts(estimator: Any) -> tuple[Any, Any]:
    """The scaler in front, None where there is none, and the estimator behind it."""
    if _name(estimator) != "sklearn.Pipeline":
        return None, estimator
    steps = [step for _, step in estimator.steps if step not in (None, "passthrough")]
    return (steps[0], steps[1]) if len(steps) == 2 else (None, estimator)


def _is_scaler(scaler: Any) -> bool:
    if scaler is None:
        return True
    return type(scaler).__name__ in SCALERS and not getattr(scaler, "clip", False)


def _seeded(estimator: Any) -> Any:
    """The same numbers with a seed that a kernel takes: what it draws is no part of an answer."""
    made = copy.copy(estimator)
    if _name(made) == "sklearn.Pipeline":
        made.steps = [(name, _seeded(step)) for name, step in made.steps]
    elif hasattr(made, "random_state"):
        made.random_state = 0
    return made


def _name(estimator: Any) -> str:
    return f"{type(estimator).__module__.split('.')[0]}.{type(estimator).__name__}"

"""SGDClassifier, SGDRegressor and Perceptron as learners.

scikit-learn's linear_model/_stochastic_gradient.py and _perceptron.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from pgpredict_transpiler.learning import answers
from pgpredict_transpiler.learning.fitted import check_features, classes_of, with_attributes
from pgpredict_transpiler.learning.lanes import Lanes
from pgpredict_transpiler.learning.program import Block, Floats, LearningProgram, joined, starts
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.sgd_kernel import kernel
from pgpredict_transpiler.learning.sgd_rule import Rule, rule
from pgpredict_transpiler.learning.text import is_tame

SHARES: dict[str, Callable[[str], str]] = {
    "log_loss": answers.logistic,
    "modified_huber": answers.share_of_margin,
}


def classifier(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> LearningProgram:
    """A linear classifier: one weight vector for two classes, else one for each."""
    labels = classes_of(estimator, classes)
    options = rule(estimator, labels)
    places = starts(_blocks(options, len(features)))
    score = partial(_score, places, len(features))
    if options.problems == 1:
        prediction = answers.answer(
            len(features),
            places["ordinary"],
            lambda usual: f"CASE WHEN {score(0, usual)} > 0 THEN 1 ELSE 0 END",
        )
    else:
        prediction = answers.answer(
            len(features),
            places["ordinary"],
            lambda usual: answers.first_greatest(
                [score(k, usual) for k in range(options.problems)]
            ),
        )
    share = SHARES.get(estimator.loss)
    probability = None
    if share:
        probability = answers.answer(
            len(features), places["ordinary"], lambda usual: share(score(0, usual))
        )
    return _program(estimator, features, labels, options, prediction, probability)


def regressor(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> LearningProgram:
    """A linear regressor."""
    if classes:
        refuse(estimator, "a regressor has no classes")
    options = rule(estimator, ())
    places = starts(_blocks(options, len(features)))
    prediction = answers.answer(
        len(features), places["ordinary"], partial(_score, places, len(features), 0)
    )
    return _program(estimator, features, (), options, prediction, None)


def _score(places: Mapping[str, int], count: int, k: int, usual: bool) -> str:
    coef, intercept = places["coef"] + k * count, places["intercept"] + k
    return answers.weighted_sum(coef, intercept, count, usual)


def _blocks(options: Rule, count: int) -> tuple[Block, ...]:
    weights, intercepts = (options.problems, count), (options.problems,)
    return (
        Block("coef", weights),
        Block("intercept", intercepts),
        Block("t"),
        Block("ordinary"),
    )


def _program(
    estimator: Any,
    features: Sequence[str],
    labels: tuple[Any, ...],
    options: Rule,
    prediction: str,
    probability: str | None,
) -> LearningProgram:
    check_features(estimator, features)
    blocks = _blocks(options, len(features))
    return LearningProgram(
        features=tuple(features),
        classes=labels,
        blocks=blocks,
        initial=joined(blocks, _initial(estimator, blocks)),
        kernel=kernel(options, Lanes(len(features)), blocks),
        prediction=prediction,
        probability=probability,
        exporter=partial(_export, estimator, tuple(features), labels),
    )


def _initial(estimator: Any, blocks: Sequence[Block]) -> dict[str, Any]:
    """The numbers of a fitted estimator, or the zeros of _allocate_parameter_mem."""
    values: dict[str, Any] = {block.name: np.zeros(block.shape) for block in blocks}
    values |= {"t": 1.0, "ordinary": 1.0}
    if getattr(estimator, "coef_", None) is None:
        return values
    if not isinstance(estimator.coef_, np.ndarray):
        refuse(estimator, "its weights are sparse: call densify() first")
    values["coef"] = np.atleast_2d(estimator.coef_)
    values["intercept"] = np.ravel(estimator.intercept_)
    values["t"] = estimator.t_
    values["ordinary"] = float(is_tame([*values["coef"].ravel(), *values["intercept"]]))
    return values


def _export(
    estimator: Any, features: tuple[str, ...], labels: tuple[Any, ...], values: Mapping[str, Floats]
) -> Any:
    learnt = {
        "coef_": values["coef"] if labels else values["coef"][0],
        "intercept_": values["intercept"],
        "t_": float(values["t"]),
        "n_iter_": 1,
    }
    return with_attributes(estimator, features, labels, learnt)

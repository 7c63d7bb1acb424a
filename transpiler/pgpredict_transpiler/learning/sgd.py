"""SGDClassifier, SGDRegressor and Perceptron as learners.

scikit-learn's linear_model/_stochastic_gradient.py and _perceptron.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pgpredict_transpiler.learning import answers, sgd_state
from pgpredict_transpiler.learning.fitted import check_features, classes_of, refuse_classes
from pgpredict_transpiler.learning.lanes import Lanes
from pgpredict_transpiler.learning.program import LearningProgram, joined, starts
from pgpredict_transpiler.learning.sgd_kernel import kernel
from pgpredict_transpiler.learning.sgd_rule import Rule, rule

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
    score, answer = _writers(options, len(features))
    problems = range(options.problems)
    share = SHARES.get(estimator.loss)
    probability = None
    if options.problems == 1:
        prediction = answer(lambda usual: f"CASE WHEN {score(0, usual)} > 0 THEN 1 ELSE 0 END")
        if share:
            probability = answer(lambda usual: share(score(0, usual)))
    else:
        prediction = answer(
            lambda usual: answers.first_greatest([score(k, usual) for k in problems])
        )
        if share:
            probability = answer(
                lambda usual: answers.normalized([share(score(k, usual)) for k in problems])
            )
    return _program(estimator, features, labels, options, prediction, probability)


def regressor(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> LearningProgram:
    """A linear regressor."""
    refuse_classes(estimator, classes)
    options = rule(estimator, ())
    score, answer = _writers(options, len(features))
    return _program(estimator, features, (), options, answer(partial(score, 0)), None)


def _writers(
    options: Rule, count: int
) -> tuple[Callable[[int, bool], str], Callable[[Callable[[bool], str]], str]]:
    """What writes the score of a problem, and what writes an answer around it."""
    places = starts(sgd_state.blocks(options, count))

    def score(k: int, usual: bool) -> str:
        coef, intercept = places["coef"] + k * count, places["intercept"] + k
        return answers.weighted_sum(coef, intercept, count, usual)

    return score, partial(answers.answer, count, places["ordinary"])


def _program(
    estimator: Any,
    features: Sequence[str],
    labels: tuple[Any, ...],
    options: Rule,
    prediction: str,
    probability: str | None,
) -> LearningProgram:
    check_features(estimator, features)
    blocks = sgd_state.blocks(options, len(features))
    return LearningProgram(
        features=tuple(features),
        classes=labels,
        blocks=blocks,
        initial=joined(blocks, sgd_state.initial(estimator, blocks)),
        kernel=kernel(options, Lanes(len(features)), blocks),
        prediction=prediction,
        probability=probability,
        exporter=partial(sgd_state.export, estimator, tuple(features), labels),
    )

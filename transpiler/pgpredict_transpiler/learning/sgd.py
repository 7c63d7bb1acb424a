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
from pgpredict_transpiler.learning.program import Floats, LearningProgram, joined, starts
from pgpredict_transpiler.learning.scaling import Scaling
from pgpredict_transpiler.learning.sgd_kernel import kernel, used_in_answers
from pgpredict_transpiler.learning.sgd_rule import rule
from pgpredict_transpiler.learning.text import is_tame

SHARES: dict[str, Callable[[str], str]] = {
    "log_loss": answers.logistic,
    "modified_huber": answers.share_of_margin,
}


def classifier(
    estimator: Any,
    features: Sequence[str],
    classes: Sequence[Any] | None,
    scaling: Scaling | None = None,
) -> LearningProgram:
    """A linear classifier: one weight vector for two classes, else one for each."""
    labels = classes_of(estimator, classes)
    maker = _Maker(estimator, features, labels, scaling)
    score, problems = maker.score, range(maker.rule.problems)
    share = SHARES.get(estimator.loss)
    probability = None
    if len(problems) == 1:
        prediction = maker.answer(
            lambda usual: f"CASE WHEN {score(0, usual)} > 0 THEN 1 ELSE 0 END"
        )
        if share:
            probability = maker.answer(lambda usual: share(score(0, usual)))
    else:
        prediction = maker.answer(
            lambda usual: answers.first_greatest([score(k, usual) for k in problems])
        )
        if share:
            probability = maker.answer(
                lambda usual: answers.normalized([share(score(k, usual)) for k in problems])
            )
    return maker.program(prediction, probability)


def regressor(
    estimator: Any,
    features: Sequence[str],
    classes: Sequence[Any] | None,
    scaling: Scaling | None = None,
) -> LearningProgram:
    """A linear regressor."""
    refuse_classes(estimator, classes)
    maker = _Maker(estimator, features, (), scaling)
    return maker.program(maker.answer(partial(maker.score, 0)))


class _Maker:
    """Puts a program together.

    Args:
        estimator: the learner itself.
        features: the names of its inputs.
        labels: the classes of a classifier.
        scaling: what stands before it.
    """

    def __init__(
        self,
        estimator: Any,
        features: Sequence[str],
        labels: tuple[Any, ...],
        scaling: Scaling | None,
    ) -> None:
        check_features(estimator, features)
        self.estimator = estimator
        self.features = tuple(features)
        self.labels = labels
        self.scaling = scaling
        self.rule = rule(estimator, labels)
        before = scaling.blocks() if scaling else ()
        self.own = sgd_state.blocks(self.rule, len(features))
        self.blocks = (*before, *self.own)
        self.start = starts(self.blocks)

    def score(self, k: int, usual: bool) -> str:
        """The score of a problem."""
        count = len(self.features)
        cast = answers.cast_of(usual)
        inputs = [
            self.scaling.scaled(j, self.start, cast)
            if self.scaling
            else f"{answers.feature(j)}{cast}"
            for j in range(count)
        ]
        coef, intercept = self.start["coef"] + k * count, self.start["intercept"] + k
        return answers.weighted_sum(coef, intercept, inputs, usual)

    def answer(self, write: Callable[[bool], str]) -> str:
        """An answer made of scores."""
        return answers.answer(len(self.features), self.start["ordinary"], write)

    def program(self, prediction: str, probability: str | None = None) -> LearningProgram:
        """The whole."""
        return LearningProgram(
            features=self.features,
            classes=self.labels,
            blocks=self.blocks,
            initial=self._initial(),
            kernel=kernel(self.rule, Lanes(len(self.features)), self.blocks, self.scaling),
            prediction=prediction,
            probability=probability,
            exporter=partial(
                sgd_state.export, self.estimator, self.features, self.labels, bool(self.scaling)
            ),
        )

    def _initial(self) -> Floats:
        values = sgd_state.initial(self.estimator, self.own)
        if self.scaling:
            values |= self.scaling.initial()
        vector = joined(self.blocks, values)
        used = used_in_answers(self.start, self.rule, self.scaling)
        tame = all(is_tame(vector[before : before + count]) for before, count in used)
        vector[self.start["ordinary"]] = float(tame)
        return vector

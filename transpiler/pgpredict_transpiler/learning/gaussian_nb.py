"""GaussianNB as a learner (scikit-learn's naive_bayes.py)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone

from pgpredict_transpiler.learning import answers, gaussian_kernel, log_odds
from pgpredict_transpiler.learning.fitted import check_features, classes_of, with_attributes
from pgpredict_transpiler.learning.lanes import Lanes
from pgpredict_transpiler.learning.program import Block, Floats, LearningProgram, joined, starts
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.text import is_tame


def classifier(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> LearningProgram:
    """GaussianNB: a mean and a variance for each class and feature."""
    labels = classes_of(estimator, classes)
    check_features(estimator, features)
    priors = _priors(estimator, len(labels))
    blocks = (
        Block("class_count", (len(labels),)),
        Block("theta", (len(labels), len(features))),
        Block("var", (len(labels), len(features))),
        Block("epsilon"),
        Block("offset", (len(labels),)),
        Block("ordinary"),
    )
    scores = _Scores(priors, blocks)
    return LearningProgram(
        features=tuple(features),
        classes=labels,
        blocks=blocks,
        initial=joined(blocks, _initial(estimator, priors, blocks)),
        kernel=gaussian_kernel.kernel(
            float(estimator.var_smoothing), priors, Lanes(len(features)), blocks
        ),
        prediction=scores.answer(answers.first_greatest),
        probability=scores.answer(log_odds.shares),
        exporter=partial(_export, estimator, tuple(features), labels),
    )


class _Scores:
    """Writes the score of each class."""

    def __init__(self, priors: Sequence[float] | None, blocks: Sequence[Block]) -> None:
        self.priors = priors
        self.start = starts(blocks)
        self.classes, self.features = blocks[1].shape

    def answer(self, of: Callable[[Sequence[str]], str]) -> str:
        """An answer of all scores.

        NULL as long as a variance is zero: scikit-learn divides by it, and every score is NaN.
        """
        ordinary = self.start["ordinary"]
        found = answers.answer(
            self.features,
            ordinary,
            lambda usual: of([self._score(k, usual) for k in range(self.classes)]),
        )
        return f"CASE WHEN {answers.parameter(ordinary)} <> 0 THEN\n{found} END"

    def _score(self, k: int, usual: bool) -> str:
        cast = "" if usual else "::numeric"
        terms = []
        for j in range(self.features):
            at = k * self.features + j
            theta = f"{answers.parameter(self.start['theta'] + at)}{cast}"
            var = f"{answers.parameter(self.start['var'] + at)}{cast}"
            distance = f"({answers.feature(j)}{cast} - {theta})"
            terms.append(f"{distance} * {distance} / {var}")
        total = f"-0.5 * ({' + '.join(terms)})"
        count = answers.parameter(self.start["class_count"] + k)
        offset = answers.parameter(self.start["offset"] + k)
        prior = log_odds.prior_of(None if self.priors is None else self.priors[k], offset, count)
        return f"{total if usual else log_odds.cut(total)} + {prior}"


def _priors(estimator: Any, classes: int) -> tuple[float, ...] | None:
    try:
        estimator._validate_params()
    except ValueError as error:
        refuse(estimator, str(error))
    if estimator.priors is None:
        return None
    priors = np.asarray(estimator.priors, dtype=np.float64)
    if priors.shape != (classes,) or (priors < 0.0).any() or not np.isclose(priors.sum(), 1.0):
        refuse(estimator, f"its {classes} classes need priors that sum to 1", "priors")
    return tuple(priors.tolist())


def _initial(
    estimator: Any, priors: Sequence[float] | None, blocks: Sequence[Block]
) -> dict[str, Any]:
    """The numbers of a fitted estimator, or zeros."""
    values: dict[str, Any] = {block.name: np.zeros(block.shape) for block in blocks}
    if getattr(estimator, "theta_", None) is None:
        return values
    count, var = np.asarray(estimator.class_count_), np.asarray(estimator.var_)
    values |= {"class_count": count, "theta": estimator.theta_, "var": var}
    values["epsilon"] = estimator.epsilon_
    shares = count / count.sum() if priors is None else np.asarray(priors)
    spread = np.log(2.0 * np.pi * np.where(var > 0.0, var, 1.0)).sum(axis=1)
    values["offset"] = np.log(np.where(shares > 0.0, shares, 1.0)) - 0.5 * spread
    values["ordinary"] = _note(np.asarray(estimator.theta_), var)
    return values


def _note(theta: Floats, var: Floats) -> float:
    """What the kernel notes: 0 without answers, 1 if the parameters are usual, else 2."""
    if var.min() <= 0.0:
        return 0.0
    low, high = gaussian_kernel.SMALLEST_VARIANCE, gaussian_kernel.LARGEST_VARIANCE
    return 1.0 if low <= var.min() and var.max() <= high and is_tame(theta.ravel()) else 2.0


def _export(
    estimator: Any, features: tuple[str, ...], labels: tuple[Any, ...], values: Mapping[str, Floats]
) -> Any:
    count = values["class_count"]
    if not count.any():
        return clone(estimator)
    given = estimator.priors
    learnt = {
        "class_count_": count,
        "theta_": values["theta"],
        "var_": values["var"],
        "epsilon_": float(values["epsilon"]),
        "class_prior_": count / count.sum() if given is None else np.asarray(given, dtype=float),
    }
    return with_attributes(estimator, features, labels, learnt)

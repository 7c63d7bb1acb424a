"""MultinomialNB, BernoulliNB and ComplementNB as learners (scikit-learn's naive_bayes.py).

The score of a class is an offset and a weighted sum of the features; both follow from the counts.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.base import clone

from pgpredict_transpiler.learning import answers, counting, log_odds
from pgpredict_transpiler.learning.counting import Counting
from pgpredict_transpiler.learning.fitted import check_features, classes_of, with_attributes
from pgpredict_transpiler.learning.lanes import Lanes
from pgpredict_transpiler.learning.program import Block, Floats, LearningProgram, joined, starts
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.sums import SumsProgram
from pgpredict_transpiler.learning.text import is_tame, number

UNLEARNT, USUAL, UNUSUAL = 0.0, 1.0, 2.0  # what the block `ordinary` says of the others


def multinomial(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> LearningProgram:
    """MultinomialNB: features are counts, or weights that are not negative."""
    return _program(estimator, features, classes, "multinomial")


def complement(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> LearningProgram:
    """ComplementNB: likewise, with the counts of all other classes."""
    return _program(estimator, features, classes, "complement")


def bernoulli(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> LearningProgram:
    """BernoulliNB: features are 0 or 1, or are compared with a threshold."""
    return _program(estimator, features, classes, "bernoulli")


def summed(estimator: Any, features: Sequence[str], classes: Sequence[Any] | None) -> SumsProgram:
    """Any of the three, from counts that rows can be taken from."""
    kind = type(estimator).__name__.removesuffix("NB").lower()
    shared, options, blocks = _shared(estimator, features, classes, kind)
    return SumsProgram(
        **shared,
        sums=starts(blocks)["weight"],
        change=counting.change(options, len(shared["classes"]), len(features)),
        solve=counting.solve(options, Lanes(len(features)), blocks),
    )


def _program(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None, kind: str
) -> LearningProgram:
    shared, options, blocks = _shared(estimator, features, classes, kind)
    return LearningProgram(
        **shared,
        initial=joined(blocks, _initial(estimator, options, blocks)),
        kernel=counting.kernel(options, Lanes(len(features)), blocks),
    )


def _shared(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None, kind: str
) -> tuple[dict[str, Any], Counting, tuple[Block, ...]]:
    """What the two kinds of program have in common."""
    labels = classes_of(estimator, classes)
    check_features(estimator, features)
    options = Counting(
        kind=kind,
        alpha=_alpha(estimator, len(features), kind),
        priors=_priors(estimator, len(labels)),
        threshold=_threshold(estimator),
        norm=bool(getattr(estimator, "norm", False)),
    )
    blocks = _blocks(len(labels), len(features))
    scores = _Scores(options, blocks, len(labels), len(features))
    accepts, expects = _gate(estimator, options, len(features))
    shared = {
        "features": tuple(features),
        "classes": labels,
        "blocks": blocks,
        "prediction": scores.answer(answers.first_greatest),
        "probability": scores.answer(log_odds.shares),
        "exporter": partial(_export, estimator, tuple(features), labels),
        "accepts": accepts,
        "expects": expects,
    }
    return shared, options, blocks


def _blocks(classes: int, features: int) -> tuple[Block, ...]:
    return (
        Block("class_count", (classes,)),
        Block("feature_count", (classes, features)),
        Block("weight", (classes, features)),
        Block("offset", (classes,)),
        Block("ordinary"),
    )


class _Scores:
    """Writes the score of each class."""

    def __init__(
        self, options: Counting, blocks: Sequence[Block], classes: int, features: int
    ) -> None:
        self.options = options
        self.start = starts(blocks)
        self.classes = classes
        self.features = features

    def answer(self, of: Callable[[Sequence[str]], str]) -> str:
        """An answer of all scores, NULL as long as nothing has been learnt."""
        ordinary = self.start["ordinary"]
        found = answers.answer(
            self.features,
            ordinary,
            lambda usual: of([self._score(k, usual) for k in range(self.classes)]),
        )
        return f"CASE WHEN {answers.parameter(ordinary)} <> 0 THEN\n{found} END"

    def _score(self, k: int, usual: bool) -> str:
        places = [self.start["weight"] + k * self.features + j for j in range(self.features)]
        if self.options.threshold is not None:
            limit = number(self.options.threshold)
            total = " + ".join(
                f"CASE WHEN {answers.feature(j)} > {limit} "
                f"THEN {answers.parameter(place)} ELSE 0 END"
                for j, place in enumerate(places)
            )
        else:
            cast = "" if usual else "::numeric"
            total = " + ".join(
                f"{answers.parameter(place)}{cast} * {answers.feature(j)}{cast}"
                for j, place in enumerate(places)
            )
            total = total if usual else log_odds.cut(total)
        return f"{total} + {self._offset(k)}"

    def _offset(self, k: int) -> str:
        offset = answers.parameter(self.start["offset"] + k)
        if self.options.kind == "complement":
            return offset
        priors = self.options.priors
        count = answers.parameter(self.start["class_count"] + k)
        return log_odds.prior_of(None if priors is None else priors[k], offset, count)


def _alpha(estimator: Any, features: int, kind: str) -> tuple[float, ...]:
    """The smoothing of each feature, as `_check_alpha` has it."""
    try:
        estimator._validate_params()
        alpha = np.asarray(estimator.alpha, dtype=np.float64)
    except ValueError as error:
        refuse(estimator, str(error))
    if alpha.ndim and (kind == "bernoulli" or alpha.shape != (features,)):
        refuse(estimator, "its smoothing is not one number, nor one for each feature", "alpha")
    if np.min(alpha) < 1e-10 and not estimator.force_alpha:
        alpha = np.maximum(alpha, 1e-10)
    if not np.isfinite(alpha).all() or np.min(alpha) <= 0.0:
        refuse(
            estimator,
            "without smoothing the probability of what was not seen yet is zero, and predictions "
            "are not numbers; take alpha=1e-10",
            "alpha",
        )
    return tuple(np.broadcast_to(alpha, (features,)).tolist())


def _priors(estimator: Any, classes: int) -> tuple[float, ...] | None:
    """The prior probabilities where the rows have no say in them."""
    if estimator.class_prior is not None:
        priors = np.asarray(estimator.class_prior, dtype=np.float64)
        if priors.shape != (classes,) or not (priors >= 0.0).all() or not (priors > 0.0).any():
            refuse(estimator, f"it needs a prior for each of the {classes} classes", "class_prior")
        return tuple(priors.tolist())
    return None if estimator.fit_prior else (1.0 / classes,) * classes


def _threshold(estimator: Any) -> float | None:
    threshold = getattr(estimator, "binarize", None)
    return None if threshold is None else float(threshold)


def _gate(estimator: Any, options: Counting, features: int) -> tuple[str | None, str]:
    names = [answers.feature(j) for j in range(features)]
    if options.threshold is not None:
        return None, ""
    if options.kind == "bernoulli":
        rule = " AND ".join(f"{name} IN (0, 1)" for name in names)
        return (
            rule,
            f"a {type(estimator).__name__} that does not binarize learns features of 0 and 1",
        )
    rule = f"least({', '.join(names)}) >= 0"
    return rule, f"a {type(estimator).__name__} learns no negative features"


def _initial(estimator: Any, options: Counting, blocks: Sequence[Block]) -> dict[str, Any]:
    """The counts of a fitted estimator and what follows from them, or zeros."""
    values: dict[str, Any] = {block.name: np.zeros(block.shape) for block in blocks}
    if getattr(estimator, "class_count_", None) is None:
        return values
    values["class_count"] = estimator.class_count_
    values["feature_count"] = estimator.feature_count_
    if not np.any(estimator.class_count_ > 0):
        return values
    values["weight"], values["offset"] = options.derived(
        np.asarray(estimator.class_count_), np.asarray(estimator.feature_count_)
    )
    if not all(np.isfinite(value).all() for value in values.values()):
        refuse(estimator, "its counts are negative or not finite")
    values["ordinary"] = USUAL if is_tame(values["weight"].ravel()) else UNUSUAL
    return values


def _export(
    estimator: Any, features: tuple[str, ...], labels: tuple[Any, ...], values: Mapping[str, Floats]
) -> Any:
    """What follows from the counts is computed by scikit-learn itself."""
    counts = {"class_count_": values["class_count"], "feature_count_": values["feature_count"]}
    if values["ordinary"] == UNLEARNT:
        return clone(estimator)
    made = with_attributes(estimator, features, labels, counts)
    if hasattr(made, "norm"):
        made.feature_all_ = made.feature_count_.sum(axis=0)
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("ignore", UserWarning)  # that a small alpha was lifted
        made._update_feature_log_prob(made._check_alpha())
        made._update_class_log_prior(class_prior=made.class_prior)
    return made

"""The metrics that versions are judged by."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics as sk

from pgpredict.errors import PgpredictError

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Answers:
    """What a version says of rows of which the truth is known.

    Attributes:
        actual: the truth.
        predicted: labels, or numbers.
        probability: of a classifier, a row per row, in class order; None: it gives none.
        classes: of a classifier, in that order; empty for a regressor.
    """

    actual: Array
    predicted: Array
    probability: Array | None
    classes: tuple[Any, ...]

    @property
    def binary(self) -> bool:
        """Whether there are two labels and a probability of the second."""
        return len(self.classes) == 2 and self.probability is not None

    @property
    def of_second(self) -> Array:
        """The probability of the second of two labels."""
        assert self.probability is not None
        second: Array = self.probability[:, 1]
        return second

    @property
    def is_second(self) -> Array:
        """Whether the truth is the second of two labels."""
        return np.asarray(self.actual == self.classes[1])


@dataclass(frozen=True)
class Metric:
    """A measure of how good answers are.

    Attributes:
        name: as the YAML has it.
        scorer: what scikit-learn calls it where more is better.
        measure: of answers.
        more_is_better: or less.
        needs: what the answers must have: ``probability``, ``two labels``, ``labels``, ``numbers``.
    """

    name: str
    scorer: str
    measure: Callable[[Answers], float]
    more_is_better: bool
    needs: str

    def of(self, answers: Answers) -> float:
        """The value for some answers; NaN where they do not allow it: one label only, say."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that there is one label only
            try:
                return self.measure(answers)
            except ValueError:
                return np.nan

    def fits(self, answers: Answers) -> bool:
        """Whether it can be measured of such answers."""
        return {
            "probability": answers.probability is not None,
            "two labels": answers.binary,
            "labels": bool(answers.classes),
            "numbers": not answers.classes,
        }[self.needs]

    def gain(self, challenger: float, champion: float) -> float:
        """How much better the challenger is; negative: it is worse."""
        return challenger - champion if self.more_is_better else champion - challenger

    def reaches(self, value: float, bound: float) -> bool:
        """Whether a value is as good as a bound."""
        return value >= bound if self.more_is_better else value <= bound


def _roc_auc(given: Answers) -> float:
    if given.binary:
        return float(sk.roc_auc_score(given.is_second, given.of_second))
    labels = list(given.classes)
    # Only labels that occur can be told apart, and their probabilities must sum to 1.
    return float(
        sk.roc_auc_score(given.actual, given.probability, multi_class="ovr", labels=labels)
    )


def _log_loss(given: Answers) -> float:
    return float(sk.log_loss(given.actual, given.probability, labels=list(given.classes)))


def _where_labels_differ(measure: Callable[[Answers], float]) -> Callable[[Answers], float]:
    """The same measure, and NaN where all rows have one label, which it says nothing about."""
    return lambda given: measure(given) if np.unique(given.actual).size > 1 else np.nan


def _of_labels(measure: Callable[..., Any], **options: Any) -> Callable[[Answers], float]:
    return lambda given: float(measure(given.actual, given.predicted, **options))


METRICS = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", "roc_auc_ovr", _where_labels_differ(_roc_auc), True, "probability"),
        Metric(
            "average_precision",
            "average_precision",
            _where_labels_differ(
                lambda a: float(sk.average_precision_score(a.is_second, a.of_second))
            ),
            True,
            "two labels",
        ),
        Metric("log_loss", "neg_log_loss", _log_loss, False, "probability"),
        Metric(
            "brier",
            "neg_brier_score",
            lambda a: float(sk.brier_score_loss(a.is_second, a.of_second)),
            False,
            "two labels",
        ),
        Metric("accuracy", "accuracy", _of_labels(sk.accuracy_score), True, "labels"),
        Metric(
            "balanced_accuracy",
            "balanced_accuracy",
            _where_labels_differ(_of_labels(sk.balanced_accuracy_score)),
            True,
            "labels",
        ),
        Metric("f1", "f1_macro", _of_labels(sk.f1_score, average="macro"), True, "labels"),
        Metric("r2", "r2", _of_labels(sk.r2_score), True, "numbers"),
        Metric(
            "mean_absolute_error",
            "neg_mean_absolute_error",
            _of_labels(sk.mean_absolute_error),
            False,
            "numbers",
        ),
        Metric(
            "root_mean_squared_error",
            "neg_root_mean_squared_error",
            _of_labels(sk.root_mean_squared_error),
            False,
            "numbers",
        ),
        Metric(
            "median_absolute_error",
            "neg_median_absolute_error",
            _of_labels(sk.median_absolute_error),
            False,
            "numbers",
        ),
    )
}


def metric_named(name: str | None, *, classifier: bool, probability: bool = True) -> Metric:
    """A metric by its name, or the one that is usual.

    Args:
        name: one of `METRICS`; None: ``roc_auc`` where there are probabilities, ``accuracy`` for
            other classifiers, ``r2`` for regressors.
        classifier: whether labels are predicted.
        probability: whether a classifier gives probabilities.

    Raises:
        PgpredictError: there is none of this name.

    Example:
        >>> metric_named(None, classifier=False).name
        'r2'
    """
    usual = ("roc_auc" if probability else "accuracy") if classifier else "r2"
    found = METRICS.get(name or usual)
    if found is None:
        raise PgpredictError(
            f"there is no metric {name}", do=f"write accept.metric as one of {', '.join(METRICS)}"
        )
    return found


def measured(answers: Answers) -> dict[str, float]:
    """All metrics that fit, by name; without those that these rows do not allow."""
    found = {name: metric.of(answers) for name, metric in METRICS.items() if metric.fits(answers)}
    return {name: value for name, value in found.items() if np.isfinite(value)}

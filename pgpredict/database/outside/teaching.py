"""One call of partial_fit, and what is said of rows before."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

Floats = NDArray[np.float64]
Said = list[float | None]

# What numbers of a row can make partial_fit raise. Anything else is the estimator's own fault, and
# would meet every row alike: it is raised, and rows wait.
POISON = (ValueError, ArithmeticError, IndexError)


def steps(estimator: Any) -> list[Any]:
    """The steps of a Pipeline that do something; of another estimator itself."""
    if not hasattr(estimator, "steps"):
        return [estimator]
    return [step for _, step in estimator.steps if step not in (None, "passthrough")]


def teach(estimator: Any, X: Floats, y: Any, classes: Any) -> None:
    """Learn a batch: each step of a Pipeline, with what the steps before it make of the batch.

    Args:
        estimator: is changed.
        X: shape (n_rows, n_features).
        y: shape (n_rows,), or None where no label is needed.
        classes: all labels of a classifier, else None.

    Raises:
        Exception: what the estimator's partial_fit raises; then it may be changed in part.
    """
    *before, last = steps(estimator)
    with quietly():
        for step in before:
            step.partial_fit(X)
            X = step.transform(X)
        if classes is not None and is_classifier(last):
            last.partial_fit(X, y, classes=classes)
        elif y is not None:
            last.partial_fit(X, y)
        else:
            last.partial_fit(X)


def is_fitted(estimator: Any) -> bool:
    """Whether it has learnt a row."""
    try:
        check_is_fitted(steps(estimator)[-1])
    except NotFittedError:
        return False
    return True


def said_before(
    estimator: Any, X: Floats, labels: Sequence[float | None], classes: Any, has_shares: bool
) -> tuple[Said, Said]:
    """What an estimator says of rows that it has not learnt.

    Args:
        estimator: fitted; of another all answers are None.
        X: shape (n_rows, n_features).
        labels: places among the classes, or numbers.
        classes: all labels of a classifier, else None.
        has_shares: whether there are to be probabilities.

    Returns:
        `predicted`: of each row the probability of the second of two classes, else the place of
        the class, or the number; and `likely`: the probability of the row's own class, of more.
    """
    nothing: Said = [None] * len(X)
    *before, last = steps(estimator)
    if not is_fitted(estimator) or not hasattr(last, "predict"):
        return nothing, nothing
    try:
        with quietly():
            for step in before:
                X = step.transform(X)
            shares = last.predict_proba(X) if has_shares else None
            if shares is not None and shares.shape[1] == 2:
                return _finite(shares[:, 1]), nothing
            answers = last.predict(X)
    except POISON:
        return nothing, nothing
    if classes is not None:
        answers = np.searchsorted(classes, answers)
    likely = nothing
    if shares is not None:
        likely = _finite(shares[np.arange(len(X)), np.array(labels, dtype=int)])
    return _finite(answers), likely


def _finite(values: Any) -> Said:
    numbers = np.asarray(values, dtype=np.float64)
    return [float(x) if np.isfinite(x) else None for x in numbers.ravel()]


@contextmanager
def quietly() -> Iterator[None]:
    """What an estimator warns of in each batch is told nobody: the rows decide."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield

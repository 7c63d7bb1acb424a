"""What a fitted estimator knows already, and fitted estimators made of parameters."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone

from pgpredict_transpiler.errors import InvalidLearner
from pgpredict_transpiler.learning.refusals import refuse

NO_COMMON_TYPE = (
    "its class labels have no common SQL type: use text, whole numbers, booleans or floats"
)


def check_features(estimator: Any, features: Sequence[str]) -> None:
    """The features must be those that a fitted estimator knows.

    Raises:
        InvalidLearner: they are others, or in another order.
    """
    known = getattr(estimator, "feature_names_in_", None)
    if known is not None and list(known) != list(features):
        raise InvalidLearner(
            f"the features of the learner are not those of the fitted {type(estimator).__name__}",
            details=(f"learner   {', '.join(features)}", f"estimator {', '.join(known)}"),
            do="name the features in the order in which the estimator was fitted",
        )
    count = getattr(estimator, "n_features_in_", len(features))
    if count != len(features):
        raise InvalidLearner(
            f"the learner has {len(features)} features, "
            f"but the {type(estimator).__name__} was fitted on {count}",
            do="name exactly the features that the estimator was fitted on",
        )


def classes_of(estimator: Any, classes: Sequence[Any] | None) -> tuple[Any, ...]:
    """The classes of a classifier in scikit-learn's order, as Python scalars.

    Args:
        estimator: fitted, then it knows its classes; or not, then they must be given.
        classes: in any order; None: those that the estimator knows.

    Raises:
        InvalidLearner: there are none, fewer than two, or others than the estimator knows.
        UnsupportedEstimator: they have no common SQL type.
    """
    known = getattr(estimator, "classes_", None)
    if classes is not None:
        classes = [label.item() if isinstance(label, np.generic) else label for label in classes]
    if known is None and not classes:
        raise InvalidLearner(
            f"the classes of the {type(estimator).__name__} are not known",
            why="a first row shows one class only",
            do="name all classes, as in the first call of partial_fit",
        )
    labels = known if known is not None else _distinct(estimator, classes or ())
    found = tuple(np.asarray(labels).tolist())
    if known is not None and classes and sorted(map(repr, classes)) != sorted(map(repr, found)):
        raise InvalidLearner(
            f"the classes are not those that the {type(estimator).__name__} was fitted on",
            details=(f"learner   {list(classes)}", f"estimator {list(found)}"),
            do="leave the classes out, or start with an estimator that is not fitted",
        )
    if len(found) < 2:
        raise InvalidLearner(
            f"the {type(estimator).__name__} has a single class, {found[0]!r}",
            do="name two classes or more",
        )
    if len({type(label) for label in found}) > 1 or not isinstance(found[0], (str, int, float)):
        refuse(estimator, NO_COMMON_TYPE)
    return found


def _distinct(estimator: Any, classes: Sequence[Any]) -> Any:
    try:
        return np.unique(np.asarray(classes))
    except TypeError:
        refuse(estimator, NO_COMMON_TYPE)


def refuse_classes(estimator: Any, classes: Sequence[Any] | None) -> None:
    """What predicts a number, or finds clusters, has no classes.

    Raises:
        InvalidLearner: some are given.
    """
    if classes is not None and len(classes) > 0:
        raise InvalidLearner(
            f"a {type(estimator).__name__} has no classes", do="leave the classes out"
        )


def with_attributes(
    estimator: Any,
    features: Sequence[str],
    classes: Sequence[Any],
    learnt: Mapping[str, Any],
    *,
    named: bool = True,
) -> Any:
    """A new estimator with the options of the given one, fitted to what was learnt.

    Args:
        estimator: whose options to take.
        features: the names of the inputs.
        classes: of a classifier.
        learnt: the attributes that fitting sets.
        named: whether it knows the names of its inputs; behind a scaler it is given none.
    """
    with warnings.catch_warnings():  # an estimator may be deprecated; whoever made it knows
        warnings.simplefilter("ignore", FutureWarning)
        made = clone(estimator)
    made.n_features_in_ = len(features)
    if named:
        made.feature_names_in_ = np.asarray(features, dtype=object)
    if classes:
        made.classes_ = getattr(estimator, "classes_", np.asarray(classes))
    for name, value in learnt.items():
        setattr(made, name, value)
    return made

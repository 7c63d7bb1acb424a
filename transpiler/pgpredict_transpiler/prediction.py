"""What a predictor is lowered to, and the rules by which scikit-learn picks a label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.expressions import Expression

if TYPE_CHECKING:
    from pgpredict_transpiler.scope import Scope


@dataclass(frozen=True)
class Prediction:
    """A lowered predictor.

    Attributes:
        value: the label or the number.
        description: the model in a few words: ``gradient boosting, 100 trees``.
        classes: the labels in scikit-learn's order, as Python scalars; empty for a regressor.
        probabilities: one expression a class; empty for a model without.
        scores: what decision_function gives: one expression for two classes, else one a class;
            empty for a model without.
    """

    value: Expression
    description: str
    classes: tuple[Any, ...] = ()
    probabilities: tuple[Expression, ...] = ()
    scores: tuple[Expression, ...] = ()


def labels_of(classes: Any, scope: Scope) -> tuple[Any, ...]:
    """The classes of a classifier as Python scalars.

    Args:
        classes: shape (n_classes,).
        scope: where to refuse labels that have no SQL type.
    """
    labels = tuple(
        label.item() if isinstance(label, np.generic) else label
        for label in np.asarray(classes).tolist()
    )
    if len({type(label) for label in labels}) != 1 or not isinstance(
        labels[0], (str, int, float, bool)
    ):
        scope.refuse(
            "its class labels have no common SQL type: use text, whole numbers, booleans or floats"
        )
    return labels


def label_type(labels: Sequence[Any]) -> str:
    """The SQL type of class labels: text, bigint, boolean or float8."""
    return {str: "text", bool: "boolean", int: "bigint", float: "float8"}[type(labels[0])]


def label(value: Any) -> Expression:
    """A class label as a constant of its own type."""
    if isinstance(value, int) and not isinstance(value, bool):
        return sql.whole_number(value)
    return sql.constant(value)


def first_greatest(scores: Sequence[Expression], labels: Sequence[Any], scope: Scope) -> Expression:
    """The label of the greatest score; the first of equals wins, as in numpy's argmax.

    Args:
        scores: one a class; NULL in all or in none.
        labels: the classes.
        scope: names the greatest score.
    """
    named = [scope.let("score", score) for score in scores]
    if len(named) == 2:
        return sql.case(
            [(sql.greater_equal(named[0], named[1]), label(labels[0]))], label(labels[1])
        )
    best = scope.let("best", sql.greatest(named))
    return sql.case(
        [(sql.equal(score, best), label(name)) for score, name in zip(named, labels, strict=True)]
    )

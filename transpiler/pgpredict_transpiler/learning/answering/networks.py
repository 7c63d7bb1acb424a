"""MLPClassifier and MLPRegressor (scikit-learn's neural_network/_multilayer_perceptron.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pgpredict_transpiler.learning.answering.answer import Answer
from pgpredict_transpiler.learning.answering.layers import Layer, Layers
from pgpredict_transpiler.learning.fitted import classes_of, refuse_classes


def classifier(estimator: Any, features: Sequence[str], classes: Sequence[Any] | None) -> Answer:
    """Its last layer is a probability for two classes, else one for each."""
    labels = classes_of(estimator, classes)
    two = len(labels) == 2
    layers = _layers(estimator, features, 1 if two else len(labels), _last(two))
    values = layers.values
    return Answer(
        layers=layers,
        classes=labels,
        prediction=f"(({values})[1] > 0.5)::int" if two else f"pgpredict.place_of_most({values})",
        probability=f"({values})[1]" if two else values,
        numbers=_numbers,
    )


def regressor(estimator: Any, features: Sequence[str], classes: Sequence[Any] | None) -> Answer:
    """Its last layer is the number, or the logarithm of it."""
    refuse_classes(estimator, classes)
    last = "exp" if estimator.loss == "poisson" else "identity"
    layers = _layers(estimator, features, 1, last)
    return Answer(layers=layers, prediction=f"({layers.values})[1]", numbers=_numbers)


def _last(two: bool) -> str:
    return "logistic" if two else "softmax"


def _layers(estimator: Any, features: Sequence[str], outputs: int, last: str) -> Layers:
    given = estimator.hidden_layer_sizes
    hidden = [given] if isinstance(given, int) else list(given)
    count = len(hidden) + 1
    return Layers(
        [(f"coefs_{i}", f"intercepts_{i}") for i in range(count)],
        [len(features), *hidden, outputs],
        [*([estimator.activation] * len(hidden)), last],
    )


def _numbers(estimator: Any) -> list[Layer] | None:
    if not hasattr(estimator, "coefs_"):
        return None
    return [
        Layer(weights.T, added)
        for weights, added in zip(estimator.coefs_, estimator.intercepts_, strict=True)
    ]

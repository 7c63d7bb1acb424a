"""IncrementalPCA, MiniBatchDictionaryLearning and MiniBatchKMeans: one layer each.

scikit-learn's decomposition/_base.py and _dict_learning.py, cluster/_kmeans.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pgpredict_transpiler.learning.answering.answer import Answer
from pgpredict_transpiler.learning.answering.layers import Layer, Layers
from pgpredict_transpiler.learning.fitted import refuse_classes
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.text import number


def principal_components(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> Answer:
    """What `transform` gives: the place of a row along each component."""
    refuse_classes(estimator, classes)
    kept = estimator.n_components or len(features)
    if hasattr(estimator, "components_"):
        kept = len(estimator.components_)
    layers = _one_layer("components", "offsets", len(features), kept)
    return Answer(
        layers=layers,
        prediction=layers.values,
        numbers=_of_components,
        gives_vector=True,
        fewest=kept,
    )


def dictionary(estimator: Any, features: Sequence[str], classes: Sequence[Any] | None) -> Answer:
    """What `transform` gives where it cuts small coefficients off.

    Raises:
        UnsupportedEstimator: it searches for the coefficients of each row.
    """
    refuse_classes(estimator, classes)
    if estimator.transform_algorithm != "threshold":
        refuse(
            estimator,
            "its transform searches for the coefficients of each row; with "
            "transform_algorithm='threshold' it can answer in the database",
            f"transform_algorithm={estimator.transform_algorithm!r}",
        )
    atoms = estimator.n_components or len(features)
    layers = _one_layer("components", "offsets", len(features), atoms)
    alpha = estimator.transform_alpha
    threshold = number(float(estimator.alpha if alpha is None else alpha))
    options = f"{_word(estimator.positive_code)}, {_word(estimator.split_sign)}"
    return Answer(
        layers=layers,
        prediction=f"pgpredict.soft_threshold({layers.values}, {threshold}, {options})",
        numbers=_of_atoms,
        gives_vector=True,
    )


def clusters(estimator: Any, features: Sequence[str], classes: Sequence[Any] | None) -> Answer:
    """The nearest center: the one with the greatest x * c - c * c / 2."""
    refuse_classes(estimator, classes)
    layers = _one_layer("cluster_centers", "half_squares", len(features), estimator.n_clusters)
    return Answer(
        layers=layers,
        prediction=f"pgpredict.place_of_most({layers.values})",
        numbers=_of_centers,
        fewest=estimator.n_clusters,
    )


def _one_layer(weights: str, added: str, inputs: int, units: int) -> Layers:
    return Layers([(weights, added)], [inputs, units], ["identity"])


def _of_components(estimator: Any) -> list[Layer] | None:
    if not hasattr(estimator, "components_"):
        return None
    along, variance = estimator.components_, estimator.explained_variance_
    least = np.finfo(variance.dtype).eps
    # As transform does, which divides by no less.
    scale = np.maximum(np.sqrt(variance), least) if estimator.whiten else np.ones(len(variance))
    return [Layer(along / scale[:, None], -(estimator.mean_ @ along.T) / scale)]


def _of_atoms(estimator: Any) -> list[Layer] | None:
    if not hasattr(estimator, "components_"):
        return None
    return [Layer(estimator.components_, np.zeros(len(estimator.components_)))]


def _of_centers(estimator: Any) -> list[Layer] | None:
    if not hasattr(estimator, "cluster_centers_"):
        return None
    centers = estimator.cluster_centers_
    return [Layer(centers, -0.5 * (centers * centers).sum(axis=1))]


def _word(given: bool) -> str:
    return "true" if given else "false"

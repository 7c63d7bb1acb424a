"""MiniBatchKMeans as a learner (scikit-learn's cluster/_kmeans.py, _k_means_minibatch.pyx)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from pgpredict_transpiler.errors import InvalidLearner
from pgpredict_transpiler.learning import nearest
from pgpredict_transpiler.learning.centers_kernel import Centers, lanes_for
from pgpredict_transpiler.learning.fitted import check_features, refuse_classes, with_attributes
from pgpredict_transpiler.learning.lanes import Lanes, tried_twice
from pgpredict_transpiler.learning.program import Block, Floats, LearningProgram, joined, starts
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.text import Product, number

NAMES = """
n int := cardinality(features) / {features};
at int;
half float8;
weight float8;
result float8[];
""".strip()


def clusterer(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> LearningProgram:
    """MiniBatchKMeans that starts from given centers and never moves one at random."""
    refuse_classes(estimator, classes)
    check_features(estimator, features)
    centers = _centers(estimator, len(features))
    blocks = (
        *nearest.center_blocks(*centers.shape),
        Block("counts", (len(centers),)),
        Block("n_steps"),
    )
    values = nearest.derived(centers)
    values["counts"] = getattr(estimator, "_counts", np.zeros(len(centers)))
    values["n_steps"] = getattr(estimator, "n_steps_", 0)
    return LearningProgram(
        features=tuple(features),
        classes=(),
        blocks=blocks,
        initial=joined(blocks, values),
        kernel=_kernel(blocks),
        prediction=nearest.number_of_nearest(blocks),
        probability=None,
        exporter=partial(_export, estimator, tuple(features)),
    )


def _centers(estimator: Any, features: int) -> Floats:
    try:
        estimator._validate_params()
    except ValueError as error:
        refuse(estimator, str(error))
    if estimator.reassignment_ratio != 0:
        refuse(
            estimator,
            "it moves centers to rows drawn at random; take reassignment_ratio=0, or let it learn "
            "in the worker",
            "reassignment_ratio",
        )
    known = getattr(estimator, "cluster_centers_", None)
    if known is not None:
        return np.asarray(known, dtype=np.float64)
    if isinstance(estimator.init, str) or callable(estimator.init):
        refuse(
            estimator,
            "it draws its first centers from the rows of the first batch; fit it on some rows "
            "first, or give it the centers as an array",
            f"init={estimator.init!r}",
        )
    centers = np.asarray(estimator.init, dtype=np.float64)
    if centers.shape != (estimator.n_clusters, features) or not np.isfinite(centers).all():
        raise InvalidLearner(
            f"the first centers have the shape {centers.shape}, or are not finite",
            do=f"give {estimator.n_clusters} centers of {features} numbers",
        )
    return centers


def _kernel(blocks: Sequence[Block]) -> str:
    count, features = blocks[0].shape
    start = starts(blocks)
    centers = Centers(lanes_for(features, count), count, start[nearest.CENTERS])

    def text(lanes: Lanes, product: Product) -> str:
        centers = Centers(lanes, count, start[nearest.CENTERS])
        members = "\n".join(
            [
                f"at := {centers.place()};",
                lanes.loaded("x", "parameters", "at"),
                f"weight := parameters[{start['counts']} + k];",
                lanes.each(f"{{x}} := {product('{x}', 'weight')};"),
                centers.each_member("{x} := {x} + features[at + {j}];"),
                "weight := weight + cardinality(members);",
                f"result[{start['counts']} + k] := weight;",
                f"weight := {number(1)} / weight;",
                f"at := {centers.place()};",
                lanes.each(f"{{x}} := {product('{x}', 'weight')};"),
                lanes.stored("x", "result", "at"),
            ]
        )
        steps = f"result[{start['n_steps'] + 1}]"
        return "\n".join(
            [
                "result := parameters;",
                centers.nearest(product),
                centers.each_with_members(members),
                f"{steps} := {steps} + 1;",
                nearest.noted(blocks),
            ]
        )

    scalars = f"{NAMES.format(features=features)}\n{centers.scalars}"
    return tried_twice(centers.lanes, scalars, centers.vectors, text)


def _export(estimator: Any, features: tuple[str, ...], values: Mapping[str, Floats]) -> Any:
    centers = values[nearest.CENTERS]
    learnt = {
        "cluster_centers_": centers,
        "n_steps_": int(values["n_steps"]),
        "_counts": values["counts"],
        "_n_features_out": len(centers),
        "_n_since_last_reassign": 0,
        "_n_threads": getattr(estimator, "_n_threads", 1),
        "_batch_size": estimator.batch_size,
        "_random_state": check_random_state(estimator.random_state),
    }
    return with_attributes(estimator, features, (), learnt)

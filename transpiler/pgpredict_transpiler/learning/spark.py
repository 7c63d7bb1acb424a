"""The streaming algorithms of Spark's MLlib as learners (see `streaming`, their Python form)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from pgpredict_transpiler.learning import answers, nearest
from pgpredict_transpiler.learning.centers_kernel import Centers, lanes_for
from pgpredict_transpiler.learning.fitted import check_features, refuse_classes, with_attributes
from pgpredict_transpiler.learning.lanes import Lanes, tried_twice
from pgpredict_transpiler.learning.program import Block, Floats, LearningProgram, joined, starts
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.text import Product, indented, is_tame, number, tame

CLUSTER_NAMES = """
n int := cardinality(features) / {features};
at int;
other int;
largest int;
smallest int;
z float8;
half float8;
weight float8;
share float8;
rest float8;
discount float8;
result float8[];
""".strip()

REGRESSION_NAMES = """
n int := cardinality(labels);
at int;
p float8;
z float8;
rate float8;
moved float8;
size float8;
result float8[];
""".strip()


def streaming_kmeans(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> LearningProgram:
    """StreamingKMeans: centers that forget."""
    refuse_classes(estimator, classes)
    check_features(estimator, features)
    try:
        centers, weights = estimator.start(len(features))
    except ValueError as error:
        refuse(estimator, str(error))
    if hasattr(estimator, "cluster_centers_"):
        centers, weights = estimator.cluster_centers_, estimator.cluster_weights_
    blocks = (
        *nearest.center_blocks(*centers.shape),
        Block("cluster_weights", (len(centers),)),
    )
    return LearningProgram(
        features=tuple(features),
        classes=(),
        blocks=blocks,
        initial=joined(blocks, nearest.derived(centers) | {"cluster_weights": weights}),
        kernel=_cluster_kernel(estimator, blocks),
        prediction=nearest.number_of_nearest(blocks),
        probability=None,
        exporter=partial(_export_centers, estimator, tuple(features)),
    )


def _discount(estimator: Any) -> str:
    """What is left of the past, as `discount_of`; a power must not underflow."""
    decay = estimator.decay
    if estimator.time_unit == "batches" or decay in (0.0, 1.0):
        return f"discount := {number(decay)};"
    far = number(math.log(1e-300))
    return (
        f"discount := CASE WHEN n * {number(math.log(decay))} < {far} THEN 0\n"
        f"  ELSE power({number(decay)}, n) END;"
    )


def _cluster_kernel(estimator: Any, blocks: Sequence[Block]) -> str:
    count, features = blocks[0].shape
    start = starts(blocks)
    centers = Centers(lanes_for(features, count), count, start[nearest.CENTERS])
    weight = f"result[{start['cluster_weights']} + k]"

    def text(lanes: Lanes, product: Product) -> str:
        centers = Centers(lanes, count, start[nearest.CENTERS])
        fade = f"weight := {weight};\n{weight} := {product('weight', 'discount')};"
        move = "\n".join(
            [
                "z := parameters[at + {j}];",
                f"z := {product('z', 'rest')};",
                f"{{x}} := {product('share', '{x}')};",
                "result[at + {j}] := z + {x};",
            ]
        )
        members = "\n".join(
            [
                lanes.filled("x", number(0)),
                centers.each_member("{x} := {x} + features[at + {j}];"),
                f"{weight} := {weight} + cardinality(members);",
                f"share := cardinality(members) / greatest({weight}, {number(1e-16)});",
                "rest := 1 - share;",
                "share := share / cardinality(members);",
                f"at := {centers.place()};",
                lanes.each(move),
            ]
        )
        return "\n".join(
            [
                "result := parameters;",
                centers.nearest(product),
                _discount(estimator),
                f"FOR k IN 1..{count} LOOP\n{indented(fade)}\nEND LOOP;",
                centers.each_with_members(members),
                _split(centers, start["cluster_weights"]),
                nearest.noted(blocks),
            ]
        )

    scalars = f"{CLUSTER_NAMES.format(features=features)}\n{centers.scalars}"
    return tried_twice(centers.lanes, scalars, centers.vectors, text)


def _split(centers: Centers, weights: int) -> str:
    """Gives half of the largest cluster to one that is dying."""
    return "\n".join(
        [
            "largest := 1;",
            "smallest := 1;",
            f"FOR k IN 2..{centers.count} LOOP",
            f"  weight := result[{weights} + k];",
            f"  IF weight > result[{weights} + largest] THEN largest := k; END IF;",
            f"  IF weight < result[{weights} + smallest] THEN smallest := k; END IF;",
            "END LOOP;",
            f"weight := result[{weights} + largest];",
            f"IF result[{weights} + smallest] < {number(1e-8)} * weight THEN",
            f"  weight := (weight + result[{weights} + smallest]) / 2;",
            f"  result[{weights} + largest] := weight;",
            f"  result[{weights} + smallest] := weight;",
            f"  at := {centers.place('largest')};",
            f"  other := {centers.place('smallest')};",
            f"  FOR j IN 1..{centers.lanes.count} LOOP",
            "    z := result[at + j];",
            f"    share := {number(1e-14)} * greatest(abs(z), 1);",
            "    result[at + j] := z + share;",
            "    result[other + j] := z - share;",
            "  END LOOP;",
            "END IF;",
        ]
    )


def _export_centers(estimator: Any, features: tuple[str, ...], values: Mapping[str, Floats]) -> Any:
    learnt = {
        "cluster_centers_": values[nearest.CENTERS],
        "cluster_weights_": values["cluster_weights"],
    }
    return with_attributes(estimator, features, (), learnt)


def streaming_regression(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> LearningProgram:
    """StreamingLinearRegressionWithSGD: gradient descent over each batch."""
    refuse_classes(estimator, classes)
    check_features(estimator, features)
    try:
        coef = estimator.start(len(features))
    except ValueError as error:
        refuse(estimator, str(error))
    coef = np.asarray(getattr(estimator, "coef_", coef))
    blocks = Block("coef", (len(features),)), Block("intercept"), Block("ordinary")
    place = starts(blocks)
    values = {"coef": coef, "intercept": 0.0, "ordinary": float(is_tame(coef))}
    return LearningProgram(
        features=tuple(features),
        classes=(),
        blocks=blocks,
        initial=joined(blocks, values),
        kernel=_regression_kernel(estimator, Lanes(len(features)), place["ordinary"] + 1),
        prediction=answers.answer(
            len(features),
            place["ordinary"],
            lambda usual: answers.weighted_sum(
                place["coef"],
                place["intercept"],
                [f"{answers.feature(j)}{answers.cast_of(usual)}" for j in range(len(features))],
                usual,
            ),
        ),
        probability=None,
        exporter=partial(_export_weights, estimator, tuple(features)),
    )


def _regression_kernel(estimator: Any, lanes: Lanes, ordinary: int) -> str:
    def text(lanes: Lanes, product: Product) -> str:
        feature = "features[at + {j}]"
        row = "\n".join(
            [
                f"at := (row - 1) * {lanes.count};",
                lanes.total("p", product("{w}", feature)),
                "z := p - labels[row];",
                lanes.each(f"{{g}} := {{g}} + {product('z', feature)};"),
            ]
        )
        step = "\n".join(
            [
                "{g} := {g} / n;",
                f"z := {product('rate', '{g}')};",
                "{w} := {w} - z;",
                f"moved := moved + {product('z', 'z')};",
                f"size := size + {product('{w}', '{w}')};",
            ]
        )
        tolerance = number(estimator.convergence_tol)
        iteration = "\n".join(
            [
                lanes.filled("g", number(0)),
                f"FOR row IN 1..n LOOP\n{indented(row)}\nEND LOOP;",
                f"rate := {number(estimator.step_size)} / sqrt(i);",
                "moved := 0;\nsize := 0;",
                lanes.each(step),
                f"EXIT WHEN i > 1 AND sqrt(moved) < {tolerance} * greatest(sqrt(size), 1);",
            ]
        )
        return "\n".join(
            [
                "result := parameters;",
                "at := 0;",
                lanes.loaded("w", "parameters", "at"),
                f"FOR i IN 1..{estimator.n_iterations} LOOP\n{indented(iteration)}\nEND LOOP;",
                "at := 0;",
                lanes.stored("w", "result", "at"),
                tame("result", [(0, lanes.count)], ordinary),
            ]
        )

    return tried_twice(lanes, REGRESSION_NAMES, ["w", "g"], text)


def _export_weights(estimator: Any, features: tuple[str, ...], values: Mapping[str, Floats]) -> Any:
    learnt = {"coef_": values["coef"], "intercept_": 0.0}
    return with_attributes(estimator, features, (), learnt)

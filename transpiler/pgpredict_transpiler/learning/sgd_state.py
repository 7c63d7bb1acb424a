"""The parameters of an SGD estimator: what it keeps, read from it and put back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pgpredict_transpiler.learning.fitted import with_attributes
from pgpredict_transpiler.learning.program import Block, Floats
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.sgd_rule import Rule

AVERAGED = ("standard_coef", "standard_intercept", "average_coef", "average_intercept")


def blocks(rule: Rule, count: int) -> tuple[Block, ...]:
    """What is kept: the parameters that predict, and with averages both kinds of them."""
    weights, intercepts = (rule.problems, count), (rule.problems,)
    names = ["coef", "intercept", *(AVERAGED if rule.average else ())]
    parts = [Block(name, weights if name.endswith("coef") else intercepts) for name in names]
    return (*parts, Block("t"), Block("ordinary"))


def initial(estimator: Any, kept: Sequence[Block]) -> dict[str, Any]:
    """The numbers of a fitted estimator, or the zeros of _allocate_parameter_mem.

    Raises:
        UnsupportedEstimator: its weights are sparse, or it was fitted without averages and is to
            go on with them.
    """
    values: dict[str, Any] = {block.name: np.zeros(block.shape) for block in kept}
    values["t"] = 1.0
    if getattr(estimator, "coef_", None) is None:
        return values
    if not isinstance(estimator.coef_, np.ndarray):
        refuse(estimator, "its weights are sparse: call densify() first")
    for block in kept[:-2]:  # without t and ordinary
        attribute = f"_{block.name}" if block.name in AVERAGED else f"{block.name}_"
        if getattr(estimator, attribute, None) is None:
            refuse(estimator, "it was fitted without averages and cannot begin with them now")
        values[block.name] = np.reshape(getattr(estimator, attribute), block.shape)
    values["t"] = estimator.t_
    return values


def export(
    estimator: Any,
    features: tuple[str, ...],
    labels: tuple[Any, ...],
    behind_scaler: bool,
    values: Mapping[str, Floats],
) -> Any:
    """A fitted estimator that `partial_fit` goes on with, sharing arrays where it shares them."""
    learnt: dict[str, Any] = {"t_": float(values["t"]), "n_iter_": 1}
    average = int(estimator.average)
    if average:
        flat = len(labels) <= 2
        for name in AVERAGED:
            learnt[f"_{name}"] = values[name].ravel() if flat else values[name]
        used = "average" if average <= learnt["t_"] - 1 else "standard"
        coef, intercept = learnt[f"_{used}_coef"], learnt[f"_{used}_intercept"]
        learnt["coef_"] = np.atleast_2d(coef) if labels else coef
        learnt["intercept_"] = intercept
    else:
        learnt["coef_"] = values["coef"] if labels else values["coef"][0]
        learnt["intercept_"] = values["intercept"]
    return with_attributes(estimator, features, labels, learnt, named=not behind_scaler)

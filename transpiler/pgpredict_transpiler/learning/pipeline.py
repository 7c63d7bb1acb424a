"""A Pipeline of a StandardScaler and a linear learner.

scikit-learn's Pipeline has no `partial_fit`. A batch is what one would write by hand: the scaler's
`partial_fit`, then the learner's with what the scaler makes of the batch.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sklearn.base import clone
from sklearn.preprocessing import StandardScaler

from pgpredict_transpiler.errors import UnsupportedEstimator
from pgpredict_transpiler.learning import sgd
from pgpredict_transpiler.learning.fitted import check_features, with_attributes
from pgpredict_transpiler.learning.lanes import Lanes
from pgpredict_transpiler.learning.program import Floats, LearningProgram
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.scaling import Scaling

LINEAR = {
    "Perceptron": sgd.classifier,
    "PassiveAggressiveClassifier": sgd.classifier,
    "PassiveAggressiveRegressor": sgd.regressor,
    "SGDClassifier": sgd.classifier,
    "SGDRegressor": sgd.regressor,
}


def pipeline(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None
) -> LearningProgram:
    """A StandardScaler, then a linear learner."""
    steps = [(name, step) for name, step in estimator.steps if step not in (None, "passthrough")]
    kinds = [type(step).__name__ for _, step in steps]
    if len(steps) != 2 or type(steps[0][1]) is not StandardScaler or kinds[1] not in LINEAR:
        refuse(
            estimator,
            "in the database learns a StandardScaler with a linear learner behind it "
            f"({', '.join(LINEAR)}); with scikit-learn itself others can learn in the worker",
            " -> ".join(kinds),
        )
    (scaler_name, scaler), (learner_name, learner) = steps
    check_features(scaler, features)
    scaling = Scaling(scaler, Lanes(len(features)))
    try:
        program = LINEAR[kinds[1]](learner, features, classes, scaling)
    except UnsupportedEstimator as refusal:
        at = f"pipeline[{learner_name!r}]"
        raise UnsupportedEstimator(refusal.name, at, refusal.why) from None
    of_scaler = len(scaling.blocks())
    names = [scaler_name] * of_scaler + [learner_name] * (len(program.blocks) - of_scaler)
    return replace(
        program,
        blocks=tuple(
            replace(block, name=f"{name}__{block.name}")
            for name, block in zip(names, program.blocks, strict=True)
        ),
        exporter=partial(_export, estimator, scaling, program),
    )


def _export(
    estimator: Any, scaling: Scaling, program: LearningProgram, values: Mapping[str, Floats]
) -> Any:
    values = {name.rpartition("__")[2]: value for name, value in values.items()}
    learnt = scaling.attributes(values)
    fitted = {
        StandardScaler: with_attributes(scaling.scaler, program.features, (), learnt),
    }
    learner = program.exporter(values)
    with warnings.catch_warnings():  # an estimator may be deprecated; whoever made it knows
        warnings.simplefilter("ignore", FutureWarning)
        made = clone(estimator)
    made.steps = [
        (name, step if step in (None, "passthrough") else fitted.get(type(step), learner))
        for name, step in made.steps
    ]
    return made

"""What cannot learn in the database says why."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier

from pgpredict_transpiler.errors import InvalidLearner, UnsupportedEstimator
from pgpredict_transpiler.learning.registry import learning_program


@pytest.mark.parametrize(
    ("estimator", "why"),
    [
        (SGDClassifier(class_weight="balanced"), "compute_class_weight"),
        (SGDClassifier(early_stopping=True), "early_stopping should be False"),
        (SGDClassifier(alpha=-1.0), "The 'alpha' parameter"),
        (SGDClassifier(alpha=0.0), "alpha must be > 0"),
        (SGDClassifier(loss="log_loss", learning_rate="pa1"), "only works with loss 'hinge'"),
        (SGDClassifier(class_weight={7: 2.0}), "not in class_weight"),
        pytest.param(
            SGDClassifier(random_state=np.random.RandomState(0)),
            "another order at every call",
            id="RandomState",
        ),
        (SGDClassifier(penalty="l1").fit([[1.0], [2.0]], [0, 1]).sparsify(), "densify()"),
        (SGDClassifier().fit([[1.0], [2.0]], [0, 1]).set_params(average=True), "without averages"),
        (MLPClassifier(), "it can learn in the worker"),
        (LinearRegression(), "it has no partial_fit"),
        (SGDClassifier, "not a scikit-learn estimator"),
    ],
    ids=str,
)
def test_unsupported(estimator: Any, why: str) -> None:
    with pytest.raises(UnsupportedEstimator) as refusal:
        learning_program(estimator, ["x"], [0, 1])
    assert why in str(refusal.value)


FITTED = SGDClassifier(random_state=0).fit([[1.0], [2.0]], ["ham", "spam"])


@pytest.mark.parametrize(
    ("estimator", "features", "classes", "why"),
    [
        (SGDClassifier(), ["x"], None, "the classes of the SGDClassifier are not known"),
        (SGDClassifier(), ["x"], ["ham"], "has a single class, 'ham'"),
        (FITTED, ["x"], ["ham", "eggs"], "not those that the SGDClassifier was fitted on"),
        (FITTED, ["x", "y"], None, "has 2 features, but the SGDClassifier was fitted on 1"),
        (SGDRegressor(), ["x"], [1, 2], "a SGDRegressor has no classes"),
    ],
)
def test_invalid(estimator: Any, features: list[str], classes: Any, why: str) -> None:
    with pytest.raises(InvalidLearner) as refusal:
        learning_program(estimator, features, classes)
    assert why in str(refusal.value)


def test_the_classes_of_a_fitted_estimator_may_be_named_in_any_order() -> None:
    assert learning_program(FITTED, ["x"], ["spam", "ham"]).classes == ("ham", "spam")

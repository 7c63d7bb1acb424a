"""The options of scikit-learn's SGD estimators, as far as `partial_fit` heeds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pgpredict_transpiler.learning.losses import Loss, loss
from pgpredict_transpiler.learning.refusals import refuse

LARGEST_SEED = np.iinfo(np.int32).max


@dataclass(frozen=True)
class Rule:
    """How a linear learner takes a step (linear_model/_stochastic_gradient.py).

    Attributes:
        loss: its loss.
        penalty: ``l1``, ``l2``, ``elasticnet`` or ``none``.
        alpha: strength of the penalty.
        l1_ratio: the share of L1 in it.
        schedule: ``constant``, ``optimal``, ``invscaling``, ``pa1`` or ``pa2``.
        eta0: first rate, or the aggressiveness of ``pa1`` and ``pa2``.
        power_t: exponent of ``invscaling``.
        fit_intercept: whether there is an intercept.
        average: from which row on the parameters are averaged; 0: never.
        seeds: one for each of the binary problems, for the order of rows; None: as they come.
        weights: for each binary problem the weights of its positive and its negative class.
        classifies: whether labels are classes.
    """

    loss: Loss
    penalty: str
    alpha: float
    l1_ratio: float
    schedule: str
    eta0: float
    power_t: float
    fit_intercept: bool
    average: int
    seeds: tuple[int, ...] | None
    weights: tuple[tuple[float, float], ...]
    classifies: bool

    @property
    def optimal_init(self) -> float:
        """What is added to t in the schedule ``optimal``: there t starts where eta is typical."""
        typical = np.sqrt(1.0 / np.sqrt(self.alpha))
        initial_eta = typical / max(1.0, self.loss.derivative(1.0, -typical))
        return float(1.0 / (initial_eta * self.alpha))

    @property
    def problems(self) -> int:
        """How many weight vectors are learnt: one for each class if there are more than two."""
        return len(self.weights)


def rule(estimator: Any, classes: Sequence[Any]) -> Rule:
    """Read the options of an SGD estimator.

    Args:
        estimator: SGDClassifier, SGDRegressor or one of their kind.
        classes: of a classifier; empty for a regressor.

    Raises:
        UnsupportedEstimator: `partial_fit` refuses an option, or an order of rows is asked for
            that cannot be told beforehand.
    """
    try:
        estimator._validate_params()
        estimator._more_validate_params(for_partial_fit=True)
    except ValueError as error:
        refuse(estimator, str(error))
    penalty = str(estimator.penalty).lower()
    loss_name, schedule = _loss_and_schedule(estimator)
    return Rule(
        loss=loss(loss_name, float(estimator.epsilon)),
        penalty=penalty,
        alpha=float(estimator.alpha),
        l1_ratio={"l1": 1.0, "elasticnet": float(estimator.l1_ratio or 0.0)}.get(penalty, 0.0),
        # with a single pass over the rows `adaptive` never comes to adapt
        schedule="constant" if schedule == "adaptive" else schedule,
        eta0=float(estimator.eta0),
        power_t=float(estimator.power_t),
        fit_intercept=bool(estimator.fit_intercept),
        average=int(estimator.average),
        seeds=_seeds(estimator, len(classes)) if estimator.shuffle else None,
        weights=_weights(estimator, classes),
        classifies=bool(classes),
    )


def _loss_and_schedule(estimator: Any) -> tuple[str, str]:
    """PassiveAggressive* choose the schedule by the loss (linear_model/_passive_aggressive.py)."""
    name = type(estimator).__name__
    if name == "PassiveAggressiveClassifier":
        return "hinge", "pa1" if estimator.loss == "hinge" else "pa2"
    if name == "PassiveAggressiveRegressor":
        schedule = "pa1" if estimator.loss == "epsilon_insensitive" else "pa2"
        return "epsilon_insensitive", schedule
    return estimator.loss, estimator.learning_rate


def _seeds(estimator: Any, n_classes: int) -> tuple[int, ...]:
    """The seeds that scikit-learn draws in each call, in the order in which it draws them.

    Without a random_state any order of the rows is as good as another, and it is that of 0.
    """
    state = estimator.random_state
    if state is not None and not isinstance(state, (int, np.integer)):
        refuse(estimator, "a RandomState gives another order at every call", "random_state")
    random = np.random.RandomState(state or 0)
    if n_classes == 0:
        return (_seed(random),)
    if n_classes == 2:
        return (_seed_after_dataset(random),)
    each = random.randint(LARGEST_SEED, size=n_classes)
    return tuple(_seed_after_dataset(np.random.RandomState(seed)) for seed in each)


def _seed_after_dataset(random: np.random.RandomState) -> int:
    random.randint(1, LARGEST_SEED)  # drawn by make_dataset (linear_model/_base.py), and not used
    return _seed(random)


def _seed(random: np.random.RandomState) -> int:
    return int(random.randint(LARGEST_SEED)) or 1  # as in our_rand_r (utils/_random.pxd)


def _weights(estimator: Any, classes: Sequence[Any]) -> tuple[tuple[float, float], ...]:
    if not classes:
        return ((1.0, 1.0),)
    given = estimator.class_weight
    if isinstance(given, str):
        refuse(
            estimator,
            "the shares of the classes are not known before the rows come; pass the weights that "
            "compute_class_weight('balanced', …) gives for a sample",
            "class_weight='balanced'",
        )
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.asarray(classes)
    try:
        each = compute_class_weight(given, classes=labels, y=labels).tolist()
    except ValueError as error:
        refuse(estimator, str(error), "class_weight")
    if len(each) == 2:
        return ((each[1], each[0]),)
    return tuple((weight, 1.0) for weight in each)

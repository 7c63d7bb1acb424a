"""SGD in the database is scikit-learn's, bit for bit."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from sklearn.base import clone
from sklearn.linear_model import (
    PassiveAggressiveClassifier,
    PassiveAggressiveRegressor,
    Perceptron,
    SGDClassifier,
    SGDRegressor,
)

from pgpredict_transpiler.learning.lanes import Lanes
from pgpredict_transpiler.learning.registry import learning_program
from tests.transpiler.learning.bench import Learner, taught
from tests.transpiler.learning.data import FOUR_HUNDRED, TWENTY_THOUSAND, in_classes, names, rows

REGRESSION = ("squared_error", "huber", "epsilon_insensitive", "squared_epsilon_insensitive")
CLASSIFICATION = ("log_loss", "hinge", "perceptron", "squared_hinge", "modified_huber", *REGRESSION)
PENALTIES = ("l2", "l1", "elasticnet", None)
SCHEDULES: tuple[dict[str, Any], ...] = (
    {"learning_rate": "optimal"},
    {"learning_rate": "constant", "eta0": 0.01},
    {"learning_rate": "invscaling", "eta0": 0.05, "power_t": 0.3},
    {"learning_rate": "adaptive", "eta0": 0.002},
)
# Averages from the first row on, from the middle of a batch on, and after the last row.
OTHERS: tuple[dict[str, Any], ...] = (
    {"shuffle": False},
    {"random_state": 7, "average": True},
    {"random_state": 8, "average": 100},
    {"shuffle": False, "average": 10_000},
    {"random_state": 9, "fit_intercept": False},
)


def assert_same(learnt: Any, oracle: Any) -> None:
    kept = ["coef_", "intercept_", "t_"]
    if oracle.average:
        kept += ["_standard_coef", "_standard_intercept", "_average_coef", "_average_intercept"]
    for name in kept:
        assert np.array_equal(getattr(learnt, name), getattr(oracle, name)), name


def assert_learns_the_same(
    connection: psycopg.Connection,
    estimator: Any,
    classes: int = 0,
    sizes: tuple[int, ...] = FOUR_HUNDRED,
    features: int = 5,
) -> None:
    """The same numbers as scikit-learn; `classes` is 0 for a regressor."""
    X, y = rows(sum(sizes), features)
    labels = range(classes) if classes else None
    if classes:
        y = in_classes(y, classes)
    learner = Learner(connection, learning_program(estimator, names(X), labels))
    first = {"classes": labels} if classes else {}
    assert_same(learner.learn(X, y, sizes), taught(clone(estimator), X, y, sizes, **first))


def grid(losses: tuple[str, ...]) -> Iterator[Any]:
    """Every loss with every penalty, with the schedules and the other options taking turns."""
    schedules, others = itertools.cycle(SCHEDULES), itertools.cycle(OTHERS)
    for loss, penalty in itertools.product(losses, PENALTIES):
        options = {"loss": loss, "penalty": penalty, "alpha": 0.003}
        options |= next(schedules) | next(others)
        yield pytest.param(options, id=" ".join(str(value) for value in options.values()))
        if penalty == PENALTIES[-1]:
            next(schedules)  # so that a loss does not meet the same schedules as the one before


@pytest.mark.parametrize("options", tuple(grid(CLASSIFICATION)))
@pytest.mark.parametrize("classes", [2, 3])
def test_classifiers(connection: psycopg.Connection, options: dict[str, Any], classes: int) -> None:
    assert_learns_the_same(connection, SGDClassifier(**options), classes)


@pytest.mark.parametrize("options", tuple(grid(REGRESSION)))
def test_regressors(connection: psycopg.Connection, options: dict[str, Any]) -> None:
    assert_learns_the_same(connection, SGDRegressor(**options))


def long_runs() -> Iterator[Any]:
    """Every schedule with every penalty, every loss, and everything else with several of each.

    The other pairs are those of `grid`, whose runs are short.
    """
    losses: list[tuple[Any, str]] = [(SGDClassifier, loss) for loss in CLASSIFICATION]
    losses += [(SGDRegressor, loss) for loss in REGRESSION]
    for n in range(len(SCHEDULES) * len(PENALTIES)):
        made_of, loss = losses[n % len(losses)]
        options: dict[str, Any] = {
            "loss": loss,
            "penalty": PENALTIES[(n + n // 4) % 4],
            "alpha": 0.003,
        }
        options |= SCHEDULES[n % 4] | OTHERS[n % 5]
        if options.get("eta0"):
            options["eta0"] /= 5  # so that the squared losses do not overflow
        classes = 0
        if made_of is SGDClassifier:
            classes = 2 + n // 2 % 2
            options["class_weight"] = {0: 0.3, 1: 2.5} if n % 3 == 0 else None
        yield pytest.param(
            made_of(**options), classes, id=" ".join(str(value) for value in options.values())
        )


@pytest.mark.parametrize(
    ("estimator", "classes"),
    [
        *long_runs(),
        (SGDClassifier(learning_rate="pa1", eta0=0.3, penalty=None, class_weight={0: 0.3}), 3),
        (SGDClassifier(learning_rate="pa2", eta0=0.3, average=5000, shuffle=False), 2),
        (SGDRegressor("epsilon_insensitive", learning_rate="pa1", eta0=0.3, penalty=None), 0),
        (SGDRegressor("epsilon_insensitive", learning_rate="pa2", eta0=0.3, average=True), 0),
        (Perceptron(), 2),
        (Perceptron(penalty="l1"), 3),
    ],
    ids=str,
)
def test_twenty_thousand_rows(connection: psycopg.Connection, estimator: Any, classes: int) -> None:
    assert sum(TWENTY_THOUSAND) == 20_000
    if estimator.shuffle and estimator.random_state is None:
        estimator.set_params(random_state=3)
    assert_learns_the_same(connection, estimator, classes, TWENTY_THOUSAND, features=8)


def test_on_every_version_of_postgres(every_connection: psycopg.Connection) -> None:
    estimator = SGDClassifier(loss="log_loss", penalty="elasticnet", average=True, random_state=0)
    assert_learns_the_same(every_connection, estimator, 3)


@pytest.mark.parametrize(
    "estimator",
    [
        SGDClassifier(class_weight={0: 0.3, 1: 2.5}, random_state=1),
        SGDClassifier(loss="log_loss", class_weight={1: 7}, average=True, random_state=1),
        Perceptron(class_weight={0: 2.0}, penalty="elasticnet", l1_ratio=0.4, eta0=0.3),
        Perceptron(fit_intercept=False, shuffle=False),
    ],
    ids=str,
)
@pytest.mark.parametrize("classes", [2, 3])
def test_weights_of_classes(connection: psycopg.Connection, estimator: Any, classes: int) -> None:
    assert_learns_the_same(connection, estimator, classes)


@pytest.mark.filterwarnings("ignore:Class PassiveAggressive:FutureWarning")
@pytest.mark.parametrize("squared", ["", "squared_"])
def test_the_estimators_that_pa1_and_pa2_replace(
    connection: psycopg.Connection, squared: str
) -> None:
    estimator = PassiveAggressiveClassifier(loss=f"{squared}hinge", C=0.1, random_state=0)
    assert_learns_the_same(connection, estimator, 3)
    connection.execute("DROP FUNCTION step, prediction")
    estimator = PassiveAggressiveRegressor(loss=f"{squared}epsilon_insensitive", random_state=0)
    assert_learns_the_same(connection, estimator)


@pytest.mark.parametrize(
    "estimator",
    [
        SGDClassifier(loss="log_loss", random_state=0),
        SGDClassifier(penalty="elasticnet", average=True, random_state=0),
    ],
    ids=str,
)
def test_so_many_features_that_the_kernel_loops(
    connection: psycopg.Connection, estimator: Any
) -> None:
    assert Lanes(150).wide
    assert_learns_the_same(connection, estimator, 2, features=150)


def test_a_row_of_zeros_is_passed_over_by_pa1(connection: psycopg.Connection) -> None:
    estimator = SGDClassifier(learning_rate="pa1", average=3, shuffle=False, eta0=1.0)
    learner = Learner(connection, learning_program(estimator, ["a", "b"], [0, 1]))
    X = np.array([[1.0, 2.0], [0.0, 0.0], [-1.0, 3.0], [2.0, 0.5]])
    y = np.array([1.0, 0.0, 0.0, 1.0])
    assert_same(learner.learn(X, y, (2, 2)), taught(clone(estimator), X, y, (2, 2), classes=[0, 1]))


def test_weights_shrunk_to_nothing(connection: psycopg.Connection) -> None:
    """The scale of the weights falls below 1e-9 within a batch, and to zero at last."""
    for alpha in (0.05, 0.5, 3.0):
        options = {"alpha": alpha, "learning_rate": "constant", "eta0": 0.6}
        estimator = SGDClassifier(average=True, random_state=0, **options)
        assert_learns_the_same(connection, estimator, 2)
        connection.execute("DROP FUNCTION step, prediction")


def test_products_that_underflow(connection: psycopg.Connection) -> None:
    """Postgres raises where a product underflows; the kernel does what Python does."""
    random = np.random.default_rng(0)
    X = random.normal(size=(90, 3)) * [1.0, 1e-160, 1e-310]
    y = (X[:, 0] > 0).astype(np.float64)
    for options in ({"penalty": "l1"}, {"average": True}, {"loss": "log_loss", "alpha": 0.1}):
        estimator = SGDClassifier(random_state=0, class_weight={0: 1e-3}, **options)
        learner = Learner(connection, learning_program(estimator, names(X), [0, 1]))
        learnt = learner.learn(X * 30.0, y, (30, 60))
        assert_same(learnt, taught(clone(estimator), X * 30.0, y, (30, 60), classes=[0, 1]))
        connection.execute("DROP FUNCTION IF EXISTS step, prediction, probability")


def test_an_overflow_raises(connection: psycopg.Connection) -> None:
    learner = Learner(connection, learning_program(SGDRegressor(), ["x"]))
    X, y = np.full((3, 1), 1e200), np.array([1e200, -1e200, 1e200])
    with (
        pytest.raises(psycopg.errors.NumericValueOutOfRange),
        connection.transaction(),
    ):
        learner.step(learner.program.initial, X, y)


def test_no_rows_change_nothing(connection: psycopg.Connection) -> None:
    learner = Learner(connection, learning_program(SGDRegressor(), ["x"]))
    before = np.array([1.0, 2.0, 3.0, 1.0])
    assert np.array_equal(learner.step(before, np.empty((0, 1)), np.empty(0)), before)

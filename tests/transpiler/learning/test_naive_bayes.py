"""Naive Bayes in the database: the counts of scikit-learn, exactly."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import psycopg
import pytest
from sklearn.base import clone
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB

from pgpredict_transpiler.errors import UnsupportedEstimator
from pgpredict_transpiler.learning.program import joined, split
from pgpredict_transpiler.learning.registry import learning_program, sums_program
from tests.transpiler.learning.answering import (
    assert_classifies_as,
    assert_never_raises,
    frame,
    names,
)
from tests.transpiler.learning.bench import Floats, Learner, taught
from tests.transpiler.learning.summing import Sums

UNEVEN = (1, 7, 1000, 300, 2, 4096, 800, 3000, 5000, 5794)
SMALL = (1, 2, 100, 17, 180)
FAMILY = [MultinomialNB(), BernoulliNB(), ComplementNB()]
CONFIGURATIONS = [
    *FAMILY,
    MultinomialNB(alpha=0.1, fit_prior=False),
    MultinomialNB(alpha=[0.5, 1.0, 0.25, 1e-3], class_prior=[0.2, 0.5, 0.3]),
    MultinomialNB(alpha=0.0, force_alpha=False),
    ComplementNB(alpha=0.1, norm=True),
    ComplementNB(alpha=[0.5, 1.0, 0.25, 1e-3], fit_prior=False),
    BernoulliNB(alpha=0.1, binarize=1.5, fit_prior=False),
    BernoulliNB(alpha=1e-12, class_prior=[0.0, 0.5, 0.5]),
    BernoulliNB(binarize=None),
]


def rows(estimator: Any, count: int, features: int, classes: int) -> tuple[Floats, Floats]:
    """Counts whose rates depend on the class; the last class comes late."""
    random = np.random.default_rng(0)
    y = random.integers(0, classes, size=count)
    y[: count // 4] %= classes - 1
    X = random.poisson(random.uniform(0.2, 3.0, size=(classes, features))[y]).astype(float)
    if getattr(estimator, "binarize", 0.0) is None:
        X = np.minimum(X, 1.0)
    return X, y.astype(float)


def oracle_of(estimator: Any, X: Floats, y: Floats, sizes: Sequence[int]) -> Any:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "alpha too small", UserWarning)
        warnings.filterwarnings("ignore", "divide by zero", RuntimeWarning)
        classes = np.unique(y).tolist()
        return taught(clone(estimator), frame(X), y, sizes, classes=classes)


def assert_same(learnt: Any, oracle: Any) -> None:
    for name in ("class_count_", "feature_count_", "feature_log_prob_", "class_log_prior_"):
        assert np.array_equal(getattr(learnt, name), getattr(oracle, name)), name


def assert_derived(learner: Learner, parameters: Floats, oracle: Any) -> None:
    """The weights and offsets in the database are what scikit-learn computes at each prediction."""
    found = split(learner.program.blocks, parameters)
    weight, offset = oracle.feature_log_prob_, oracle.class_log_prior_
    if isinstance(oracle, BernoulliNB):
        absent = np.log(1.0 - np.exp(weight))
        weight, offset = weight - absent, offset + absent.sum(axis=1)
    if isinstance(oracle, ComplementNB):
        offset = np.zeros(len(offset))
    can_be = np.isfinite(offset)
    for given, wanted in [
        (found["weight"], weight),
        (found["offset"][can_be], offset[can_be]),
    ]:
        assert (np.abs(given - wanted) <= 1e-12 * np.abs(wanted)).all()


@pytest.mark.parametrize("estimator", CONFIGURATIONS, ids=repr)
@pytest.mark.parametrize("classes", [2, 3])
def test_configurations(connection: psycopg.Connection, estimator: Any, classes: int) -> None:
    if classes == 2 and estimator.class_prior is not None:
        estimator = clone(estimator).set_params(class_prior=[0.25, 0.75])
    X, y = rows(estimator, sum(SMALL), 4, classes)
    learner = Learner(connection, learning_program(estimator, names(X), range(classes)))
    parameters = learner.after(X, y, SMALL)
    oracle = oracle_of(estimator, X, y, SMALL)
    assert_same(learner.program.export(parameters), oracle)
    assert_derived(learner, parameters, oracle)
    assert_classifies_as(oracle, learner, parameters, X)


@pytest.mark.parametrize("estimator", FAMILY, ids=repr)
def test_twenty_thousand_rows_in_uneven_batches(
    connection: psycopg.Connection, estimator: Any
) -> None:
    X, y = rows(estimator, 20_000, 20, 3)
    learner = Learner(connection, learning_program(estimator, names(X), [0, 1, 2]))
    parameters = learner.after(X, y, UNEVEN)
    oracle = oracle_of(estimator, X, y, UNEVEN)
    assert_same(learner.program.export(parameters), oracle)
    assert_derived(learner, parameters, oracle)


@pytest.mark.parametrize("estimator", FAMILY, ids=repr)
def test_goes_on_from_a_fitted_estimator_and_back(
    connection: psycopg.Connection, estimator: Any
) -> None:
    X, y = rows(estimator, 300, 4, 3)
    halfway = clone(estimator).fit(frame(X[:150]), y[:150])
    learner = Learner(connection, learning_program(halfway, names(X)))
    assert_classifies_as(halfway, learner, learner.program.initial, X)
    exported = learner.learn(X[150:200], y[150:200], [50]).partial_fit(frame(X[200:]), y[200:])
    assert_same(exported, clone(estimator).fit(frame(X), y))


@pytest.mark.parametrize("estimator", FAMILY, ids=repr)
def test_a_class_that_no_row_has_shown(connection: psycopg.Connection, estimator: Any) -> None:
    X, y = rows(estimator, 100, 4, 2)
    learner = Learner(connection, learning_program(estimator, names(X), ["a", "b", "c"]))
    assert learner.answers("prediction", learner.program.initial, X[:1]) == [None]
    assert not hasattr(learner.program.export(learner.program.initial), "classes_")
    parameters = learner.after(X, y, [100])
    assert np.isfinite(parameters).all()
    labels = np.array(["a", "b"])[y.astype(int)]
    oracle = clone(estimator).partial_fit(frame(X), labels, classes=["a", "b", "c"])
    assert_classifies_as(oracle, learner, parameters, X)


@pytest.mark.parametrize("estimator", CONFIGURATIONS[:-1], ids=repr)
def test_rows_can_be_taken_back(connection: psycopg.Connection, estimator: Any) -> None:
    X, y = rows(estimator, 200, 4, 3)
    X *= 0.1  # tenths have no exact sum as floats
    sums = Sums(connection, sums_program(estimator, names(X), [0, 1, 2]))
    half = sums.add(sums.empty, X[:100], y[:100])
    assert sums.take(sums.add(half, X[100:], y[100:]), X[100:], y[100:]) == half
    assert sums.take(half, X[:100], y[:100]) == sums.empty
    assert sums.answers("prediction", sums.solve(sums.empty), X[:1]) == [None]
    state = sums.take(sums.add(half, X[100:], y[100:]), X[:50], y[:50])
    oracle = oracle_of(estimator, X[50:], y[50:], [150])
    fitted = sums.fitted(state)
    assert fitted.feature_log_prob_ == pytest.approx(oracle.feature_log_prob_, rel=1e-12)
    assert np.array_equal(fitted.class_count_, oracle.class_count_)
    given = np.array(sums.answers("probability", sums.solve(state), X))
    assert given == pytest.approx(oracle.predict_proba(frame(X)), rel=1e-9)


def test_nothing_is_infinite_where_a_feature_is_always_there(
    connection: psycopg.Connection,
) -> None:
    estimator = BernoulliNB(alpha=1e-10)
    learner = Learner(connection, learning_program(estimator, ["always", "never"], [0, 1]))
    X = np.array([[1.0, 0.0]] * 4)
    counts = {"class_count": 1e9, "feature_count": [[1e9, 0.0], [1e9, 0.0]], "weight": 0.0}
    before = joined(learner.program.blocks, {**counts, "offset": 0.0, "ordinary": 1.0})
    parameters = learner.step(before, X, np.array([0.0, 1.0, 1.0, 1.0]))
    assert np.isfinite(parameters).all()
    assert learner.answers("prediction", parameters, X[:1]) == [1]


def test_rows_that_scikit_learn_would_refuse_are_told(connection: psycopg.Connection) -> None:
    for estimator, rows, accepted in [
        (MultinomialNB(), [[0.0, 2.5], [1.0, -1e-9]], [True, False]),
        (BernoulliNB(binarize=None), [[0.0, 1.0], [1.0, 0.5]], [True, False]),
    ]:
        program = learning_program(estimator, ["a", "b"], [0, 1])
        query = "CREATE FUNCTION pg_temp.accepts (float8[], float8, float8) RETURNS boolean "
        connection.execute(f"{query} LANGUAGE sql RETURN {program.accepts}".encode())
        given = [
            connection.execute("SELECT pg_temp.accepts(NULL, %s, %s)", row).fetchone()
            for row in rows
        ]
        assert given == [(verdict,) for verdict in accepted]
        connection.execute("DROP FUNCTION pg_temp.accepts")
        assert type(estimator).__name__ in program.expects
    assert learning_program(BernoulliNB(), ["a"], [0, 1]).accepts is None


@pytest.mark.parametrize(
    ("estimator", "reason"),
    [
        (MultinomialNB(alpha=0.0), "without smoothing"),
        (MultinomialNB(alpha=-1.0), "'alpha' parameter"),
        (ComplementNB(alpha=[1.0, 2.0, 3.0]), "one for each feature"),
        (BernoulliNB(alpha=[1.0, 2.0]), "one for each feature"),
        (MultinomialNB(class_prior=[1.0]), "a prior for each of the 2 classes"),
    ],
    ids=repr,
)
def test_options_that_are_refused(estimator: Any, reason: str) -> None:
    with pytest.raises(UnsupportedEstimator, match=reason):
        learning_program(estimator, ["a", "b"], [0, 1])


@pytest.mark.parametrize("estimator", CONFIGURATIONS[:3] + CONFIGURATIONS[-1:], ids=repr)
@pytest.mark.parametrize("classes", [2, 3])
def test_no_row_makes_an_answer_raise(
    connection: psycopg.Connection, estimator: Any, classes: int
) -> None:
    X, y = rows(estimator, 100, 2, classes)
    learner = Learner(connection, learning_program(estimator, names(X), range(classes)))
    usual = learner.after(X, y, [100])
    assert_never_raises(learner, usual, learner.step(usual, X[:3] * 1e300, y[:3]))

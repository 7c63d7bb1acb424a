"""Every estimator that learns in the database: one line each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pgpredict_transpiler.learning import (
    gaussian_nb,
    kmeans,
    least_squares,
    naive_bayes,
    pipeline,
    sgd,
    spark,
)
from pgpredict_transpiler.learning.program import LearningProgram
from pgpredict_transpiler.learning.refusals import refuse
from pgpredict_transpiler.learning.sums import SumsProgram

Maker = Callable[[Any, Sequence[str], Sequence[Any] | None], LearningProgram]

LEARNERS: dict[str, Maker] = {
    "sklearn.Pipeline": pipeline.pipeline,
    "sklearn.SGDClassifier": sgd.classifier,
    "sklearn.Perceptron": sgd.classifier,
    "sklearn.PassiveAggressiveClassifier": sgd.classifier,
    "sklearn.SGDRegressor": sgd.regressor,
    "sklearn.PassiveAggressiveRegressor": sgd.regressor,
    "sklearn.MultinomialNB": naive_bayes.multinomial,
    "sklearn.BernoulliNB": naive_bayes.bernoulli,
    "sklearn.ComplementNB": naive_bayes.complement,
    "sklearn.GaussianNB": gaussian_nb.classifier,
    "sklearn.MiniBatchKMeans": kmeans.clusterer,
    "pgpredict_transpiler.StreamingKMeans": spark.streaming_kmeans,
    "pgpredict_transpiler.StreamingLinearRegressionWithSGD": spark.streaming_regression,
}

# Those that follow from sums over the rows, so that a row can be taken back.
SUMMED: dict[str, Callable[[Any, Sequence[str], Sequence[Any] | None], SumsProgram]] = {
    "sklearn.LinearRegression": least_squares.least_squares,
    "sklearn.Ridge": least_squares.least_squares,
    "sklearn.MultinomialNB": naive_bayes.summed,
    "sklearn.BernoulliNB": naive_bayes.summed,
    "sklearn.ComplementNB": naive_bayes.summed,
}


def learning_program(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None = None
) -> LearningProgram:
    """Turn an estimator with `partial_fit` into a learner for the database.

    Args:
        estimator: fitted, then learning goes on from its numbers, or not.
        features: the names of its inputs, in order; all are float8.
        classes: every label that a classifier will see, in any order; may be left out if the
            estimator is fitted.

    Returns:
        The program; nothing has been executed or stored.

    Raises:
        UnsupportedEstimator: it cannot learn in the database, or an option of it cannot; says why.
        InvalidLearner: features or classes do not fit the estimator.

    Example:
        >>> from sklearn.linear_model import SGDClassifier
        >>> program = learning_program(SGDClassifier(), ["x1", "x2"], ["ham", "spam"])
        >>> [(block.name, block.shape) for block in program.blocks]
        [('coef', (1, 2)), ('intercept', (1,)), ('t', ()), ('ordinary', ())]
        >>> program.classes, program.initial.tolist()
        (('ham', 'spam'), [0.0, 0.0, 0.0, 1.0, 1.0])
    """
    maker = LEARNERS.get(_name(estimator))
    if maker is None:
        refuse(estimator, _why(estimator))
    return maker(estimator, list(features), classes)


def sums_program(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None = None
) -> SumsProgram:
    """Turn an estimator into sums that rows are added to and taken from.

    Args:
        estimator: whose options to take; what it was fitted to is not heeded.
        features: the names of its inputs, in order; all are float8.
        classes: every label that a classifier will see, in any order.

    Returns:
        The program; nothing has been executed or stored.

    Raises:
        UnsupportedEstimator: it does not follow from sums, or an option of it does not; says why.
        InvalidLearner: features or classes do not fit the estimator.

    Example:
        >>> from sklearn.linear_model import Ridge
        >>> program = sums_program(Ridge(), ["x1", "x2"])
        >>> program.sums, [(block.name, block.shape) for block in program.blocks]
        (10, [('coef', (2,)), ('intercept', ()), ('rows', ()), ('ordinary', ())])
    """
    maker = SUMMED.get(_name(estimator))
    if maker is None:
        refuse(
            estimator,
            "its parameters do not follow from sums over the rows: it cannot take a row back",
        )
    return maker(estimator, list(features), classes)


def usual_updates(estimator: Any) -> str:
    """What a learner does with rows that change after it learnt them, unless it is told.

    Returns:
        ``revise`` for what follows from sums and has no `partial_fit`, else ``ignore``.

    Example:
        >>> from sklearn.linear_model import Ridge
        >>> from sklearn.naive_bayes import MultinomialNB
        >>> usual_updates(Ridge()), usual_updates(MultinomialNB())
        ('revise', 'ignore')
    """
    name = _name(estimator)
    return "revise" if name in SUMMED and name not in LEARNERS else "ignore"


def _name(estimator: Any) -> str:
    return f"{type(estimator).__module__.split('.')[0]}.{type(estimator).__name__}"


def _why(estimator: Any) -> str:
    if isinstance(estimator, type) or not hasattr(estimator, "get_params"):
        return "it is not a scikit-learn estimator"
    if _name(estimator) in SUMMED:
        return "it has no partial_fit: it learns with updates='revise', from sums over the rows"
    if not hasattr(estimator, "partial_fit"):
        return "it has no partial_fit, so it cannot learn batch by batch"
    return "no kernel is registered for it; with scikit-learn itself it can learn in the worker"

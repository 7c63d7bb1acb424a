"""The types of scikit-learn, numpy and this project that skops asks about, and that do no harm.

A name stands here only if making an object of the type runs no code of the file's writer, and if
calling it does not either, since a file may have anything called that it may name. That is why
scipy's distributions, which RandomizedSearchCV may draw from, are missing: they run their state.
"""

from __future__ import annotations

from functools import cache

# Wrong node numbers in these two crash the process: `treecheck` looks at the numbers.
TREES = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
# Which columns a ColumnTransformer takes.
COLUMNS = (
    "builtins.object",
    "numpy.floating",
    "numpy.inexact",
    "numpy.integer",
    "numpy.number",
    "sklearn.compose._column_transformer._RemainderColsList",
    "sklearn.compose._column_transformer.make_column_selector",
)
# What SimpleImputer fills with and FunctionTransformer computes; the ufuncs skops knows itself.
FUNCTIONS = (
    "numpy.around",
    "numpy.dtype",
    "numpy.fix",
    "numpy.max",
    "numpy.mean",
    "numpy.median",
    "numpy.min",
    "numpy.nan_to_num",
    "numpy.round",
    "sklearn.utils.validation.check_array",
)
LOSSES = (
    "sklearn._loss.loss.HalfTweedieLoss",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
)
# How a search, or early stopping, chose: not used any more when a model predicts.
SEARCHES = (
    "sklearn.metrics._scorer._MultimetricScorer",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.metrics._scorer._Scorer",
    "sklearn.model_selection._search_successive_halving.HalvingGridSearchCV",
    "sklearn.model_selection._search_successive_halving.HalvingRandomSearchCV",
    "sklearn.model_selection._search_successive_halving._SubsampleMetaSplitter",
    "sklearn.model_selection._split._CVIterableWrapper",
)
SPLITTERS = tuple(
    f"sklearn.model_selection._split.{name}"
    for name in (
        *("GroupKFold", "GroupShuffleSplit", "KFold", "LeaveOneGroupOut", "LeaveOneOut"),
        *("LeavePGroupsOut", "LeavePOut", "PredefinedSplit", "RepeatedKFold"),
        *("RepeatedStratifiedKFold", "ShuffleSplit", "StratifiedGroupKFold", "StratifiedKFold"),
        *("StratifiedShuffleSplit", "TimeSeriesSplit"),
    )
)
# How a network goes on learning: numbers alone.
OPTIMIZERS = (
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
)
# Estimators of this project.
OURS = (
    "pgpredict_transpiler.learning.streaming.StreamingKMeans",
    "pgpredict_transpiler.learning.streaming.StreamingLinearRegressionWithSGD",
)


@cache
def known() -> frozenset[str]:
    """The names of these types, with those of scikit-learn's own metrics.

    Example:
        >>> "sklearn.metrics._ranking.roc_auc_score" in known(), "os.system" in known()
        (True, False)
    """
    tables = (TREES, COLUMNS, FUNCTIONS, LOSSES, SEARCHES, SPLITTERS, OPTIMIZERS, OURS)
    return frozenset(name for table in (*tables, _metrics()) for name in table)


def _metrics() -> list[str]:
    from sklearn.metrics import get_scorer, get_scorer_names

    functions = [get_scorer(name)._score_func for name in get_scorer_names()]
    return [f"{function.__module__}.{function.__name__}" for function in functions]

"""The functions and estimators that a YAML names; the best of several by successive halving."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pgpredict.dagster.attributes import Candidate, Search
from pgpredict.dagster.metrics import Metric, metric_named
from pgpredict.errors import PgpredictError, UnreadableModel

if TYPE_CHECKING:
    import pandas as pd

STEP = "model"


@dataclass(frozen=True)
class Found:
    """A fitted estimator, and how it was found.

    Attributes:
        estimator: the fitted estimator.
        origin: what the YAML calls it.
        parameters: the values that were best, of those that were tried.
        tried: one per candidate and set of values: ``{"candidate", "rows", "score"}`` and values.
    """

    estimator: Any
    origin: str
    parameters: dict[str, Any] = field(default_factory=dict)
    tried: list[dict[str, Any]] = field(default_factory=list)


def named(name: str, package: str | None) -> Any:
    """What ``package.module.name`` is, or ``.module.name`` in the package of the YAML.

    Raises:
        UnreadableModel: there is no such module, it cannot be imported, or has no such name.

    Example:
        >>> named("math.pi", None)
        3.141592653589793
    """
    module, _, attribute = name.rpartition(".")
    if name.startswith("."):
        module = f".{module.lstrip('.')}" if module.lstrip(".") else "."
    if not module:
        raise UnreadableModel(f"{name} names no module", do="write package.module.name")
    try:
        found = importlib.import_module(module, package if module.startswith(".") else None)
        return getattr(found, attribute)
    except AttributeError as error:
        raise UnreadableModel(f"{module} has no {attribute}", do="check the name") from error
    except Exception as error:
        raise UnreadableModel(
            f"cannot import {module}",
            why=f"{type(error).__name__}: {error}",
            do="write package.module.name, or .module.name for a file beside the YAML",
        ) from error


def trained(name: str, package: str | None, X: pd.DataFrame, y: pd.Series[Any]) -> Found:
    """What a function of the user's makes of the rows.

    Raises:
        PgpredictError: it raises, or returns no estimator.
    """
    train = named(name, package)
    try:
        estimator = train(X, y)
    except Exception as error:
        raise _cannot_train(name, error) from error
    if not hasattr(estimator, "predict"):
        raise PgpredictError(
            f"{name} returned a {type(estimator).__name__}, not a fitted estimator",
            do="let it end with: return pipeline.fit(X, y)",
        )
    return Found(estimator, name)


def best(
    candidates: Sequence[Candidate],
    package: str | None,
    X: pd.DataFrame,
    y: pd.Series[Any],
    *,
    metric: str | None,
    search: Search,
) -> Found:
    """The best of several candidates and values, fitted to all rows.

    With scikit-learn's successive halving: all learn a few rows, the better ones more. A single
    candidate without values to try is only fitted.

    Args:
        candidates: estimators, and values to try.
        package: where names that begin with a dot are looked up.
        X: the inputs.
        y: the target.
        metric: name of the metric; None: the usual one.
        search: how they are compared.

    Raises:
        PgpredictError: one of them cannot be trained, or there is no such metric.
    """
    grids = [
        {STEP: [_estimator(candidate, package)], **_prefixed(grid)}
        for candidate in candidates
        for grid in _grids(candidate)
    ]
    origins = [candidate.estimator for candidate in candidates for _ in _grids(candidate)]
    if len(grids) == 1 and len(grids[0]) == 1:
        return Found(_fit(origins[0], grids[0][STEP][0], X, y), origins[0])
    for origin, grid in zip(origins, grids, strict=True):
        _check_parameters(origin, grid)
    return _halved(origins, grids, X, y, _metric(metric, grids[0][STEP][0]), search)


def _halved(
    origins: Sequence[str],
    grids: Sequence[Mapping[str, Any]],
    X: pd.DataFrame,
    y: pd.Series[Any],
    metric: Metric,
    search: Search,
) -> Found:
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingGridSearchCV
    from sklearn.pipeline import Pipeline

    origin_of = {id(grid[STEP][0]): origin for origin, grid in zip(origins, grids, strict=True)}
    halving = HalvingGridSearchCV(
        Pipeline([(STEP, grids[0][STEP][0])]),
        list(grids),
        factor=search.factor,
        cv=search.folds,
        scoring=metric.scorer,
        random_state=search.seed,
        error_score="raise",
    )
    try:
        with warnings.catch_warnings():
            # Of fits to few rows, which are only to be compared.
            warnings.simplefilter("ignore")
            halving.fit(X, y)
    except Exception as error:
        raise _cannot_train(", ".join(dict.fromkeys(origins)), error) from error
    results = halving.cv_results_
    tried = [
        {
            "candidate": origin_of[id(parameters[STEP])],
            "rows": int(rows),
            metric.scorer: float(score),
            **_told(parameters),
        }
        for parameters, rows, score in zip(
            results["params"], results["n_resources"], results["mean_test_score"], strict=True
        )
    ]
    chosen = halving.best_params_
    return Found(
        halving.best_estimator_.named_steps[STEP],
        origin_of[id(chosen[STEP])],
        _told(chosen),
        tried,
    )


def _metric(name: str | None, estimator: Any) -> Metric:
    from sklearn.base import is_classifier

    probability = hasattr(estimator, "predict_proba")
    return metric_named(name, classifier=is_classifier(estimator), probability=probability)


def _estimator(candidate: Candidate, package: str | None) -> Any:
    found = named(candidate.estimator, package)
    # A class, or a function that makes one.
    estimator = found if hasattr(found, "fit") and not isinstance(found, type) else found()
    if not hasattr(estimator, "fit"):
        raise UnreadableModel(
            f"{candidate.estimator} is a {type(estimator).__name__}, not an estimator",
            do="name an estimator, its class, or a function that returns one",
        )
    return estimator


def _grids(candidate: Candidate) -> list[Mapping[str, Sequence[Any]]]:
    grid = candidate.grid
    return [grid] if isinstance(grid, Mapping) else list(grid)


def _prefixed(grid: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    return {f"{STEP}__{name}": values for name, values in grid.items()}


def _told(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name.removeprefix(f"{STEP}__"): value
        for name, value in parameters.items()
        if name.startswith(f"{STEP}__")
    }


def _check_parameters(origin: str, grid: Mapping[str, Any]) -> None:
    known = grid[STEP][0].get_params()
    unknown = [name for name in _told(grid) if name not in known]
    if unknown:
        raise PgpredictError(
            f"{origin} has no parameter {', '.join(unknown)}",
            details=(f"it has: {', '.join(sorted(known))}",),
            do="mend its grid in the YAML",
        )


def _fit(origin: str, estimator: Any, X: pd.DataFrame, y: pd.Series[Any]) -> Any:
    from sklearn.base import clone

    try:
        return clone(estimator).fit(X, y)
    except Exception as error:
        raise _cannot_train(origin, error) from error


def _cannot_train(origin: str, error: Exception) -> PgpredictError:
    lines = (str(error).strip() or "no message").splitlines()
    return PgpredictError(
        f"{origin} cannot be trained",
        why=f"{type(error).__name__}: {lines[0]}",
        details=tuple(lines[1:6]),
        do="the whole traceback is below; try it on the rows of the training table",
    )

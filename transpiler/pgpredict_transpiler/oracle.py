"""What Python says of every row: the answers that the SQL has to give."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator


@dataclass(frozen=True)
class Answers:
    """A model's answers, one for each row.

    Attributes:
        prediction: labels or values as Python scalars; None where Python raises, or says NaN.
        probability: class probabilities in the order of the classes, None likewise; None as a
            whole for a model that has none.
    """

    prediction: list[Any]
    probability: list[list[float] | None] | None

    def head(self, rows: int) -> Answers:
        """The answers to the first rows."""
        return Answers(self.prediction[:rows], self.probability and self.probability[:rows])


def ask(model: Any, frame: pd.DataFrame) -> Answers:
    """Ask a fitted model for its answer to every row, also where some rows make it raise.

    Args:
        model: a fitted scikit-learn estimator.
        frame: its inputs, as `pgpredict_transpiler.sample.as_frame` makes them.

    Returns:
        The answers, in the order of the rows.

    Example:
        >>> from sklearn.linear_model import Perceptron
        >>> model = Perceptron().fit([[0.0], [1.0]], ["low", "high"])
        >>> ask(model, pd.DataFrame({"x": [5.0, np.nan]})).prediction
        ['high', None]
    """
    inputs = inputs_for(model, frame)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        raw = _row_by_row(model.predict, inputs)
        probability = _probabilities(model, inputs, raw) if has_probabilities(model) else None
    return Answers([scalar(value) for value in raw], probability)


def _probabilities(model: Any, inputs: Any, prediction: list[Any]) -> list[list[float] | None]:
    """The probabilities of all rows; those on which predict raised are not asked again."""
    answered = np.array([value is not None for value in prediction], dtype=bool)
    rows = iter(_row_by_row(model.predict_proba, inputs[answered]))
    given = [next(rows) if has_answer else None for has_answer in answered]
    return [None if row is None or np.isnan(row).any() else row.tolist() for row in given]


def has_probabilities(model: Any) -> bool:
    """Whether the model offers predict_proba."""
    return callable(getattr(model, "predict_proba", None))


def inputs_for(model: Any, frame: pd.DataFrame) -> Any:
    """The frame as the model was fitted on it: with names, or as a plain array."""
    names = getattr(model, "feature_names_in_", None)
    frame = _marked_missing(frame, _missing_as_none(model, frame))
    if names is None:
        return frame.to_numpy()
    return frame[[name for name in names if name in frame.columns]]


def _marked_missing(frame: pd.DataFrame, with_none: set[Any]) -> pd.DataFrame:
    """The frame with one marker in each column of text or booleans for all that is missing.

    SQL has one missing value, Python two that scikit-learn tells apart: an imputer for NaN leaves
    None alone. So each column has the one that the model was fitted with, and NaN in doubt.
    """
    columns = []
    for name, column in frame.items():
        if column.dtype.kind == "O" and not isinstance(column.dtype, pd.CategoricalDtype):
            marker = None if name in with_none else np.nan
            values = [marker if pd.isna(value) else value for value in column]
            column = pd.Series(values, column.index, object)
        columns.append(column)
    result = pd.concat(columns, axis=1) if columns else frame
    result.columns = frame.columns
    return result


def _missing_as_none(model: Any, frame: pd.DataFrame) -> set[Any]:
    """The columns whose missing values the model knows as None, not as NaN."""
    found: set[Any] = set()
    for estimator in _estimators_in(model):
        names = list(getattr(estimator, "feature_names_in_", frame.columns))
        if getattr(estimator, "missing_values", np.nan) is None:
            found.update(names)
        categories = getattr(estimator, "categories_", [])
        if len(categories) == len(names):
            found.update(n for n, c in zip(names, categories, strict=True) if _ends_in_none(c))
    return found


def _ends_in_none(categories: Any) -> bool:
    # Missing categories come last, None before NaN.
    return len(categories) > 0 and categories[-1] is None


def _estimators_in(value: Any) -> Iterator[BaseEstimator]:
    """The estimator and all that it is made of."""
    if isinstance(value, BaseEstimator):
        yield value
        value = vars(value)
    parts = value.values() if isinstance(value, dict) else value
    if isinstance(parts, (list, tuple, type({}.values()))):
        for part in parts:
            yield from _estimators_in(part)


def _row_by_row(method: Callable[[Any], Any], inputs: Any) -> list[Any]:
    """Answers to all rows; rows on which Python raises are found by halving."""
    if len(inputs) == 0:
        return []
    try:
        return list(method(inputs))
    except (ValueError, TypeError, FloatingPointError, OverflowError):
        if len(inputs) == 1:
            return _once_more(method, inputs)
    half = len(inputs) // 2
    return _row_by_row(method, inputs[:half]) + _row_by_row(method, inputs[half:])


def _once_more(method: Callable[[Any], Any], row: Any) -> list[Any]:
    """The answer to a row whose whole numbers are written as floats, which is how SQL sees them.

    An imputer that was fitted on floats refuses whole numbers.
    """
    dtypes = row.dtypes.items() if isinstance(row, pd.DataFrame) else ()
    whole = [name for name, dtype in dtypes if dtype.kind in "iu"]
    if not whole:
        return [None]
    try:
        return list(method(row.astype(dict.fromkeys(whole, np.float64))))
    except (ValueError, TypeError, FloatingPointError, OverflowError):
        return [None]


def scalar(value: Any) -> Any:
    """An answer as a Python scalar; None for NaN."""
    if value is None:
        return None
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and np.isnan(value) else value

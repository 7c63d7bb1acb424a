"""What SQL sees of a sample: the names and types of a model's inputs.

Numbers reach the model as float8, so a sample's float32 column is widened before Python is asked
about it: both sides then answer for the same numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pgpredict_transpiler.errors import InvalidSample


@dataclass(frozen=True)
class Input:
    """One column that a model reads.

    Attributes:
        name: the column's name; any text.
        type: its SQL type: float8, text, boolean, timestamp or timestamptz.
    """

    name: str
    type: str


def as_frame(sample: object) -> pd.DataFrame:
    """The sample with the types that SQL knows: float64 or int64, object text, bool, datetime64.

    Args:
        sample: a pandas DataFrame with one row or more.

    Returns:
        A new DataFrame; missing values are NaN in numbers and None in text and booleans.

    Raises:
        InvalidSample: not a DataFrame, no rows, two columns of one name, or a type that has no SQL
            type.

    Example:
        >>> frame = as_frame(pd.DataFrame({"x": np.array([1, 2], dtype="float32")}))
        >>> str(frame["x"].dtype)
        'float64'
    """
    if not isinstance(sample, pd.DataFrame):
        raise InvalidSample(
            f"the sample is a {type(sample).__name__}, not a DataFrame",
            do="pass a pandas DataFrame of the model's input columns",
        )
    if len(sample) == 0:
        raise InvalidSample("the sample has no rows", do="pass at least one row")
    names = [str(name) for name in sample.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidSample(f"the sample has two columns named {twice[0]!r}")
    _check_names(names)
    columns = {name: _normalised(name, sample.iloc[:, i]) for i, name in enumerate(names)}
    frame = pd.DataFrame(columns, index=range(len(sample)))
    frame.columns = sample.columns
    return frame


def _check_names(names: list[str]) -> None:
    for name in names:
        if re.fullmatch(r"\$\d+", name):
            raise InvalidSample(
                f"column {name!r} of the sample has a name that Postgres gives to arguments itself",
                do="rename the column and train the model again",
            )


def inputs_of(frame: pd.DataFrame) -> tuple[Input, ...]:
    """The names and SQL types of a frame that `as_frame` made."""
    return tuple(
        Input(str(name), _sql_type(str(name), frame.iloc[:, i]))
        for i, name in enumerate(frame.columns)
    )


def _normalised(name: str, column: pd.Series) -> object:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        categories = _normalised(name, pd.Series(dtype.categories))
        return pd.Categorical.from_codes(
            column.cat.codes.to_numpy(),
            pd.Index(np.asarray(categories)),
            ordered=bool(dtype.ordered),
        )
    if pd.api.types.is_bool_dtype(dtype):
        return column.to_numpy() if not column.isna().any() else _objects(column)
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return (
            column.to_numpy()
            if dtype.kind == "M" and not isinstance(dtype, pd.DatetimeTZDtype)
            else column.array
        )
    if pd.api.types.is_integer_dtype(dtype) and not column.isna().any():
        return column.to_numpy(dtype=np.int64)
    if pd.api.types.is_numeric_dtype(dtype) and dtype.kind != "c":
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if isinstance(dtype, pd.StringDtype):
        return _objects(column)
    if dtype.kind == "O":
        return _from_objects(name, column)
    raise InvalidSample(
        f"column {name!r} of the sample has type {dtype}, which has no SQL type",
        do="use numbers, text, booleans or timestamps",
    )


def _objects(column: pd.Series) -> np.ndarray:
    return np.array([None if pd.isna(value) else value for value in column], dtype=object)


def _from_objects(name: str, column: pd.Series) -> object:
    kinds = {type(value) for value in column if not pd.isna(value)}
    if kinds <= {str} or kinds <= {bool, np.bool_}:
        return _objects(column)
    if all(issubclass(kind, (int, float, np.integer, np.floating)) for kind in kinds):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    names = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise InvalidSample(
        f"column {name!r} of the sample holds {names}, which have no common SQL type",
        do="use numbers, text, booleans or timestamps",
    )


def _sql_type(name: str, column: pd.Series) -> str:
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _sql_type(name, pd.Series(dtype.categories))
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "timestamptz"
    if dtype.kind == "M":
        return "timestamp"
    if dtype.kind == "b":
        return "boolean"
    if dtype.kind in "iuf":
        return "float8"
    values = [value for value in column if value is not None]
    return "boolean" if values and isinstance(values[0], (bool, np.bool_)) else "text"

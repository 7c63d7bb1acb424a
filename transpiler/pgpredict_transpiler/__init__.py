"""Fitted scikit-learn estimators as SQL. Pure: no database, no files, no network."""

from pgpredict_transpiler.errors import (
    InvalidSample,
    NotFitted,
    PgpredictError,
    UnsupportedEstimator,
)
from pgpredict_transpiler.program import Program
from pgpredict_transpiler.sample import Input
from pgpredict_transpiler.transpile import transpile

__all__ = [
    "Input",
    "InvalidSample",
    "NotFitted",
    "PgpredictError",
    "Program",
    "UnsupportedEstimator",
    "transpile",
]

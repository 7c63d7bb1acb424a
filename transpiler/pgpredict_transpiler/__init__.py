"""Fitted scikit-learn estimators as SQL. Pure: no database, no files, no network."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pgpredict_transpiler.errors import (
    InvalidSample,
    NotFitted,
    PgpredictError,
    UnsupportedEstimator,
)

if TYPE_CHECKING:
    from pgpredict_transpiler.entry import transpile
    from pgpredict_transpiler.learning.streaming import (
        StreamingKMeans,
        StreamingLinearRegressionWithSGD,
    )
    from pgpredict_transpiler.program import Program
    from pgpredict_transpiler.sample import Input

__all__ = [
    "Input",
    "InvalidSample",
    "NotFitted",
    "PgpredictError",
    "Program",
    "StreamingKMeans",
    "StreamingLinearRegressionWithSGD",
    "UnsupportedEstimator",
    "transpile",
]

# Loaded at first use: the command line needs the errors, and should not wait two seconds for
# scikit-learn and sqlglot. (A module must not be called like what it holds: importing it would
# put the module where the function is looked for.)
_MODULES = {
    "Input": "sample",
    "Program": "program",
    "StreamingKMeans": "learning.streaming",
    "StreamingLinearRegressionWithSGD": "learning.streaming",
    "transpile": "entry",
}


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""The model file that is stored beside the functions."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import skops.io

# bytea ends at 1 GB, and the client needs several times the size to send it.
LARGEST = 256 * 1024 * 1024


@dataclass(frozen=True)
class ModelFile:
    """A model as bytes, and their format; both None where there is no safe form."""

    content: bytes | None
    format: str | None
    notes: tuple[str, ...] = ()


def model_bytes(model: object, given: tuple[bytes, str] | None) -> ModelFile:
    """The bytes to store of a model.

    Args:
        model: the fitted estimator.
        given: the original file and its format, stored as it is.

    Returns:
        What was given, else the model as skops writes it, else nothing and a note that says why.
    """
    if given is None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                given = skops.io.dumps(model), "skops"
        except Exception as error:
            # Each estimator can bring objects of its own, and raise what it likes about them.
            return _nothing(f"skops cannot write it ({type(error).__name__}: {error})")
    content, kind = given
    if len(content) > LARGEST:
        return _nothing(f"it has {len(content) / 1e6:,.0f} MB")
    return ModelFile(content, kind)


def _nothing(why: str) -> ModelFile:
    return ModelFile(None, None, (f"the model file is not stored in the database: {why}",))

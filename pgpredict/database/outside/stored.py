"""An estimator as bytes that nothing runs, and back, so that it goes on bit for bit."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED

import numpy as np
from sklearn.exceptions import InconsistentVersionWarning

from pgpredict.database.outside.numbers import arrays
from pgpredict.errors import PgpredictError, UnreadableModel
from pgpredict.modelfile import skopsfile


def write(estimator: Any) -> bytes:
    """The estimator as skops writes it.

    Arrays keep the order of their axes, on which the last bits of a product depend; a view that is
    neither in the order of C nor in that of Fortran would not, so it becomes one of these first,
    in the estimator too. What only grows, and is never read again, is cut.

    Raises:
        Exception: of skops, where it knows no form for a part of the estimator.
    """
    import skops.io

    for holder, name, array in list(arrays(estimator)):
        flags = array.flags
        if array.ndim > 1 and not (flags.c_contiguous or flags.f_contiguous):
            columns_first = array.strides[0] < array.strides[-1]
            kept = np.asfortranarray(array) if columns_first else np.ascontiguousarray(array)
            _put(holder, name, kept)
    losses = getattr(estimator, "loss_curve_", None)
    if isinstance(losses, list):
        del losses[:-1]
    for _, step in getattr(estimator, "steps", ()):
        if isinstance(getattr(step, "loss_curve_", None), list):
            del step.loss_curve_[:-1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = BytesIO()
        skops.io.dump(estimator, content, compression=ZIP_DEFLATED, compresslevel=1)
    return content.getvalue()


def read(learner: str, content: bytes | None, *, going_on: bool) -> Any:
    """An estimator that `write` wrote.

    Args:
        learner: its name, for messages.
        content: the bytes; None: they are not kept.
        going_on: whether it is to learn on, which another release of scikit-learn may do otherwise.

    Raises:
        UnreadableModel: they are not kept, or this Python cannot read them, or not go on with them.
        UntrustedModel: it holds types that are not known to be safe.
    """
    if content is None:
        raise UnreadableModel(f"the model of this state of learner {learner} is not kept")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            estimator = skopsfile.read(f"learner {learner}", content, False)
        except PgpredictError:
            raise
        except Exception as error:
            # A library that is missing here, or of another release: it can raise what it likes.
            raise UnreadableModel(
                f"this Python cannot read the state of learner {learner}",
                why=f"{type(error).__name__}: {error}",
                do="install here what the learner was created with",
            ) from error
    for warning in said if going_on else ():
        if isinstance(warning.message, InconsistentVersionWarning):
            _refuse_version(learner, warning.message)
    return estimator


def _refuse_version(learner: str, told: InconsistentVersionWarning) -> None:
    wrote, here = told.original_sklearn_version, told.current_sklearn_version
    if wrote.split(".")[:2] != here.split(".")[:2]:
        raise UnreadableModel(
            f"learner {learner} was taught by scikit-learn {wrote}, this is {here}",
            why="another release may go on with other numbers",
            do=f"install scikit-learn {wrote} here, or go on with this one: "
            f"db.import_learner({learner!r}, db.export_learner({learner!r}))",
        )


def _put(holder: Any, name: Any, array: Any) -> None:
    if isinstance(holder, dict | list):
        holder[name] = array
    elif not isinstance(holder, tuple):
        setattr(holder, name, array)

"""Reading fitted models: from a file, or from an importable object.

Which files run code when they are read, and which do not:

=========================  =========================================================
``model.skops``            data only; unknown types in it need ``trust``
``.pkl .pickle .joblib``   a pickle runs whatever its writer chose: needs ``trust``
``package.module:object``  imported, as Python imports any module that you name
=========================  =========================================================
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pgpredict.errors import PgpredictError, UnreadableModel
from pgpredict.modelfile import importable, pickles, skopsfile

__all__ = ["LoadedModel", "read_model"]

Reader = Callable[[str, bytes, bool], object]

READERS: dict[str, Reader] = {
    ".skops": skopsfile.read,
    ".pkl": pickles.read,
    ".pickle": pickles.read,
    ".joblib": pickles.read,
}

FORMATS = {".skops": "skops", ".pkl": "pickle", ".pickle": "pickle", ".joblib": "joblib"}

# Formats of the boosters' own, by the library that writes them.
BOOSTERS = {
    ".json": "XGBoost",
    ".ubj": "XGBoost",
    ".txt": "LightGBM",
    ".cbm": "CatBoost",
}

OBJECT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class LoadedModel:
    """A model that was read, and what a reader should know about the reading.

    Attributes:
        estimator: the fitted estimator.
        origin: where it came from, as it was asked for.
        file: the bytes of the file and its format, skops, pickle or joblib; None for an object
            that was imported.
        notes: one line per thing that is not an error: written by another scikit-learn.
    """

    estimator: object
    origin: str
    file: tuple[bytes, str] | None = field(default=None, repr=False)
    notes: tuple[str, ...] = ()


def read_model(location: str | Path, *, trust: bool = False) -> LoadedModel:
    """Read a fitted estimator.

    Args:
        location: path of a ``.skops``, ``.pkl``, ``.pickle`` or ``.joblib`` file, or
            ``package.module:object``, which is imported with the current folder on the path.
        trust: allow what runs code: pickles, and types that skops does not know.

    Returns:
        The estimator, with notes such as "written by scikit-learn 1.5.2".

    Raises:
        UntrustedModel: the file runs code when it is read and `trust` is not set.
        UnreadableModel: no such file; empty, truncated, or no estimator in it.

    Example:
        >>> import tempfile, skops.io
        >>> from sklearn.linear_model import LinearRegression
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "line.skops"
        ...     skops.io.dump(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]), path)
        ...     read_model(path).estimator
        LinearRegression()
    """
    origin = str(location)
    if OBJECT.fullmatch(origin) and not Path(origin).exists():
        return LoadedModel(_checked(importable.find(origin), origin), origin)
    path = Path(location).expanduser()
    _check_there(path)
    reader = _reader(path)
    content = _content(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator = _call(reader, path.name, content, trust)
    return LoadedModel(
        _checked(estimator, path.name),
        origin,
        (content, FORMATS[path.suffix.lower()]),
        _notes(path, caught),
    )


def _reader(path: Path) -> Reader:
    suffix = path.suffix.lower()
    if suffix in BOOSTERS:
        raise UnreadableModel(
            f"cannot read {path.name}: {BOOSTERS[suffix]}'s own format is not supported yet",
            do="save the fitted scikit-learn pipeline with skops.io.dump",
        )
    if suffix not in READERS:
        known = ", ".join(READERS)
        raise UnreadableModel(
            f"cannot read {path.name}: {suffix or 'no suffix'} is not a model file",
            do=f"give a file that ends in {known}, or module:object",
        )
    return READERS[suffix]


def _check_there(path: Path) -> None:
    if path.is_dir():
        raise UnreadableModel(f"cannot read {path}: it is a folder, not a model file")
    if not path.exists():
        raise UnreadableModel(f"cannot read {path}: no such file", do="check the path")


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableModel(
            f"cannot read {path}: {(error.strerror or 'no answer').lower()}", do="check its rights"
        ) from error
    if not content:
        raise UnreadableModel(f"cannot read {path}: the file is empty", do="save the model again")
    return content


def _call(reader: Reader, name: str, content: bytes, trust: bool) -> object:
    try:
        return reader(name, content, trust)
    except PgpredictError:
        raise
    except ImportError as error:
        raise UnreadableModel(
            f"cannot read {name}: it needs a module that is not here",
            why=str(error),
            do="install what the model was trained with, or run where its modules can be imported",
        ) from error
    except Exception as error:
        # A damaged or foreign file makes the readers raise almost anything.
        raise UnreadableModel(
            f"cannot read {name}: it is damaged, or not a model",
            why=f"{type(error).__name__}: {_first_line(error)}",
            do="save the model again, with the scikit-learn that is installed here",
        ) from error


def _checked(estimator: object, origin: str) -> object:
    if isinstance(estimator, type):
        raise UnreadableModel(
            f"{origin} is the class {estimator.__name__}, not a fitted estimator",
            do="name an object on which fit() was called",
        )
    if not (hasattr(estimator, "predict") or hasattr(estimator, "transform")):
        raise UnreadableModel(
            f"{origin} holds a {type(estimator).__name__}, not a scikit-learn estimator",
            do="save the fitted pipeline itself",
        )
    return estimator


def _notes(path: Path, caught: list[warnings.WarningMessage]) -> tuple[str, ...]:
    """Sums up scikit-learn's warnings, one per estimator of a pipeline, in one line."""
    from sklearn.exceptions import InconsistentVersionWarning

    writers: dict[str, str] = {}
    for warning in caught:
        message = warning.message
        if isinstance(message, InconsistentVersionWarning):
            writers[message.original_sklearn_version] = message.current_sklearn_version
        else:
            warnings.warn_explicit(message, warning.category, warning.filename, warning.lineno)
    return tuple(
        f"{path.name} was written by scikit-learn {writer}, this is {here}; "
        "the golden rows hold what this one answers"
        for writer, here in writers.items()
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or "no message").splitlines()[0]

"""Pickle and joblib files, which run code when they are read."""

from __future__ import annotations

from io import BytesIO

from pgpredict.errors import UntrustedModel


def read(name: str, content: bytes, trust: bool) -> object:
    """Read a pickle, as ``pickle.dump`` or ``joblib.dump`` wrote it.

    Args:
        name: of the file, for messages.
        content: its bytes.
        trust: whether its code may run.

    Returns:
        The object in the file.

    Raises:
        UntrustedModel: `trust` is not set.
    """
    if not trust:
        raise UntrustedModel(
            f"{name} is not read without trust",
            why="loading a pickle runs whatever code its writer put into it",
            do="pass --trust (in Python: trust=True) if you know who wrote it, or save .skops",
        )
    import joblib

    found: object = joblib.load(BytesIO(content))
    return found

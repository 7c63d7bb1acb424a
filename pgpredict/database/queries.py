"""The named statements of sql/queries/: ``-- name: promote`` and what follows it."""

from __future__ import annotations

import re
from functools import cache

from pgpredict import sqlfiles

NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def _statements(file: str) -> dict[str, str]:
    text = (sqlfiles.folder() / "queries" / f"{file}.sql").read_text(encoding="utf-8")
    _, *parts = NAME.split(text)
    bodies = (body.strip().removesuffix(";") for body in parts[1::2])
    return dict(zip(parts[::2], bodies, strict=True))


def query(name: str, file: str = "database") -> str:
    """A statement by its name.

    Args:
        name: what stands after ``-- name:``.
        file: file in ``sql/queries``, without its suffix.

    Returns:
        The statement without a semicolon; its parameters are psycopg's.

    Example:
        >>> query("rollback")
        'SELECT pgpredict.rollback(%(model)s) AS version'
    """
    return _statements(file)[name]

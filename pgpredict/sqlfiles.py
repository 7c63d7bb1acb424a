"""Where the SQL files of the database half are."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def folder() -> Path:
    """The folder that holds the SQL files.

    A wheel carries them inside this package; a checkout has them beside it.

    Returns:
        The path of the folder ``sql``.

    Example:
        >>> folder().name
        'sql'
    """
    inside = Path(str(files("pgpredict"))) / "sql"
    return inside if inside.is_dir() else inside.parents[1] / "sql"

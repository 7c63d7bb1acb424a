"""Models named as ``package.module:object``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from pgpredict.errors import UnreadableModel


def find(location: str) -> object:
    """Import the object that ``package.module:object`` names.

    Args:
        location: module and attribute path, with a colon between them.

    Returns:
        The object, whatever it is.

    Raises:
        UnreadableModel: the module cannot be imported, or has no such attribute.

    Example:
        >>> find("math:pi")
        3.141592653589793
    """
    module_name, _, attributes = location.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        # A console script does not have the current folder on its path; people expect it.
        sys.path.insert(0, here)
    try:
        found: object = importlib.import_module(module_name)
    except Exception as error:
        raise UnreadableModel(
            f"cannot import {module_name}",
            why=f"{type(error).__name__}: {error}",
            do="run from the folder that holds the module, or install it",
        ) from error
    for name in attributes.split("."):
        if not hasattr(found, name):
            raise UnreadableModel(f"{module_name} has no {attributes}", do="check the name")
        found = getattr(found, name)
    return found

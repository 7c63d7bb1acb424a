"""Which model names are allowed."""

from __future__ import annotations

import re

from pgpredict.errors import InvalidName

ALLOWED = re.compile(r"[a-z][a-z0-9_]{0,40}")

# A model's functions are called <model>_proba, <model>_v3, <model>_v3_proba …, its stream
# <model>_live: a model of such a name would share them with another one.
TAKEN = re.compile(r".*_(proba|explain|live|v[0-9]+)")


def check_name(name: object) -> str:
    """Refuse a model name that is not allowed.

    Args:
        name: the name asked for.

    Returns:
        The name.

    Raises:
        InvalidName: it does not match ``^[a-z][a-z0-9_]{0,40}$``, or ends as the names of a
            model's own functions do.

    Example:
        >>> check_name("churn")
        'churn'
        >>> check_name("Churn")
        Traceback (most recent call last):
            ...
        pgpredict.errors.InvalidName: 'Churn' is not allowed as the name of a model
          do: use small letters, digits and _, a letter first, at most 41 characters
    """
    if not isinstance(name, str) or not ALLOWED.fullmatch(name):
        raise InvalidName(
            f"{name!r} is not allowed as the name of a model",
            do="use small letters, digits and _, a letter first, at most 41 characters",
        )
    taken = TAKEN.fullmatch(name)
    if taken:
        raise InvalidName(
            f"{name!r} is not allowed as the name of a model",
            why=f"names that end in _{taken[1]} belong to the functions of other models",
            do="choose another ending",
        )
    return name

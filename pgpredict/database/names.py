"""Which names of models are allowed, and which numbers a version can have."""

from __future__ import annotations

import re
from numbers import Integral

from pgpredict.errors import InvalidName, UnknownModel

ALLOWED = re.compile(r"[a-z][a-z0-9_]{0,40}")

# A model's functions are called <model>_proba, <model>_v3, <model>_v3_proba …, its stream
# <model>_live: a model of such a name would share them with another one.
TAKEN = re.compile(r".*_(proba|explain|live|v[0-9]+)")

HIGHEST_VERSION = 2**31 - 1


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


def check_version(model: str, version: object) -> None:
    """Refuse a number that no version can have, before Postgres says that there is no function.

    Args:
        model: name of the model.
        version: the number asked for; None: no number is.

    Raises:
        UnknownModel: it is no whole number from 1 to 2147483647.

    Example:
        >>> check_version("churn", 3)
        >>> check_version("churn", 99_999_999_999)
        Traceback (most recent call last):
            ...
        pgpredict.errors.UnknownModel: churn has no version 99999999999
          do: SELECT * FROM pgpredict.versions
    """
    if version is None or (isinstance(version, Integral) and 0 < int(version) <= HIGHEST_VERSION):
        return
    raise UnknownModel(f"{model} has no version {version}", do="SELECT * FROM pgpredict.versions")

"""What to do about an error, in words of the shell.

The functions in the database advise in SQL, which is what their callers write. Who typed a command
gets a command.
"""

from __future__ import annotations

import re
from typing import Any

LISTS = re.compile(r"SELECT \* FROM pgpredict\.(?P<view>models|versions)\b[^;]*")
PROMOTE = re.compile(r"SELECT pgpredict\.promote\('(?P<model>\w+)', (?P<version>\w+)\)")
NOTHING_ELSE = "deploy another version first: pgpredict deploy {model} FILE --sample FILE_OR_QUERY"


def for_shell(advice: str, given: dict[str, Any]) -> str:
    """Turn the SQL in an advice into commands.

    Args:
        advice: what an error says to do.
        given: arguments and options of the command that failed: ``model``, ``dsn`` …

    Returns:
        The advice; where it leaves a version open, with the newest one that could go live.

    Example:
        >>> for_shell("SELECT * FROM pgpredict.versions", {"model": "churn"})
        'pgpredict show churn'
        >>> for_shell("once it is back: SELECT pgpredict.promote('churn', 2)", {})
        'once it is back: pgpredict promote churn 2'
    """
    model = given.get("model")
    lists = LISTS.fullmatch(advice)
    if lists:
        of_one = lists["view"] == "versions" and model
        return f"pgpredict show {model}" if of_one else "pgpredict models"
    promote = PROMOTE.search(advice)
    if promote is None:
        return advice
    model, version = promote["model"], promote["version"]
    if not version.isdecimal():
        newest = _newest_waiting(model, given.get("dsn"))
        if newest is None:
            return NOTHING_ELSE.format(model=model)
        version = str(newest)
    return PROMOTE.sub(f"pgpredict promote {model} {version}", advice)


def _newest_waiting(model: str, dsn: str | None) -> int | None:
    import pgpredict
    from pgpredict.errors import PgpredictError

    try:
        with pgpredict.connect(dsn) as database:
            versions = database.versions(model)
    except PgpredictError:
        return None  # an error on the way to an advice is not worth a second message
    waiting = [v.version for v in versions if not v.live and v.retired_at is None]
    return max(waiting, default=None)

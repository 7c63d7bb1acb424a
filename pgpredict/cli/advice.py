"""What to do about an error, in words of the shell.

The functions in the database advise in SQL, which is what their callers write. Who typed a command
gets a command.
"""

from __future__ import annotations

import re
from typing import Any

LISTS = re.compile(r"SELECT \* FROM pgpredict\.(?P<view>models|versions|streams)\b[^;]*")
PROMOTE = re.compile(r"SELECT pgpredict\.promote\('(?P<model>\w+)', (?P<version>\w+)\)")
OF_STREAMS = {"drop_stream": "drop", "drop_shadow": "unshadow", "set_retention": "retain"}
OF_STREAM = re.compile(rf"SELECT pgpredict\.(?P<call>{'|'.join(OF_STREAMS)})\((?P<with>[^)]*)\)")
KEY = re.compile(r"key => '\{(?P<columns>[^}]*)\}'")
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
        >>> for_shell("choose another name, or: SELECT pgpredict.drop_stream('churn_now')", {})
        'choose another name, or: pgpredict stream drop churn_now'
    """
    advice = OF_STREAM.sub(_stream_command, KEY.sub(r"--key \g<columns>", advice))
    model = given.get("model")
    lists = LISTS.fullmatch(advice)
    if lists and lists["view"] == "streams":
        return "pgpredict stream list"
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


def _stream_command(call: re.Match[str]) -> str:
    # 'now', 2 or 'now', '30 days': as the shell wants it, with quotes only around blanks.
    given = [part.strip(" '") for part in call["with"].split(",")]
    quoted = [f"'{part}'" if " " in part else part for part in given]
    return " ".join(["pgpredict stream", OF_STREAMS[call["call"]], *quoted])


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

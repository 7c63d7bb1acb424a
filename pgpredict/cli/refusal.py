"""How an error looks on the screen.

error: cannot deploy churn: GaussianProcessClassifier at pipeline['model'] is not supported
  why: its prediction needs an iterative solve per row
  see: pgpredict supported
(exit 3; nothing was changed)
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pgpredict.cli import screen
from pgpredict.cli.advice import for_shell
from pgpredict.cli.exit_codes import ExitCode, exit_code
from pgpredict.errors import DatabaseError, NoServer, PgpredictError

TRACEBACK = "PGPREDICT_TRACEBACK"
# Each is one transaction: what is refused is rolled back.
ALL_OR_NOTHING = frozenset(
    {"deploy", "drop", "init", "promote", "retire", "rollback"}
    | {"backfill", "create", "pause", "publish", "resume", "retain", "retry", "shadow"}
    | {"unpublish", "unshadow"}
)
SEE = re.compile(r"see `(?P<command>[^`]+)`")


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Say in the errors of the block what could not be done.

    Args:
        what: as in "deploy churn"; an error that already says what it cannot do stays as it is.

    Example:
        >>> with doing("deploy churn"):
        ...     raise PgpredictError("the model is not fitted")
        Traceback (most recent call last):
        pgpredict_transpiler.errors.PgpredictError: cannot deploy churn: the model is not fitted
    """
    try:
        yield
    except DatabaseError:
        raise  # it is not about the thing that was to be done
    except PgpredictError as error:
        if not error.message.startswith("cannot "):
            error.message = f"cannot {what}: {error.message}"
        raise


def report(error: Exception, command: str, given: dict[str, Any]) -> ExitCode:
    """Print an error to stderr.

    Args:
        error: what a command raised.
        command: its name, such as "promote".
        given: its arguments and options.

    Returns:
        The code to exit with.
    """
    code = exit_code(error)
    if os.environ.get(TRACEBACK):
        screen.complain("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, PgpredictError):
        error.do = for_shell(error.do, given)
        _print(error.message, _lines(error), _ending(error, code, command))
    elif _is_of_psycopg(error):
        code = ExitCode.DATABASE
        message = (str(error).strip() or type(error).__name__).splitlines()[0]
        _print(f"the database says: {message}", [], f"(exit {code:d})")
    else:
        message = (str(error).strip() or "no message").splitlines()[0]
        advice = f"  do: set {TRACEBACK}=1 to see where, and report it: this is a bug in pgpredict"
        _print(f"unexpected {type(error).__name__}: {message}", [advice], f"(exit {code:d})")
    return code


def _ending(error: PgpredictError, code: ExitCode, command: str) -> str:
    # Where the server is gone nobody knows whether its last word was a commit.
    if command in ALL_OR_NOTHING and not isinstance(error, NoServer):
        return f"(exit {code:d}; nothing was changed)"
    return f"(exit {code:d})"


def _lines(error: PgpredictError) -> list[str]:
    lines = [f"  {line}" for line in error.details]
    if error.why:
        lines.append(f"  why: {error.why}")
    see = SEE.fullmatch(error.do)
    if see:
        lines.append(f"  see: {see['command']}")
    elif error.do:
        lines.append(f"  do: {error.do}")
    return lines


def _is_of_psycopg(error: Exception) -> bool:
    # By name, so that commands that need no database do not import psycopg.
    return any(kind.__module__.split(".")[0] == "psycopg" for kind in type(error).__mro__)


def _print(message: str, lines: list[str], ending: str) -> None:
    screen.complain(message, label="error")
    for line in lines:
        screen.complain(line)
    screen.complain(ending)

"""Which errors pass by themselves, and how long to wait until the next attempt."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import psycopg

from pgpredict.errors import NoServer, PgpredictError

SHORTEST, LONGEST = 0.1, 30.0

# Classes of SQLSTATEs of the moment: a deadlock, no disk or memory, a lock, a cancelled query, I/O.
PASSING = ("40", "53", "55", "57", "58")
# The connection, or what is behind it, went away: network, server, pooler; a former primary.
LOST = ("08", "57P", "25006")


@dataclass
class Backoff:
    """Waits that double from a tenth of a second to half a minute.

    Each is shortened at random, so that workers that failed together do not come back together.

    Example:
        >>> backoff = Backoff()
        >>> 0.05 <= backoff.next() <= 0.1, 0.1 <= backoff.next() <= 0.2
        (True, True)
    """

    attempts: int = 0

    def next(self) -> float:
        """Seconds to wait now."""
        longest = min(LONGEST, SHORTEST * 2.0 ** min(self.attempts, 20))
        self.attempts += 1
        return longest * random.uniform(0.5, 1.0)  # noqa: S311

    def reset(self) -> None:
        """It worked: the next wait is short again."""
        self.attempts = 0


def is_lost(error: psycopg.Error, connection: psycopg.Connection[Any]) -> bool:
    """Whether only another connection can help."""
    return connection.closed or not error.sqlstate or error.sqlstate.startswith(LOST)


def passes(error: Exception) -> bool:
    """Whether the same statement may succeed later."""
    return (getattr(error, "sqlstate", None) or "").startswith(PASSING)


def heals(error: PgpredictError) -> bool:
    """Whether another connection may succeed later where this one did not.

    Example:
        >>> from pgpredict.errors import NoSchema
        >>> heals(NoServer("it restarts")), heals(NoSchema("not installed"))
        (True, False)
    """
    cause = error.__cause__
    if isinstance(error, NoServer):
        return True
    return isinstance(cause, psycopg.Error) and (
        passes(cause) or not cause.sqlstate or cause.sqlstate.startswith(LOST)
    )


def in_words(error: BaseException) -> str:
    """What an error says, in one line."""
    if isinstance(error, PgpredictError):
        return f"{error.message}: {error.why}" if error.why else error.message
    said = error.diag.message_primary if isinstance(error, psycopg.Error) else None
    return (said or str(error).strip() or type(error).__name__).splitlines()[0]

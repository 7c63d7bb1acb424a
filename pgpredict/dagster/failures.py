"""Errors of ours as failures of Dagster: what was wrong, where, what to do, whether to retry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import psycopg

from pgpredict.errors import NoServer, PgpredictError

# SQLSTATEs of what passes by itself: a deadlock, a serialization failure, a lock that was not
# free, too many connections, a server that restarts.
PASSING = ("40", "53", "55P03", "57P", "08")


@contextmanager
def told(doing: str, *, passing: tuple[type[PgpredictError], ...] = ()) -> Iterator[None]:
    """Turn an error that leaves the block into a failure that says what to do.

    Args:
        doing: what was being done, for people: ``scoring late``.
        passing: errors that pass by themselves here, beside those that do everywhere.

    Raises:
        dagster.Failure: with the parts of the error as metadata. Retried, if the asset has a retry
            policy, only where the error may pass by itself.
    """
    try:
        yield
    except PgpredictError as error:
        raise _failure(doing, error, retry=passes(error) or isinstance(error, passing)) from error
    except dg.Failure:
        raise
    except Exception as error:
        # A mistake of ours, or of a library, after which another try would end the same way; or a
        # connection that was lost where nobody looked for it.
        unknown = PgpredictError(f"{type(error).__name__}: {error}", do="see the traceback below")
        raise _failure(doing, unknown, retry=_may_pass(error)) from error


def passes(error: PgpredictError) -> bool:
    """Whether an error may be gone in a minute: no server, a deadlock, too many connections."""
    return isinstance(error, NoServer) or _may_pass(error.__cause__)


def _may_pass(error: BaseException | None) -> bool:
    if not isinstance(error, psycopg.Error):
        return False
    if error.sqlstate is None:  # not from the server: it did not answer
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate.startswith(PASSING)


def refused(doing: str, what: str, *, why: str = "", do: str = "") -> dg.Failure:
    """The failure of something that we refuse ourselves; not retried."""
    return _failure(doing, PgpredictError(what, why=why, do=do), retry=False)


def _failure(doing: str, error: PgpredictError, *, retry: bool) -> dg.Failure:
    parts = {
        "what was wrong": error.message,
        "where": doing,
        "why": error.why,
        "details": "\n".join(error.details),
        "what to do": error.do,
        "kind": type(error).__name__,
    }
    return dg.Failure(
        description=f"{doing}: {error}",
        metadata={name: dg.MetadataValue.text(text) for name, text in parts.items() if text},
        allow_retries=retry,
    )

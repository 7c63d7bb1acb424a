"""The database's errors, told as errors of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.rows import dict_row

from pgpredict import errors
from pgpredict.database.queries import query

# The SQLSTATEs that the functions in sql/schema/ raise; 50_registry.sql, 71_stream_checks.sql and
# 80_learner_checks.sql list them.
RAISED_BY_US: dict[str, type[errors.PgpredictError]] = {
    "PP001": errors.UnknownModel,
    "PP002": errors.SignatureChanged,
    "PP003": errors.InUse,
    "PP004": errors.NothingBefore,
    "PP005": errors.InvalidSource,
    "PP006": errors.UnknownStream,
    "PP007": errors.InvalidStream,
    "PP008": errors.InvalidName,
    "PP009": errors.NoBaseline,
    "PP010": errors.UnknownLearner,
    "PP011": errors.InvalidLearner,
}

LOST = (pg.AdminShutdown, pg.CrashShutdown, pg.CannotConnectNow, pg.IdleInTransactionSessionTimeout)


@contextmanager
def refusals(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Turn every error of psycopg that leaves the block into one of ours.

    Put it around the transaction, not inside: it asks the database what the role may do.
    """
    try:
        yield
    except psycopg.Error as error:
        raise _translated(error, connection) from error


def _translated(error: psycopg.Error, connection: psycopg.Connection[Any]) -> errors.PgpredictError:
    message = error.diag.message_primary or str(error).strip() or type(error).__name__
    details = tuple((error.diag.message_detail or "").splitlines())
    hint = error.diag.message_hint or ""
    kind = RAISED_BY_US.get(error.sqlstate or "")
    if kind is not None:
        return kind(message, details=details, do=hint)
    if connection.closed or connection.broken or isinstance(error, LOST):
        return errors.NoServer(
            "the connection to the database is lost; what was not committed is undone",
            why=message.splitlines()[0],
            do="connect again",
        )
    if isinstance(error, pg.InsufficientPrivilege):
        return _no_rights(message, hint, connection)
    return errors.DatabaseError(f"the database refused: {message}", details=details, do=hint)


def _no_rights(message: str, hint: str, connection: psycopg.Connection[Any]) -> errors.NoRights:
    with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
        state = cursor.execute(query("schema_state")).fetchone() or {}
    do = hint or _remedy(state)
    return errors.NoRights(f"role {state['role']} may not do that", why=message, do=do)


def _remedy(state: dict[str, Any]) -> str:
    role, owner = state["role"], state["owner"]
    if state["is_operator"] and state["may_create"]:
        return ""  # it is about a table of somebody else's: the reason names it
    if owner is None or state["is_operator"]:
        return f"have an administrator run: GRANT CREATE ON DATABASE {state['database']} TO {role}"
    if state["owner_is_superuser"]:
        return f"connect as {owner}, or let an ordinary role own pgpredict, and GRANT it to {role}"
    return f"have an administrator run: GRANT {owner} TO {role}"

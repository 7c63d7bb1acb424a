"""The connection of a worker: may this role work here, do notifications arrive?"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import dict_row

from pgpredict.database import schema
from pgpredict.database.queries import query
from pgpredict.database.refusals import refusals
from pgpredict.database.target import link
from pgpredict.errors import NoRights, NoServer, PgpredictError
from pgpredict.server import EmbeddedServer

# Seconds that a notification may take to arrive.
PATIENCE = 1.0
# Unless the DSN says otherwise. A server that vanished without a word is noticed within half a
# minute, not after the hours that TCP waits on its own.
MANNERS: dict[str, str | int] = {
    "application_name": "pgpredict worker",
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}

statement = partial(query, file="worker")


def address(dsn: str | None) -> Callable[[], str]:
    """Where to connect, each time anew.

    Args:
        dsn: a DSN; None: ``$PGPREDICT_DSN``, else the embedded server. It is started here, but not
            again after somebody stopped it.

    Raises:
        NoServer: the embedded server does not start.
    """
    named = dsn or os.environ.get("PGPREDICT_DSN")
    if named is not None:
        return lambda: named
    server = EmbeddedServer()
    server.start()
    return lambda: server.dsn


def connect(dsn: str) -> psycopg.Connection[Any]:
    """A connection in autocommit that works through any pooler.

    Raises:
        NoServer: nobody answers there, or it does not let us in.
    """
    connection = link(_with_manners(dsn)).connection
    # Prepared statements stay behind on the server when a pooler gives it to another client.
    connection.prepare_threshold = None
    return connection


def reads_committed(connection: psycopg.Connection[Any]) -> bool:
    """Whether a statement outside of a transaction runs at READ COMMITTED, as work has to."""
    row = connection.execute(statement("isolation")).fetchone()
    return row is not None and row[0] == "read committed"


def check(connection: psycopg.Connection[Any]) -> None:
    """Refuse a database in which no worker can work.

    Raises:
        NoSchema, NewerSchema: it has no schema that this release works with.
        NoRights: the role lacks a right; the error lists the grants.
        NoServer: it is a replica.
    """
    with refusals(connection), connection.cursor(row_factory=dict_row) as cursor:
        missing = [row["missing"] for row in cursor.execute(statement("missing_rights"))]
        if missing:
            raise NoRights(
                f"role {connection.info.user} may not work on streams",
                details=tuple(f"missing: {grant}" for grant in missing),
                do="have an administrator run these; docs/worker.md shows a role for workers",
            )
        schema.check(cursor)
        row = cursor.execute(statement("server")).fetchone()
    if row is None or row["reads_only"]:
        raise NoServer(
            "the server takes no writes: it is a replica, or set to read only",
            do="name the primary, or several hosts with target_session_attrs=read-write",
        )


def listen(connection: psycopg.Connection[Any], dsn: str) -> bool:
    """Listen for writers, if notifications arrive here at all.

    A pooler in transaction mode takes the LISTEN and loses what follows. So a second connection
    sends a notification first; while we wait for it nothing else is said, since a pooler might
    bring it with the answer to something else.

    Returns:
        Whether they arrive; if not, nothing listens.
    """
    token = secrets.token_hex(8)
    connection.execute(statement("listen_for_probe"))
    # Where there is no second connection to be had nobody knows: the answer is no.
    with suppress(psycopg.Error, PgpredictError), closing(connect(dsn)) as other:
        other.execute(statement("probe"), {"token": token})
    arrived = _hears(connection, token)
    connection.execute(statement("stop_probe"))
    if arrived:
        connection.execute(statement("listen"))
    return arrived


def _hears(connection: psycopg.Connection[Any], token: str) -> bool:
    until = time.monotonic() + PATIENCE
    while (left := until - time.monotonic()) > 0:
        heard = list(connection.notifies(timeout=left, stop_after=1))
        if any(notice.payload == token for notice in heard):
            return True
    return False


def _with_manners(dsn: str) -> str:
    with suppress(psycopg.Error):  # of a DSN that cannot be read `link` tells in our words
        named = conninfo_to_dict(dsn)
        return make_conninfo(dsn, **{k: v for k, v in MANNERS.items() if k not in named})
    return dsn

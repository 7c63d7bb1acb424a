"""What `connect` accepts, and a connection to it."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from pgpredict.errors import DatabaseError, NoServer

if TYPE_CHECKING:
    from sqlalchemy import Engine

    Target = str | Engine | psycopg.Connection[Any] | None

OLDEST = 14


@dataclass(frozen=True)
class Link:
    """A connection and how to give it back."""

    connection: psycopg.Connection[Any]
    close: Callable[[], None]


def link(target: Target) -> Link:
    """Connect to what the user named.

    Args:
        target: a DSN, a SQLAlchemy engine, a psycopg connection, or None: ``$PGPREDICT_DSN``, else
            the embedded server.

    Returns:
        The connection. Closing it closes only what was opened here.

    Raises:
        NoServer: nobody answers there, or it does not let us in.
        DatabaseError: the target is none of these, or its Postgres is too old.
    """
    found = _link(target)
    version = found.connection.info.server_version
    if version < OLDEST * 10_000:
        found.close()
        raise DatabaseError(
            f"this server is Postgres {version // 10_000}", do=f"use Postgres {OLDEST} or later"
        )
    return found


def _link(target: Target) -> Link:
    if isinstance(target, psycopg.Connection):
        if target.closed:
            raise NoServer("the connection is closed", do="pass an open one, or a DSN")
        return Link(target, lambda: None)
    if target is None or isinstance(target, str):
        return _own(target or os.environ.get("PGPREDICT_DSN") or _embedded())
    # An engine can only come from a SQLAlchemy that is loaded already; loading it takes a while.
    sqlalchemy = sys.modules.get("sqlalchemy")
    if sqlalchemy is not None and isinstance(target, sqlalchemy.Engine):
        return _from_engine(target)
    raise DatabaseError(
        f"cannot connect to a {type(target).__name__}",
        do="pass a DSN, a SQLAlchemy engine, a psycopg connection, or nothing",
    )


def _embedded() -> str:
    from pgpredict.server import EmbeddedServer

    dsn = EmbeddedServer().start().dsn
    assert dsn is not None
    return dsn


def _from_engine(engine: Engine) -> Link:
    if engine.dialect.name != "postgresql":
        raise DatabaseError(
            f"the engine connects to {engine.dialect.name}, not to Postgres", do="pass another one"
        )
    if engine.dialect.driver != "psycopg":
        url = engine.url.set(drivername="postgresql")
        return _own(url.render_as_string(hide_password=False))
    try:
        borrowed = engine.raw_connection()
    except psycopg.Error as error:
        raise _no_server(error, engine.url.host, engine.url.port, engine.url.database) from None
    connection = borrowed.driver_connection
    assert isinstance(connection, psycopg.Connection)
    return Link(connection, borrowed.close)


def _own(dsn: str) -> Link:
    # SQLAlchemy's spelling of a URL is accepted, since people have it at hand.
    dsn = re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", dsn)
    named = _read(dsn)
    patience = named.get("connect_timeout") or os.environ.get("PGCONNECT_TIMEOUT") or 10
    application = named.get("application_name") or "pgpredict"
    try:
        # Statements are prepared on one connection to the server, and a pooler in transaction mode
        # (pgbouncer) gives the next transaction another: "prepared statement does not exist".
        connection = psycopg.connect(
            dsn,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=int(patience),
            application_name=application,
        )
    except psycopg.Error as error:
        raise _no_server(error, named.get("host"), named.get("port"), named.get("dbname")) from None
    # Of transactions alone, and whatever the role's default: pgpredict.work needs it.
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    return Link(connection, connection.close)


def _read(dsn: str) -> dict[str, Any]:
    with suppress(psycopg.Error):
        named = conninfo_to_dict(dsn)
        host, port = str(named.get("host", "")), str(named.get("port", ""))
        if "@" not in host[1:] and re.fullmatch("[0-9,]*", port):
            return named
    # Without a word of what was read: libpq quotes it, and it may be a part of the password.
    raise NoServer(
        "the DSN cannot be read",
        do="write postgresql://user:password@host:5432/database, "
        "with %40 for @, %3A for : and %2F for / in a password",
    )


def _no_server(error: psycopg.Error, host: Any, port: Any, database: Any) -> NoServer:
    host = host or os.environ.get("PGHOST") or "the local socket"
    port = port or os.environ.get("PGPORT") or 5432
    name = f", database {database}" if database else ""
    # 'connection failed: connection to server at "x", port 1 failed: FATAL:  no such role'
    reason = str(error).strip().splitlines()[0].rpartition(" failed: ")[2]
    return NoServer(
        f"cannot connect to {host}, port {port}{name}",
        why=" ".join(reason.removeprefix("FATAL:").split()),
        do="check the DSN, and whether the server runs; without a DSN the embedded server is used",
    )

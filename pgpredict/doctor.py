"""Is everything in place? What ``pgpredict doctor`` prints."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import psycopg
from psycopg.rows import dict_row

from pgpredict import __version__
from pgpredict.database import connect, schema
from pgpredict.database.queries import query
from pgpredict.errors import DatabaseError, NoRights

State = Literal["ok", "note", "problem"]
Cursor = psycopg.Cursor[dict[str, Any]]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: what was looked at: connection, server, schema …
        state: ``ok``; ``note``: works, but could be better; ``problem``: stands in the way.
        found: what it is like.
        do: what to do about it; empty if nothing.
    """

    subject: str
    state: State
    found: str
    do: str = ""


def examine(dsn: str | None = None) -> list[Finding]:
    """Look at the connection, the server, the schema, the rights and the settings.

    Changes nothing, except that the embedded server is started if no other is named.

    Args:
        dsn: the database; None: ``$PGPREDICT_DSN``, else the embedded server.

    Returns:
        The findings; the first problem may hide what comes after it.

    Example:
        >>> [finding.subject for finding in examine("postgresql://me@127.0.0.1:1/shop")]
        ['client', 'connection']
    """
    return list(_examine(dsn))


def _examine(dsn: str | None) -> Iterator[Finding]:
    yield Finding("client", "ok", _client())
    try:
        with connect(dsn) as database, database.connection() as connection:
            yield Finding("connection", "ok", _address(connection))
            with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
                yield from _of_database(cursor)
    except DatabaseError as error:
        yield _problem("connection", error)


def _of_database(cursor: Cursor) -> Iterator[Finding]:
    facts = cursor.execute(query("facts", "doctor")).fetchone()
    assert facts is not None
    yield Finding("server", "ok", f"Postgres {facts['server_version']}")
    yield from _schema(cursor, facts)
    yield _writing(facts)
    yield _search_path(facts)
    yield _encoding(facts)
    yield _jit(facts)


def _client() -> str:
    try:
        scikit_learn = version("scikit-learn")
    except PackageNotFoundError:
        scikit_learn = "missing"
    python = platform.python_version()
    return f"pgpredict {__version__}, Python {python}, scikit-learn {scikit_learn}"


def _address(connection: psycopg.Connection[Any]) -> str:
    info = connection.info
    return f"{info.user} at {info.host}, port {info.port}, database {info.dbname}"


def _schema(cursor: Cursor, facts: dict[str, Any]) -> Iterator[Finding]:
    try:
        installed = schema.installed_version(cursor)
        if installed is None:
            yield Finding("schema", "problem", "not installed", do="pgpredict init")
            yield _may_install(facts)
            return
        schema.check(cursor)
    except NoRights as error:
        yield _problem("rights", error)
        return
    except DatabaseError as error:
        yield _problem("schema", error)
        return
    yield Finding("schema", "ok", f"version {installed}")
    rights = _may_deploy(cursor)
    yield rights
    if rights.state == "ok":
        yield _trees(cursor)
        yield from _stored_answers(cursor)
        yield from _streams(cursor)


def _trees(cursor: Cursor) -> Finding:
    try:
        with cursor.connection.transaction():
            cursor.execute(query("walk_a_tree"))  # its library may be gone
            found = cursor.execute(query("walker_language")).fetchone()
    except psycopg.Error as error:
        return Finding(
            "trees",
            "problem",
            f"models of the form nodes cannot answer: {error.diag.message_primary}",
            do="DROP FUNCTION IF EXISTS predict_runtime.walk_trees(float8[], float8[]); "
            "pgpredict init; then install it in C again, if you want",
        )
    assert found is not None
    return Finding("trees", "ok", f"walked in {'C' if found['language'] == 'c' else 'PL/pgSQL'}")


def _may_install(facts: dict[str, Any]) -> Finding:
    if facts["may_create"]:
        return Finding("rights", "ok", f"{facts['role']} may install it")
    return Finding(
        "rights",
        "problem",
        f"{facts['role']} may not create schemas here",
        do=f"GRANT CREATE ON DATABASE {facts['database']} TO {facts['role']}",
    )


def _may_deploy(cursor: Cursor) -> Finding:
    state = cursor.execute(query("schema_state")).fetchone()
    assert state is not None
    if state["is_operator"]:
        return Finding("rights", "ok", f"{state['role']} may deploy and promote")
    return Finding(
        "rights",
        "problem",
        f"{state['role']} may look, but not deploy or promote",
        do=f"have an administrator run: GRANT {state['owner']} TO {state['role']}",
    )


def _stored_answers(cursor: Cursor) -> Iterator[Finding]:
    for row in cursor.execute(query("stored_answers", "doctor")).fetchall():
        yield Finding(
            f"predict.{row['model']}",
            "note",
            f"its answers are stored by {row['stored_by']}: no other version can go live",
            do=f"build these on {row['frozen']} instead",
        )


def _streams(cursor: Cursor) -> Iterator[Finding]:
    found = cursor.execute(query("streams", "doctor")).fetchone()
    assert found is not None
    if not found["streams"]:
        return
    facts = [f"{found['streams']}, {found['waiting']:,} rows waiting"]
    advice = []
    if found["late"]:
        facts.append("some for more than a minute")
        advice.append("pgpredict worker")
    if found["paused"]:
        facts.append(f"{found['paused']} paused")
        advice.append("pgpredict stream list")
    if found["dead"]:
        facts.append(f"{found['dead']:,} dead letters")
        advice.append("pgpredict stream dead")
    if found["failing"]:
        facts.append(f"{found['failing']:,} rows failed and are tried again")
        advice.append("pgpredict stream show NAME")
    yield Finding("streams", "note" if advice else "ok", ", ".join(facts), do="; ".join(advice))
    for stream in found["gone"] or ():
        yield Finding(
            f"stream {stream}",
            "problem",
            "its source is gone",
            do=f"pgpredict stream drop {stream}",
        )
    yield from _triggers(cursor)


def _triggers(cursor: Cursor) -> Iterator[Finding]:
    for row in cursor.execute(query("triggers", "doctor")).fetchall():
        stream, relation = row["stream"], row["relation"]
        yield Finding(
            f"stream {stream}",
            "problem",
            f"triggers on {relation} are {'disabled' if row['disabled'] else 'missing'}",
            do=f"ALTER TABLE {relation} ENABLE TRIGGER USER; pgpredict stream backfill {stream}"
            if row["disabled"]
            else f"a worker puts them back: pgpredict worker {stream} --once",
        )


def _writing(facts: dict[str, Any]) -> Finding:
    if facts["is_replica"]:
        return Finding(
            "writing", "note", "this is a replica: it predicts, deploys go to the primary"
        )
    if facts["reads_only"]:
        return Finding(
            "writing",
            "note",
            "transactions only read by default",
            do=f"ALTER ROLE {facts['role']} SET default_transaction_read_only = off",
        )
    return Finding("writing", "ok", "possible")


def _search_path(facts: dict[str, Any]) -> Finding:
    if not facts["creates_among_ours"]:
        return Finding("new tables", "ok", f"go to schema {facts['current_schema'] or '(none)'}")
    # Of a role that is called pgpredict: "$user" comes first in Postgres's own search_path.
    return Finding(
        "new tables",
        "note",
        f"go to schema {facts['current_schema']}, which is pgpredict's own",
        do=f"ALTER ROLE {facts['role']} SET search_path = public",
    )


def _encoding(facts: dict[str, Any]) -> Finding:
    if facts["encoding"] == "UTF8":
        return Finding("encoding", "ok", "UTF8")
    return Finding(
        "encoding",
        "note",
        f"{facts['encoding']}: categories and labels beyond it cannot be deployed",
        do="create the database with ENCODING 'UTF8' TEMPLATE template0",
    )


def _jit(facts: dict[str, Any]) -> Finding:
    if not facts["jit"]:
        return Finding("jit", "ok", "off")
    return Finding(
        "jit",
        "note",
        "on: Postgres may compile a large model for seconds before the first row",
        do=f"ALTER DATABASE {facts['database']} SET jit = off",
    )


def _problem(subject: str, error: DatabaseError) -> Finding:
    found = f"{error.message} ({error.why})" if error.why else error.message
    return Finding(subject, "problem", found, do=error.do)

"""What hangs on a table that another one takes the place of: it is kept, or the table stays."""

from __future__ import annotations

from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row
from psycopg.sql import Identifier

from pgpredict.batch.statements import Row, raw
from pgpredict.database.queries import query


def attached(connection: Connection[Any], table: int) -> list[str]:
    """What would be lost with a table: views, indexes, triggers, policies, a tablespace.

    Args:
        connection: to the database.
        table: its oid.
    """
    return [row["what"] for row in _ask(connection, "attached", table=table)]


def is_partition(connection: Connection[Any], partition: Row, parent: Identifier) -> bool:
    """Whether a partition that was found, with `oid` and `name`, is still one of that table."""
    (row,) = _ask(
        connection, "is_partition", partition=partition["oid"], name=partition["name"],
        parent=parent.as_string(connection),
    )  # fmt: skip
    return bool(row["is_so"])


def kept(
    connection: Connection[Any], old: int, made: Identifier, new: Identifier, key: str
) -> list[str]:
    """Rights, comments, statistics targets and storage parameters of a table, for another one.

    Args:
        connection: to the database.
        old: oid of the table, which is still there.
        made: the table that takes its place, and is still called so.
        new: what that is called then.
        key: name of its primary key then.

    Returns:
        Statements to run when it has its place.
    """
    names = {"made": made.as_string(connection), "new": new.as_string(connection)}
    return [row["statement"] for row in _ask(connection, "kept", old=old, key=key, **names)]


def required(connection: Connection[Any], parent: int, named: list[str]) -> list[str]:
    """What a table must have to become a partition.

    Args:
        connection: to the database.
        parent: oid of the table whose partition it becomes.
        named: columns that are NOT NULL anyway.

    Returns:
        Changes, as ALTER TABLE takes them.
    """
    return [row["change"] for row in _ask(connection, "required", table=parent, named=named)]


def keep(connection: Connection[Any], statements: list[str]) -> None:
    """Run what `kept` gave."""
    for statement in statements:
        connection.execute(raw(statement))


def _ask(connection: Connection[Any], name: str, /, **parameters: Any) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query(name, "batch_keeping"), parameters).fetchall()

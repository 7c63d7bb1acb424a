"""What became of the rows of a source: whatever goes wrong, none may be lost.

A row is predicted, or waits in the queue, or will be tried again, or is a dead letter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from tests.sql.streams.asking import Connection, one


def now(connection: Connection) -> datetime:
    """The time of the server."""
    moment = one(connection, "SELECT clock_timestamp()")
    assert isinstance(moment, datetime)
    return moment


def fates(
    connection: Connection, rows: Iterable[int], since: datetime, stream: str = "s"
) -> Counter[str]:
    """How many of these rows are predicted since then, wait, are tried again, dead, or lost."""
    live, queue = f"predict.{stream}_live", f"pgpredict.{stream}_queue"
    predicted = _column(connection, live, f"SELECT id FROM {live} WHERE at > %s", [since])
    waiting = _column(connection, queue, f"SELECT unnest(key1) FROM {queue}")
    # A dead letter of a row whose key has another name now holds all of the row.
    failed = "SELECT coalesce(key ->> 'id', key ->> 'number')::bigint FROM pgpredict.failure"
    told = " WHERE error <> '' AND sqlstate <> '' AND not_before IS "
    again = _column(connection, "pgpredict.failure", f"{failed}{told} NOT NULL")
    dead = _column(connection, "pgpredict.failure", f"{failed}{told} NULL")
    return Counter(
        "waits" if row in waiting
        else "again" if row in again
        else "dead" if row in dead
        else "predicted" if row in predicted
        else "lost"
        for row in rows
    )  # fmt: skip


def hurry(connection: Connection) -> None:
    """Let what will be tried again be tried now, instead of waiting for its time."""
    connection.execute(
        "UPDATE pgpredict.failure SET not_before = clock_timestamp() WHERE not_before IS NOT NULL"
    )


def _column(
    connection: Connection, table: str, query: str, parameters: list[datetime] | None = None
) -> set[int]:
    """The values of a query of one column; none where the table is gone."""
    if one(connection, "SELECT to_regclass(%s) IS NULL", [table]):
        return set()
    return {row[0] for row in connection.execute(query, parameters)}

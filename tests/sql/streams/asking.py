"""What the tests of streams ask a database, and the one thing that must hold whenever nobody works.

`agrees` is that thing: every row of the source has exactly one prediction, which is what the model
says of it now, and there are no others.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]


def one(connection: Connection, query: str, parameters: list[Any] | None = None) -> Any:
    """The first value of a query's first row."""
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


def work(connection: Connection, stream: str = "s", batch: int = 1000) -> int:
    """Do one batch; returns how many rows it had."""
    return int(one(connection, "SELECT pgpredict.work(%s, %s)", [stream, batch]))


def drain(connection: Connection, stream: str = "s", batch: int = 1000) -> int:
    """Work until nothing is left to do now; returns how many rows that were."""
    rows = 0
    while done := work(connection, stream, batch):
        rows += done
    return rows


def waiting(connection: Connection, stream: str = "s") -> int:
    """How many keys wait in the queue."""
    return int(one(connection, f"SELECT coalesce(sum(rows), 0) FROM pgpredict.{stream}_queue"))


def live(connection: Connection, stream: str = "s", columns: str = "id") -> list[tuple[Any, ...]]:
    """The rows of the live table, in the order of these columns."""
    return connection.execute(
        f"SELECT {columns} FROM predict.{stream}_live ORDER BY {columns}"
    ).fetchall()


def agrees(connection: Connection, stream: str = "s") -> int:
    """Assert that the live table holds what the model says of each row of the source, and no more.

    Returns how many rows there are. Ask it when nothing waits: `drain` first.
    """
    wrong = connection.execute(_disagreements(connection, stream)).fetchall()
    assert wrong == []
    return int(one(connection, f"SELECT count(*) FROM predict.{stream}_live"))


def settles(connection: Connection, stream: str = "s") -> int:
    """Let the worker do what there is to do in the mode `queue`, and assert that `agrees`.

    In the mode `transaction` there must be nothing to do. Returns how many rows there are.
    """
    mode = one(connection, "SELECT mode FROM pgpredict.streams WHERE name = %s", [stream])
    done = drain(connection, stream)
    assert mode == "queue" or done == 0
    assert one(connection, "SELECT array_agg(DISTINCT error) FROM pgpredict.failure") is None
    return agrees(connection, stream)


def _disagreements(connection: Connection, stream: str) -> sql.Composed:
    """Rows of the source beside their prediction, where the two are not one for one and equal."""
    row = connection.execute(
        "SELECT s.source, s.key, s.model, v.probability_type IS NOT NULL,"
        " ARRAY(SELECT i.name FROM pgpredict.inputs(v.signature) AS i ORDER BY i.position)"
        " FROM pgpredict.stream AS s JOIN pgpredict.version AS v ON v.model = s.model"
        " WHERE s.name = %s AND v.live_since IS NOT NULL",
        [stream],
    ).fetchone()
    assert row is not None, f"there is no stream {stream}"
    source, key, model, has_probability, inputs = row
    arguments = sql.SQL(", ").join(sql.Identifier("s", name) for name in inputs)
    proba = sql.SQL("predict.{}({})").format(sql.Identifier(f"{model}_proba"), arguments)
    return sql.SQL(
        "SELECT * FROM (SELECT s.*, predict.{label}({arguments}) AS expected,"
        " {proba} AS expected_probability FROM {source} AS s) AS s"
        " FULL JOIN predict.{live} AS l ON {same}"
        " WHERE s.{key} IS NULL OR l.{key} IS NULL"
        " OR l.prediction IS DISTINCT FROM s.expected"
        " OR l.probability IS DISTINCT FROM s.expected_probability"
    ).format(
        label=sql.Identifier(model),
        proba=proba if has_probability else sql.SQL("NULL::float8"),
        arguments=arguments,
        source=sql.SQL(source),
        live=sql.Identifier(f"{stream}_live"),
        same=sql.SQL(" AND ").join(
            sql.SQL("s.{0} = l.{0}").format(sql.Identifier(name)) for name in key
        ),
        key=sql.Identifier(key[0]),
    )

"""What the tests of learners ask a database."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

Connection = psycopg.Connection[Any]


def one(connection: Connection, query: str, parameters: list[Any] | None = None) -> Any:
    """The first value of a query's first row."""
    row = connection.execute(query, parameters).fetchone()
    assert row is not None
    return row[0]


def learn(connection: Connection, batch: int = 1000, learner: str = "fraud") -> int:
    """Learn one batch; returns how many rows it had."""
    return int(one(connection, "SELECT pgpredict.learn(%s, %s)", [learner, batch]))


def drain(connection: Connection, batch: int = 1000, learner: str = "fraud") -> int:
    """Learn until nothing waits; returns how many rows that were."""
    rows = 0
    while done := learn(connection, batch, learner):
        rows += done
    return rows


def state(connection: Connection, learner: str = "fraud") -> int:
    """The number of the current state."""
    return int(one(connection, f"SELECT predict.{learner}_state()"))


def parameters(connection: Connection, learner: str = "fraud") -> NDArray[np.float64]:
    """The parameters of the current state, shape (n_parameters,)."""
    return np.array(one(connection, f"SELECT predict.{learner}_parameters()"))


def batches(connection: Connection, learner: str = "fraud") -> list[list[int]]:
    """The keys that were learnt, batch by batch, in their order."""
    found = connection.execute(
        "SELECT keys::bigint[] FROM pgpredict.learner_batch WHERE learner = %s ORDER BY state",
        [learner],
    ).fetchall()
    return [keys for (keys,) in found]


def learnt(connection: Connection, learner: str = "fraud") -> list[int]:
    """All keys that were learnt, in their order."""
    return [key for keys in batches(connection, learner) for key in keys]


def quarantine(connection: Connection, learner: str = "fraud") -> dict[str, str]:
    """The reason by key."""
    found = connection.execute(
        "SELECT key, reason FROM pgpredict.quarantine WHERE learner = %s ORDER BY id", [learner]
    ).fetchall()
    assert len(dict(found)) == len(found)
    return dict(found)


def insert_numbers(
    connection: Connection, first: int, X: NDArray[np.float64], y: NDArray[np.bool_]
) -> None:
    """Insert payments of features (n_rows, 2) and labels (n_rows,), from number `first` on."""
    connection.execute(
        "INSERT INTO payments (id, amount, hours, is_fraud)"
        " SELECT %s + i - 1, a, h, f"
        " FROM unnest(%s::float8[], %s::float8[], %s::boolean[]) WITH ORDINALITY AS r (a, h, f, i)",
        [first, X[:, 0].tolist(), X[:, 1].tolist(), y.tolist()],
    )

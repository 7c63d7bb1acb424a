"""What tests do in the shop, and ask of it."""

from __future__ import annotations

from typing import Any

import psycopg

Shop = psycopg.Connection[Any]


def arrive(shop: Shop, rows: int) -> None:
    """That many customers come, in one statement."""
    shop.execute(
        "INSERT INTO customers SELECT m + n, n %% 70, n * 0.5 "
        "FROM generate_series(1, %s) AS n, (SELECT max(id) AS m FROM customers) AS before",
        [rows],
    )


def waiting(shop: Shop, stream: str = "s") -> int:
    """How many rows wait in the queue."""
    return int(_one(shop, "SELECT coalesce(sum(rows), 0) FROM pgpredict.{}_queue", stream))


def predicted(shop: Shop, stream: str = "s") -> int:
    """How many rows have a prediction."""
    return int(_one(shop, "SELECT count(*) FROM predict.{}_live", stream))


def wrong(shop: Shop, stream: str = "s") -> int:
    """How many of these are not what the model says of the row now."""
    return int(
        _one(
            shop,
            "SELECT count(*) FROM predict.{}_live AS l LEFT JOIN customers AS c USING (id) "
            "WHERE l.prediction IS DISTINCT FROM predict.churn(c)",
            stream,
        )
    )


def predictions_per_row(shop: Shop, stream: str = "s") -> set[int]:
    """How often the rows in the log were predicted."""
    query = f"SELECT count(*) FROM predict.{stream}_log GROUP BY id"
    return {times for (times,) in shop.execute(query.encode())}


def _one(shop: Shop, query: str, stream: str) -> Any:
    row = shop.execute(query.format(stream).encode()).fetchone()
    assert row is not None
    return row[0]

"""Partitions by value: which values are one, and what their tables are called."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.errors import InvalidTarget, PgpredictError

SCORES: dict[str, Any] = {"source": "visits", "into": "scores", "key": "id"}
PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'scores'::regclass"


def give_kinds(connection: psycopg.Connection, kind: str, *values: str) -> None:
    connection.execute(f"ALTER TABLE visits ADD kind {kind}".encode())
    connection.execute(
        f"UPDATE visits SET kind = (%s::{kind}[])[1 + id %% {len(values)}]".encode(),
        [list(values)],
    )


def scored(db: pgpredict.Database, connection: psycopg.Connection) -> list[str]:
    """Score all, twice; returns the names of the partitions."""
    for _ in range(2):
        assert db.score("buys", **SCORES, partition_by="kind").rows == 3000
    missing = connection.execute(
        """SELECT count(*) FROM visits AS v LEFT JOIN scores AS s USING (id, kind)
           WHERE s.prediction IS DISTINCT FROM predict.buys(v)"""
    ).fetchone()
    assert missing == (0,)
    return sorted(name for (name,) in connection.execute(PARTITIONS))


@pytest.mark.parametrize(
    ("kind", "values", "parts"),
    [
        ("numeric", ("1.0", "1.00", "2", "2.50"), {"scores_1", "scores_2"}),
        ("float8", ("0", "-0", "1"), {"scores_0", "scores_1"}),
        ("interval", ("1 day", "24:00", "1 hour"), set()),
    ],
)
def test_equal_values_are_one(
    shop: pgpredict.Database,
    connection: psycopg.Connection,
    kind: str,
    values: tuple[str, ...],
    parts: set[str],
) -> None:
    give_kinds(connection, kind, *values)

    names = scored(shop, connection)

    assert len(names) == len(values) - 1
    assert parts <= {*names}


def test_values_that_are_like_names_of_tables_under_way(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    give_kinds(connection, "text", "x", "x_unfinished", "x_pkey", "pkey", "unfinished_key")

    names = scored(shop, connection)

    assert len(names) == 5
    assert "scores_x" in names


def test_that_no_partition_is_named_is_refused(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    with pytest.raises(PgpredictError, match="no partition is named"):
        shop.score("buys", **SCORES, partition_by="day", partitions=[])
    assert connection.execute("SELECT to_regclass('scores')").fetchone() == (None,)


def test_a_table_that_has_the_name_of_a_partition(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    give_kinds(connection, "text", "x", "y")
    connection.execute("CREATE TABLE scores_x AS SELECT 1 AS precious")

    with pytest.raises(
        InvalidTarget, match=r"there is public\.scores_x, and it is no partition of"
    ):
        shop.score("buys", **SCORES, partition_by="kind")

    assert connection.execute("SELECT * FROM scores_x").fetchall() == [(1,)]
    connection.execute("ALTER TABLE scores_x RENAME TO precious")
    assert len(scored(shop, connection)) == 2

"""A target that stays: something depends on it, or most of its rows are right already."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import pgpredict

from .conftest import buys, visits

SCORES: dict[str, Any] = {"source": "visits", "into": "scores", "key": "id"}


def unlike_functions(connection: psycopg.Connection) -> Any:
    row = connection.execute(
        """SELECT count(*) FROM visits AS v FULL JOIN scores AS s USING (id)
           WHERE s.prediction IS DISTINCT FROM predict.buys(v)
              OR s.probability IS DISTINCT FROM predict.buys_proba(v)"""
    ).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize(
    "dependent",
    [
        "CREATE VIEW buyers AS SELECT * FROM scores WHERE prediction = 'buys'",
        "CREATE INDEX ON scores (probability)",
        "CREATE TABLE letters (id integer REFERENCES scores)",
        "ALTER TABLE scores ADD CHECK (probability <= 1)",
        "CREATE FUNCTION good(s scores) RETURNS boolean LANGUAGE sql RETURN s.probability > 0.5",
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.usefixtures("several")
def test_what_depends_on_the_table_stays(
    shop: pgpredict.Database, connection: psycopg.Connection, dependent: str, workers: int
) -> None:
    shop.score("buys", **SCORES)
    connection.execute(dependent)
    table = connection.execute("SELECT 'scores'::regclass::oid").fetchone()
    connection.execute("UPDATE visits SET score = -score; DELETE FROM visits WHERE id > 2900")

    done = shop.score("buys", **SCORES, workers=workers)

    assert (done.way, done.rows, done.deleted) == ("in place", 2900, 100)
    assert unlike_functions(connection) == 0
    assert connection.execute("SELECT 'scores'::regclass::oid").fetchone() == table


@pytest.mark.usefixtures("several")
def test_incremental_scores_only_what_has_no_score_of_this_version(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    shop.score("buys", **SCORES)
    connection.execute(
        """DELETE FROM scores WHERE id <= 10;
           INSERT INTO visits SELECT id + 5000, day, region, tenure, spend, score
           FROM visits WHERE id <= 20"""
    )

    done = shop.score("buys", **SCORES, incremental=True)

    assert (done.way, done.rows) == ("in place", 30)
    assert unlike_functions(connection) == 0
    assert shop.score("buys", **SCORES, incremental=True).rows == 0
    shop.deploy("buys", buys(above=10), visits(), promote=True)
    assert shop.score("buys", **SCORES, incremental=True).rows == 3020
    assert unlike_functions(connection) == 0


@pytest.mark.parametrize("source", ["visits", "loyal_visits"])
def test_incremental_sees_what_changed(
    shop: pgpredict.Database, connection: psycopg.Connection, source: str
) -> None:
    asked = SCORES | {"source": source, "changed": "updated_at"}
    shop.score("buys", **asked)
    # The clock of whoever changes a row need not be ours: any other value is a change.
    connection.execute(
        "UPDATE visits SET score = 0, updated_at = '2025-07-01' WHERE id IN (2, 3, 4)"
    )

    assert shop.score("buys", **asked).rows == 3
    assert shop.score("buys", **asked).rows == 0
    assert (
        connection.execute(
            "SELECT count(*) FROM scores JOIN visits USING (id, updated_at)"
        ).fetchone()
        == connection.execute(f"SELECT count(*) FROM {source}").fetchone()
    )


def test_a_table_of_somebody_else_is_written_into(
    shop: pgpredict.Database, connection: psycopg.Connection, clerk: str
) -> None:
    shop.score("buys", **SCORES)
    connection.execute("GRANT SELECT ON visits TO PUBLIC")
    connection.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON scores TO PUBLIC")
    connection.execute("UPDATE visits SET score = -score")

    with pgpredict.connect(clerk) as theirs:
        assert theirs.score("buys", **SCORES).way == "in place"

    assert unlike_functions(connection) == 0

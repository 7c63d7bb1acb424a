"""How much room a table of scores takes."""

from __future__ import annotations

import psycopg
import pytest

import pgpredict


@pytest.mark.parametrize("long", [True, False])
@pytest.mark.parametrize("partition_by", [None, "region"])
def test_what_is_the_same_in_every_row_takes_no_room(
    shop: pgpredict.Database,
    connection: psycopg.Connection,
    request: pytest.FixtureRequest,
    partition_by: str | None,
    long: bool,
) -> None:
    if long:
        request.getfixturevalue("several")

    shop.score("buys", source="visits", into="scores", key="id", partition_by=partition_by)

    connection.execute("CREATE TABLE copied AS TABLE scores")
    pages = connection.execute(
        """SELECT (SELECT count(DISTINCT (tableoid, (ctid::text::point)[0])) FROM scores),
                  (SELECT count(DISTINCT (ctid::text::point)[0]) FROM copied)"""
    ).fetchone()
    assert pages is not None
    assert pages[0] < 0.85 * pages[1] + 4  # the last one of each partition is not full
    stamps = connection.execute(
        """SELECT DISTINCT a.attname, a.attnotnull, a.atthasdef
           FROM pg_attribute AS a JOIN scores AS s ON s.tableoid = a.attrelid
           WHERE a.attname IN ('version', 'at') ORDER BY 1"""
    ).fetchall()
    assert stamps == [("at", True, False), ("version", True, False)]

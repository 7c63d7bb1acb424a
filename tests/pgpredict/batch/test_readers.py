"""Readers see the old scores or the new ones: never both, never none."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

import pgpredict

SCORES: dict[str, Any] = {"source": "visits", "into": "scores", "key": "id"}
RUNS = 6


@pytest.mark.parametrize("partition_by", [None, "region"])
@pytest.mark.usefixtures("several")
def test_readers_see_the_old_or_the_new(
    shop: pgpredict.Database, installed_dsn: str, partition_by: str | None
) -> None:
    shop.score("buys", **SCORES, partition_by=partition_by)
    stop = threading.Event()
    question = f"""
        SELECT {partition_by or "''"} AS part, count(*), count(DISTINCT at), min(at)
        FROM scores GROUP BY 1 ORDER BY 1"""

    def read(prepare: bool) -> set[Any]:
        seen = set()
        with psycopg.connect(installed_dsn, autocommit=True) as mine:
            while not stop.is_set():
                found = mine.execute(question, prepare=prepare).fetchall()
                assert sum(rows for _, rows, _, _ in found) == 3000
                assert {moments for _, _, moments, _ in found} == {1}
                assert len(found) == (4 if partition_by else 1)
                seen.add(found[0][3])
        return seen

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read, prepare) for prepare in (False, True)]
        try:
            for _ in range(RUNS):
                shop.score("buys", **SCORES, workers=2)
        finally:
            stop.set()
        seen = readers[0].result() | readers[1].result()

    assert len(seen) > 2

"""Runs that end before their time: whole partitions stay, nothing is left lying about."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.batch import Progress
from pgpredict.errors import NoServer, PgpredictError

SCORES: dict[str, Any] = {"source": "visits", "into": "scores", "key": "id"}
pytestmark = pytest.mark.usefixtures("several")


def all_right(connection: psycopg.Connection) -> bool:
    """Every visit has one score, that of the functions, and nothing else is there."""
    row = connection.execute(
        """SELECT (SELECT count(*) FROM scores),
                  (SELECT count(*) FROM visits AS v JOIN scores AS s USING (id)
                   WHERE s.prediction = predict.buys(v) AND s.probability = predict.buys_proba(v)),
                  (SELECT count(*) FROM pg_class WHERE relname LIKE '%unfinished%')"""
    ).fetchone()
    return row == (3000, 3000, 0)


def kill(connection: psycopg.Connection) -> Callable[[Progress], None]:
    """Ends the server's side of a run once half of the rows are done."""

    def kill(seen: Progress) -> None:
        if seen.rows >= 1500:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'pgpredict score' AND datname = current_database()"
            )

    return kill


@pytest.mark.parametrize("workers", [1, 2])
def test_partitions_that_were_done_stay_and_the_others_follow(
    shop: pgpredict.Database, connection: psycopg.Connection, workers: int
) -> None:
    with pytest.raises(NoServer):
        shop.score("buys", **SCORES, partition_by="day", workers=workers, progress=kill(connection))

    done = connection.execute("SELECT day, count(*) FROM scores GROUP BY day").fetchall()
    assert 15 <= len(done) < 30
    assert {rows for _, rows in done} == {100}
    again = shop.score("buys", **SCORES, partition_by="day", incremental=True)
    assert again.skipped >= 15
    assert again.skipped + len(again.partitions) == 30
    assert all_right(connection)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_old_table_stays_until_the_new_one_is_complete(
    shop: pgpredict.Database, connection: psycopg.Connection, workers: int
) -> None:
    shop.score("buys", **SCORES)
    before = connection.execute("SELECT * FROM scores ORDER BY id").fetchall()

    with pytest.raises(NoServer):
        shop.score("buys", **SCORES, workers=workers, progress=kill(connection))

    assert connection.execute("SELECT * FROM scores ORDER BY id").fetchall() == before
    assert shop.score("buys", **SCORES).rows == 3000
    assert all_right(connection)


def test_ranges_that_were_done_stay_where_rows_are_written_into_a_table(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    shop.score("buys", **SCORES)
    connection.execute("CREATE VIEW buyers AS SELECT * FROM scores; DELETE FROM scores")

    with pytest.raises(NoServer):
        shop.score("buys", **SCORES, progress=kill(connection))

    done = connection.execute("SELECT count(*) FROM scores").fetchone()
    assert done is not None
    assert 1500 <= done[0] < 3000
    assert shop.score("buys", **SCORES, incremental=True).rows == 3000 - done[0]
    assert all_right(connection)


@pytest.mark.parametrize("partition_by", [None, "day"])
def test_who_watches_may_end_the_run(
    shop: pgpredict.Database, connection: psycopg.Connection, partition_by: str | None
) -> None:
    def stop(seen: Progress) -> None:
        if seen.rows >= 1500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shop.score("buys", **SCORES, partition_by=partition_by, workers=2, progress=stop)

    assert connection.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgpredict score' "
        "AND datname = current_database() AND state = 'active'"
    ).fetchone() == (0,)
    left = connection.execute(
        "SELECT count(*) FROM pg_class WHERE relname LIKE '%unfinished%'"
    ).fetchone()
    assert left == (0,)
    shop.score("buys", **SCORES, partition_by=partition_by)
    assert all_right(connection)


RUN = """
import sys, pgpredict
from pgpredict.batch import pages, whole, Progress

def progress(seen: Progress) -> None:
    if seen.rows >= 1500:
        print("half", flush=True)
        sys.stdin.read()

pages.PAGES = 4
whole.LONG = 0
pgpredict.connect(sys.argv[1]).score(
    "buys", source="visits", into="scores", key="id", workers=2, progress=progress)
"""


def test_a_program_that_was_killed_leaves_a_table_that_the_next_run_removes(
    shop: pgpredict.Database, installed_dsn: str, connection: psycopg.Connection
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN, installed_dsn],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "half\n"
        client.send_signal(signal.SIGKILL)
    left = connection.execute("SELECT to_regclass('scores_unfinished')").fetchone()
    assert left == ("scores_unfinished",)
    connection.execute(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
        "WHERE application_name = 'pgpredict score' AND datname = current_database()"
    )

    assert shop.score("buys", **SCORES).way == "new"
    assert all_right(connection)


def test_a_row_that_cannot_be_scored_ends_the_run(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    source = "SELECT *, 1 / nullif(id - 2000, 0) AS a, 1 / (id - 2000) AS b FROM visits"
    connection.execute(f"CREATE VIEW broken AS {source}")

    with pytest.raises(PgpredictError, match="division by zero"):
        shop.score("buys", source="SELECT *, id / b AS c FROM broken", into="scores", key="c")

    assert connection.execute("SELECT to_regclass('scores')").fetchone() == (None,)


def test_a_table_of_the_name_that_a_run_needs_is_left_alone(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE scores_unfinished AS SELECT 1 AS mine")

    with pytest.raises(PgpredictError, match="scores_unfinished"):
        shop.score("buys", **SCORES)

    assert connection.execute("TABLE scores_unfinished").fetchall() == [(1,)]
    assert connection.execute("SELECT to_regclass('scores')").fetchone() == (None,)

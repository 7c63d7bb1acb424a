"""What others do to a table while it is scored is not lost: the run ends, and says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.batch import partitioned, swapping, whole
from pgpredict.errors import InvalidTarget

SCORES: dict[str, Any] = {"source": "visits", "into": "scores", "key": "id"}
DAY = "scores_20260301"
PATIENCE = 30.0  # seconds; it takes a few hundred milliseconds


def hold_up(dsn: str, statement: str, act: Callable[[], None]) -> None:
    """Run a statement, let `act` begin, and commit when that waits; ends when it has."""
    with (
        psycopg.connect(dsn, autocommit=True) as holder,
        psycopg.connect(dsn, autocommit=True) as observer,
        ThreadPoolExecutor(1) as pool,
    ):
        holder.execute("BEGIN")
        holder.execute(statement.encode())
        acting = pool.submit(act)
        try:
            _until_somebody_waits_for(holder.info.backend_pid, observer)
        finally:
            holder.execute("COMMIT")
        acting.result(PATIENCE)


def _until_somebody_waits_for(pid: int, observer: psycopg.Connection) -> None:
    question = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid)))"
    deadline = time.monotonic() + PATIENCE
    while observer.execute(question, [pid]).fetchone() != (True,):
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.005)


def tables(connection: psycopg.Connection) -> list[Any]:
    return connection.execute(
        """SELECT oid, relname, relispartition FROM pg_class
           WHERE relname LIKE 'scores%' AND relkind IN ('r', 'p', 'i') ORDER BY oid"""
    ).fetchall()


def score(db: pgpredict.Database, **options: Any) -> None:
    """Fail unless the run ends, and says why."""
    with pytest.raises(InvalidTarget, match=r"somebody changed .* while it was scored"):
        db.score("buys", **SCORES, **options)


@pytest.fixture
def run_before_attaching(
    installed_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], None]:
    """Takes what another session does when a partition is scored, and not yet in its place."""
    attach = partitioned._attach

    def run_late(statement: str) -> None:
        def late(*given: Any) -> None:
            with psycopg.connect(installed_dsn, autocommit=True) as other:
                other.execute(statement.encode())
            attach(*given)

        monkeypatch.setattr(partitioned, "_attach", late)

    return run_late


@pytest.mark.parametrize(
    ("options", "table"),
    [({}, "scores"), ({"partition_by": "day", "partitions": ["2026-03-01"]}, DAY)],
)
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX ON {t} (probability)",
        "CREATE STATISTICS s ON prediction, version FROM {t}",
        """CREATE TRIGGER same BEFORE UPDATE ON {t} FOR EACH ROW
           EXECUTE FUNCTION suppress_redundant_updates_trigger()""",
    ],
)
def test_what_is_put_on_a_table_until_it_is_replaced(
    shop: pgpredict.Database,
    connection: psycopg.Connection,
    installed_dsn: str,
    options: dict[str, Any],
    table: str,
    statement: str,
) -> None:
    shop.score("buys", **SCORES, **options)
    before = tables(connection)

    hold_up(installed_dsn, statement.format(t=table), partial(score, shop, **options))

    assert before == [found for found in tables(connection) if found in before]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE scores ADD note text",
        "ALTER TABLE scores RENAME probability TO p",
        "ALTER TABLE scores ALTER prediction TYPE varchar(20)",
        "ALTER TABLE scores RENAME TO mine",
        "DROP TABLE scores",
        """ALTER TABLE scores RENAME TO mine;
           CREATE TABLE scores (LIKE mine);
           ALTER TABLE scores ADD PRIMARY KEY (id)""",
    ],
)
def test_a_table_that_is_changed_before_it_is_replaced(
    shop: pgpredict.Database,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
) -> None:
    shop.score("buys", **SCORES)
    take_place, changed = swapping.take_place, []

    def late(*given: Any) -> None:
        connection.execute(statement.encode())
        changed.extend(tables(connection))
        take_place(*given)

    monkeypatch.setattr(whole, "take_place", late)
    score(shop)

    assert tables(connection) == changed


@pytest.mark.parametrize(
    "statement",
    [
        f"ALTER TABLE scores DETACH PARTITION {DAY}",
        f"ALTER TABLE {DAY} RENAME TO first_of_march",
        f"DROP TABLE {DAY}",
    ],
)
def test_a_partition_that_goes_before_it_is_replaced(
    shop: pgpredict.Database,
    connection: psycopg.Connection,
    run_before_attaching: Callable[[str], None],
    statement: str,
) -> None:
    shop.score("buys", **SCORES, partition_by="day")
    run_before_attaching(statement)

    score(shop, partition_by="day", partitions=["2026-03-01"])

    left = connection.execute("SELECT relname FROM pg_class WHERE relname LIKE '%unfinished%'")
    assert left.fetchall() == []


def test_a_demand_on_all_partitions_that_comes_meanwhile(
    shop: pgpredict.Database,
    connection: psycopg.Connection,
    run_before_attaching: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shop.score("buys", **SCORES, partition_by="day")
    before = tables(connection)
    run_before_attaching("ALTER TABLE scores ADD CONSTRAINT share CHECK (probability >= 0)")

    with pytest.raises(InvalidTarget, match="cannot become a partition") as caught:
        shop.score("buys", **SCORES, partition_by="day", partitions=["2026-03-01"])

    assert "share" in str(caught.value)
    assert tables(connection) == before
    monkeypatch.undo()
    assert shop.score("buys", **SCORES, partition_by="day").rows == 3000

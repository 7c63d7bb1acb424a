"""A target in partitions: each is replaced whole."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.errors import InvalidSource, InvalidTarget

from .conftest import VISITS, buys, visits, worth


def partitions(connection: psycopg.Connection) -> dict[str, Any]:
    """The partitions of `scores`: bounds, rows, and which table holds them."""
    names = connection.execute(
        """SELECT c.relname, pg_get_expr(c.relpartbound, c.oid), c.oid
           FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
           WHERE i.inhparent = 'scores'::regclass AND c.relkind = 'r' ORDER BY 1"""
    ).fetchall()
    return {
        name: (
            bound,
            connection.execute(f'SELECT count(*) FROM "{name}"').fetchone(),
            oid,
        )
        for name, bound, oid in names
    }


def unlike_functions(connection: psycopg.Connection) -> Any:
    row = connection.execute(
        """SELECT count(*) FROM visits AS v LEFT JOIN scores AS s USING (id)
           WHERE s.prediction IS DISTINCT FROM predict.buys(v)
              OR s.probability IS DISTINCT FROM predict.buys_proba(v)"""
    ).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.usefixtures("several")
def test_every_day_is_a_partition(every_db: pgpredict.Database, workers: int) -> None:
    with every_db.connection() as connection:
        connection.execute(VISITS)
        every_db.deploy("buys", buys(), visits(), source="visits", form="block")

        done = every_db.score(
            "buys", source="visits", into="scores", key="id", partition_by="day", workers=workers
        )

        assert unlike_functions(connection) == 0
        found = partitions(connection)
        assert (done.way, done.rows, done.skipped) == ("partitions", 3000, 0)
        assert list(done.partitions) == list(found)
        assert len(found) == 30
        bound, rows, _ = found["scores_20260301"]
        assert bound == "FOR VALUES FROM ('2026-03-01') TO ('2026-03-02')"
        assert rows == (100,)
        # Nothing is left of how it was done: no checks, and one index for each.
        assert connection.execute(
            """SELECT contype::text, count(*) FROM pg_constraint
               WHERE conrelid IN (SELECT inhrelid FROM pg_inherits) AND contype <> 'n' GROUP BY 1"""
        ).fetchall() == [("p", 30)]
        assert connection.execute(
            "SELECT count(*) FROM pg_class WHERE relname LIKE '%unfinished%'"
        ).fetchone() == (0,)


@pytest.mark.parametrize("every", ["week", "month", "year", "hour"])
def test_periods_may_be_longer_or_shorter(
    shop: pgpredict.Database, connection: psycopg.Connection, every: str
) -> None:
    shop.score(
        "buys", source="visits", into="scores", key="id", partition_by="updated_at", every=every
    )

    ((_, (_, rows, _)),) = partitions(connection).items()
    assert rows == (3000,)


def test_other_columns_are_partitioned_by_value(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("UPDATE visits SET region = 'It''s \"far\"' WHERE id = 7")
    source = 'SELECT *, CASE WHEN id = 7 THEN $$It\'s "far"$$ ELSE region END AS place FROM visits'
    connection.execute("UPDATE visits SET region = 'west' WHERE id = 7")

    for _ in range(2):
        done = shop.score("buys", source=source, into="scores", key="id", partition_by="place")

        assert done.rows == 3000
        found = partitions(connection)
        assert {"scores_north", "scores_east", "scores_south", "scores_west"} < set(found)
        assert sorted(rows[0] for _, rows, _ in found.values()) == [1, 749, 750, 750, 750]


def test_numbers_and_booleans_are_values_too(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    source = "SELECT *, id % 3 - 1 AS third FROM visits"
    shop.score("buys", source=source, into="scores", key="id", partition_by="third")
    kept = partitions(connection)

    done = shop.score("buys", source=source, into="scores", key="id", partitions=[-1])

    now = partitions(connection)
    assert done.rows == 1000
    assert set(now) == set(kept)
    assert len(set(now.values()) - set(kept.values())) == 1


def test_only_the_partitions_that_are_named(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    shop.score("buys", source="visits", into="scores", key="id", partition_by="day")
    before = partitions(connection)
    connection.execute("UPDATE visits SET score = -score; DELETE FROM visits WHERE id % 30 = 5")

    days = ["2026-03-02", date(2026, 3, 6), "2026-05-01"]
    done = shop.score("buys", source="visits", into="scores", key="id", partitions=days)

    after = partitions(connection)
    assert done.partitions == ("scores_20260302", "scores_20260306", "scores_20260501")
    assert done.rows == 100
    assert after["scores_20260306"][1] == after["scores_20260501"][1] == (0,)
    changed = {name for name in after if before.get(name) != after[name]}
    assert changed == set(done.partitions)


def test_a_replaced_partition_keeps_views_and_rights_on_the_table(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    shop.score("buys", source="visits", into="scores", key="id", partition_by="day")
    connection.execute("CREATE VIEW buyers AS SELECT * FROM scores WHERE prediction = 'buys'")
    before = connection.execute("SELECT count(*) FROM buyers").fetchone()

    shop.score("buys", source="visits", into="scores", key="id")

    assert connection.execute("SELECT count(*) FROM buyers").fetchone() == before
    assert unlike_functions(connection) == 0


def test_incremental_skips_what_is_up_to_date(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    first = {"source": "visits", "into": "scores", "key": "id", "changed": "updated_at"}
    shop.score("buys", partition_by="day", **first)  # type: ignore[arg-type]
    before = partitions(connection)
    connection.execute(
        """UPDATE visits SET score = 1, updated_at = '2026-01-02' WHERE id = 30;
           DELETE FROM visits WHERE id = 31;
           INSERT INTO visits SELECT 5000, '2026-03-03', region, tenure, spend, score
           FROM visits WHERE id = 1;
           DELETE FROM scores WHERE id = 33"""
    )

    done = shop.score("buys", **first)  # type: ignore[arg-type]

    days = ("scores_20260301", "scores_20260302", "scores_20260303", "scores_20260304")
    assert (done.partitions, done.skipped) == (days, 26)
    after = partitions(connection)
    same = set(after) - set(days)
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    assert unlike_functions(connection) == 0

    shop.deploy("buys", buys(above=10), visits(), promote=True)
    assert shop.score("buys", **first).skipped == 0  # type: ignore[arg-type]
    assert shop.score("buys", **first).skipped == 30  # type: ignore[arg-type]


def test_a_table_that_was_partitioned_before(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute(
        """CREATE TABLE scores (id integer, day date, prediction text, probability float8,
                                version integer NOT NULL, at timestamptz NOT NULL,
                                PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
           CREATE TABLE march PARTITION OF scores FOR VALUES FROM ('2026-03-01') TO ('2026-04-01')
        """
    )

    done = shop.score("buys", source="visits", into="scores", key="id")

    assert done.partitions == ("march",)
    assert unlike_functions(connection) == 0


def test_a_long_name_leaves_each_partition_a_key_of_its_own(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    into = "s" * 60

    for _ in range(2):
        done = shop.score("buys", source="visits", into=into, key="id", partition_by="day")

    assert (done.rows, len(done.partitions)) == (3000, 30)
    assert connection.execute(f"SELECT count(DISTINCT id) FROM {into}").fetchone() == (3000,)


def test_a_day_that_is_infinite_belongs_to_no_partition(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("UPDATE visits SET day = 'infinity' WHERE id = 1")

    with pytest.raises(InvalidSource, match="day is infinite in a row"):
        shop.score("buys", source="visits", into="scores", key="id", partition_by="day")

    assert connection.execute("SELECT to_regclass('scores')").fetchone() == (None,)


def test_the_hour_that_comes_twice_when_clocks_are_set_back(
    shop: pgpredict.Database, connection: psycopg.Connection, installed_dsn: str
) -> None:
    connection.execute(
        "UPDATE visits SET updated_at = "
        "'2026-10-24 22:30+00'::timestamptz + interval '1 hour' * (id % 5)"
    )
    with psycopg.connect(installed_dsn, autocommit=True) as mine:
        mine.execute("SET TimeZone = 'Europe/Berlin'")
        of_mine = pgpredict.connect(mine)
        for _ in range(2):
            done = of_mine.score(
                "buys",
                source="visits",
                into="scores",
                key="id",
                partition_by="updated_at",
                every="hour",
            )

    assert done.partitions == (
        "scores_20261025_00",
        "scores_20261025_01",
        "scores_20261025_02",
        "scores_20261025_02_again",
        "scores_20261025_03",
    )
    assert {rows for _, rows, _ in partitions(connection).values()} == {(600,)}
    assert unlike_functions(connection) == 0


def test_what_a_table_demands_of_its_scores(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    asked: dict[str, Any] = {"source": "visits", "into": "scores", "key": "id"}
    shop.score("buys", partition_by="day", partitions=["2026-03-01"], **asked)
    connection.execute("ALTER TABLE scores ADD CONSTRAINT sane CHECK (probability <= 1)")
    assert shop.score("buys", **asked).rows == 3000

    connection.execute(
        "ALTER TABLE scores DROP CONSTRAINT sane; DELETE FROM scores;"
        "ALTER TABLE scores ADD CONSTRAINT certain CHECK (probability IN (0, 1))"
    )
    with pytest.raises(InvalidTarget, match=r"breaks the constraint certain of public\.scores"):
        shop.score("buys", **asked)


def test_scores_without_an_answer_where_the_table_demands_one(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("worth", worth(), visits()[["tenure", "spend"]], source="visits")
    asked: dict[str, Any] = {"source": "visits", "into": "scores", "key": "id"}
    db.score("worth", partition_by="day", partitions=["2026-05-01"], **asked)
    connection.execute("ALTER TABLE scores ALTER prediction SET NOT NULL")

    with pytest.raises(InvalidTarget, match=r"prediction of a score is NULL, which public\.scores"):
        db.score("worth", **asked)


def test_rows_that_are_in_the_default_partition(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    asked: dict[str, Any] = {"source": "visits", "into": "scores", "key": "id"}
    shop.score("buys", partition_by="day", partitions=["2026-05-01"], **asked)
    connection.execute(
        "CREATE TABLE remainder PARTITION OF scores DEFAULT;"
        "INSERT INTO scores (id, day, version, at) VALUES (7, '2026-03-08', 1, now())"
    )

    with pytest.raises(InvalidTarget, match=r"scores_20260308 cannot become a partition"):
        shop.score("buys", partitions=["2026-03-08"], **asked)

    assert connection.execute("SELECT count(*) FROM scores").fetchone() == (1,)
    assert shop.score("buys", partitions=["2026-03-09"], **asked).rows == 100

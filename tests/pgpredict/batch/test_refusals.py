"""What cannot be scored, what it is told, and that nothing is changed."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.batch import swapping
from pgpredict.errors import (
    InUse,
    InvalidSource,
    InvalidTarget,
    NoRights,
    NoSchema,
    PgpredictError,
    UnknownModel,
)

from .conftest import buys, visits

SCORES: dict[str, Any] = {"source": "visits", "into": "scores", "key": "id"}


def tables(connection: psycopg.Connection) -> list[str]:
    found = connection.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'p', 'v') "
        "AND relnamespace::regnamespace::text NOT LIKE ALL (ARRAY['pg\\_%', 'information%']) "
        "ORDER BY 1"
    )
    return [row[0] for row in found.fetchall()]


@pytest.mark.parametrize(
    ("asked", "kind", "says"),
    [
        ({"model": "sells"}, UnknownModel, "there is no model sells"),
        ({"version": 7}, UnknownModel, "buys has no version 7"),
        ({"version": 0}, UnknownModel, "buys has no version 0"),
        ({"source": "visitors"}, InvalidSource, "there is no table or view visitors"),
        ({"source": "my visits"}, InvalidSource, "there is no table or view my visits"),
        ({"source": "visits_pkey"}, InvalidSource, "there is no table or view visits_pkey"),
        ({"source": "SELECT nothing FROM visits"}, InvalidSource, '"nothing" does not exist'),
        ({"source": "SELECT * FROM visits; DROP TABLE visits"}, InvalidSource, "cannot be run"),
        ({"source": "SELECT * FROM visits WHERE id = $1"}, InvalidSource, "cannot be run"),
        ({"source": "SELECT id FROM visits"}, InvalidSource, "no column region"),
        ({"source": "SELECT *, 1 FROM visits WHERE spend"}, InvalidSource, "boolean"),
        (
            {"source": "SELECT id, region, tenure, spend::text, score FROM visits"},
            InvalidSource,
            "spend is text, the model takes double precision",
        ),
        ({"key": "number"}, InvalidSource, "visits has no column number"),
        ({"key": ""}, InvalidSource, "no key is named"),
        ({"key": []}, InvalidSource, "no key is named"),
        ({"key": "day"}, InvalidSource, "the key day does not tell the rows"),
        ({"key": "spend"}, InvalidSource, "spend is NULL in a row of public.visits"),
        (
            {"source": "SELECT *, id AS version FROM visits", "key": "version"},
            InvalidSource,
            "cannot be called version",
        ),
        ({"into": "a.b.c"}, InvalidTarget, "a.b.c is not the name of a table"),
        ({"into": "my scores"}, InvalidTarget, "my scores is not the name of a table"),
        ({"into": "shops.scores"}, InvalidTarget, "there is no schema shops"),
        ({"into": "visits"}, InvalidTarget, "public.visits reads public.visits"),
        ({"source": "loyal_visits", "into": "visits"}, InvalidTarget, "loyal_visits reads"),
        ({"source": "TABLE loyal_visits", "into": "visits"}, InvalidTarget, "the query reads"),
        ({"into": "loyal_visits"}, InvalidTarget, "public.loyal_visits is no table"),
        ({"into": "others"}, InvalidTarget, "+ probability double precision"),
        ({"into": "keyless"}, InvalidTarget, "the primary key of public.keyless is none, not id"),
        ({"into": "scored", "partition_by": "day"}, InvalidTarget, "is not partitioned"),
        ({"into": "hashed"}, InvalidTarget, "is partitioned by HASH (id)"),
        ({"into": "monthly", "partition_by": "region"}, InvalidTarget, "by RANGE (day)"),
        ({"into": "listed"}, InvalidTarget, "is partitioned by LIST (day)"),
        (
            {"into": "monthly", "every": "week"},
            InvalidTarget,
            "march holds a part of 2026-02-23 to 2026-03-02",
        ),
        ({"into": "monthly", "every": "year"}, InvalidTarget, "march holds a part of 2026-01-01"),
        ({"into": "several"}, InvalidTarget, "northern holds it's, and other values"),
        ({"partition_by": "month"}, InvalidSource, "visits has no column month"),
        ({"partition_by": "day", "every": "decade"}, PgpredictError, "by decade"),
        ({"partition_by": "region", "every": "day"}, PgpredictError, "which is text, by day"),
        ({"partition_by": "day", "partitions": ["soon"]}, PgpredictError, "is no date"),
        (
            {
                "source": "SELECT *, nullif(region, 'east') AS place FROM visits",
                "partition_by": "place",
            },
            InvalidSource,
            "place is NULL in a row of the query",
        ),
        ({"workers": 0}, PgpredictError, "0 workers cannot score"),
    ],
)
def test_is_refused(
    shop: pgpredict.Database,
    connection: psycopg.Connection,
    asked: dict[str, Any],
    kind: type[PgpredictError],
    says: str,
) -> None:
    connection.execute(
        """CREATE TABLE others (id integer PRIMARY KEY, prediction text, note text);
           CREATE TABLE scored (id integer PRIMARY KEY, prediction text, probability float8,
                                version integer NOT NULL, at timestamptz NOT NULL);
           CREATE TABLE keyless (LIKE scored);
           CREATE TABLE hashed (LIKE scored) PARTITION BY HASH (id);
           CREATE TABLE listed (LIKE scored, day date, PRIMARY KEY (id, day))
               PARTITION BY LIST (day);
           CREATE TABLE monthly (LIKE listed INCLUDING INDEXES) PARTITION BY RANGE (day);
           CREATE TABLE march PARTITION OF monthly FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
           CREATE TABLE several (LIKE scored, region text, PRIMARY KEY (id, region))
               PARTITION BY LIST (region);
           CREATE TABLE northern PARTITION OF several FOR VALUES IN ('a, b', 'it''s', 'north');
           UPDATE visits SET region = 'it''s' WHERE id = 7"""
    )
    before = tables(connection)

    with pytest.raises(PgpredictError) as refused:
        shop.score(**({"model": "buys"} | SCORES | asked))

    error = refused.value
    assert type(error) is kind
    assert says in str(error)
    left = [name for name in tables(connection) if name not in before]
    # A table without partitions is all that may be left, if it could be made.
    assert left in ([], ["scores"])
    assert connection.execute("SELECT count(*) FROM visits").fetchone() == (3000,)


@pytest.mark.usefixtures("several")
@pytest.mark.parametrize("twice", ["id", "NULL"])
def test_rows_that_share_a_key_leave_the_old_scores(
    shop: pgpredict.Database, connection: psycopg.Connection, twice: str
) -> None:
    shop.score("buys", **SCORES)
    before = connection.execute("SELECT * FROM scores ORDER BY id").fetchall()
    connection.execute("ALTER TABLE visits DROP CONSTRAINT visits_pkey")
    connection.execute("ALTER TABLE visits ALTER id DROP NOT NULL")
    connection.execute(
        f"INSERT INTO visits SELECT {twice}, day, region, tenure, spend, score FROM visits "
        "WHERE id = 77"
    )

    for incremental in (False, True):
        with pytest.raises(InvalidSource, match=r"id does not tell|id is NULL"):
            shop.score("buys", **SCORES, incremental=incremental)

    assert connection.execute("SELECT * FROM scores ORDER BY id").fetchall() == before
    assert tables(connection).count("scores_unfinished") == 0


def test_two_runs_at_once(shop: pgpredict.Database, installed_dsn: str) -> None:
    other = pgpredict.connect(installed_dsn)
    refused: list[PgpredictError] = []

    def meanwhile(_: object) -> None:
        if not refused:
            with pytest.raises(InUse) as error:
                other.score("buys", **SCORES)
            refused.append(error.value)
            assert other.score("buys", **(SCORES | {"into": "others"})).rows == 3000

    assert shop.score("buys", **SCORES, progress=meanwhile).rows == 3000
    assert "another run scores into public.scores" in str(refused[0])
    assert other.score("buys", **SCORES).rows == 3000


@pytest.mark.parametrize("partitioned", [False, True])
def test_readers_who_do_not_let_go(
    shop: pgpredict.Database,
    connection: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    partitioned: bool,
) -> None:
    monkeypatch.setattr(swapping, "PATIENCE", 0)
    shop.score("buys", **SCORES, partition_by="day" if partitioned else None)
    with connection.transaction():
        before = connection.execute("SELECT * FROM scores ORDER BY id").fetchall()

        with pytest.raises(InUse, match=r"public.scores is in use"):
            shop.score("buys", **SCORES)

    assert connection.execute("SELECT * FROM scores ORDER BY id").fetchall() == before
    assert shop.score("buys", **SCORES).rows == 3000


def test_what_the_role_may_not(
    shop: pgpredict.Database, connection: psycopg.Connection, clerk: str
) -> None:
    theirs = pgpredict.connect(clerk)
    with pytest.raises(NoRights, match=r"may not read public.visits"):
        theirs.score("buys", **SCORES)
    connection.execute("GRANT SELECT ON visits TO PUBLIC")
    with pytest.raises(NoRights, match="may not create tables in the schema public"):
        theirs.score("buys", **SCORES)
    shop.score("buys", **SCORES)
    with pytest.raises(NoRights, match=r"may not write into public.scores"):
        theirs.score("buys", **SCORES)
    shop.score("buys", **(SCORES | {"into": "daily"}), partition_by="day")
    with pytest.raises(NoRights, match=r"does not own public.daily"):
        theirs.score("buys", **(SCORES | {"into": "daily"}))


def test_a_retired_version(shop: pgpredict.Database, connection: psycopg.Connection) -> None:
    shop.deploy("buys", buys(), visits(), promote=True)
    shop.retire("buys", 1)

    with pytest.raises(UnknownModel, match="buys v1 is retired"):
        shop.score("buys", **SCORES, version=1)


def test_a_database_without_pgpredict(dsn: str) -> None:
    with pytest.raises(NoSchema):
        pgpredict.connect(dsn).score("buys", **SCORES)

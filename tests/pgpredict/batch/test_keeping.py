"""What hangs on a table or a partition is there after a run: it is kept, or the table stays."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.batch.keeping import attached
from pgpredict.errors import InvalidTarget
from tests.sql.programs import pg_dump

from .conftest import VISITS, buys, visits

SCORES: dict[str, Any] = {"source": "visits", "into": "scores", "key": "id"}
DAY = "scores_20260301"
# {t} is the table, or the partition.
KEPT = """
    GRANT SELECT ON {t} TO PUBLIC;
    COMMENT ON TABLE {t} IS 'it''s for the shop';
    COMMENT ON COLUMN {t}.probability IS 'that somebody buys';
    ALTER TABLE {t} RENAME CONSTRAINT {t}_pkey TO "The key";
    COMMENT ON CONSTRAINT "The key" ON {t} IS 'one score per visit';
    ALTER TABLE {t} ALTER probability SET STATISTICS 500, ALTER version SET (n_distinct = 1);
    ALTER TABLE {t} SET (
        fillfactor = 80, autovacuum_enabled = false, toast.vacuum_truncate = false);
    REVOKE TRUNCATE ON {t} FROM CURRENT_USER
"""


def said(dsn: str, connection: psycopg.Connection) -> tuple[str, list[Any]]:
    """All that is said of the tables of scores, and which they are."""
    oids = connection.execute(
        "SELECT oid FROM pg_class WHERE relname LIKE 'scores%' AND relkind IN ('r', 'p') ORDER BY 1"
    ).fetchall()
    return pg_dump(dsn, "--schema-only", "--schema=public"), oids


def unlike_functions(connection: psycopg.Connection) -> Any:
    return connection.execute(
        """SELECT count(*) FROM visits AS v FULL JOIN scores AS s USING (id)
           WHERE s.prediction IS DISTINCT FROM predict.buys(v)"""
    ).fetchone()


def change(connection: psycopg.Connection) -> None:
    connection.execute("UPDATE visits SET score = -score; DELETE FROM visits WHERE id % 60 = 0")


@pytest.mark.parametrize("several", [False, True])
def test_a_table_that_takes_the_place_of_another_is_like_it(
    shop: pgpredict.Database,
    connection: psycopg.Connection,
    installed_dsn: str,
    several: bool,
    request: pytest.FixtureRequest,
) -> None:
    if several:
        request.getfixturevalue("several")
    shop.score("buys", **SCORES)
    connection.execute(KEPT.format(t="scores"))
    before, oids = said(installed_dsn, connection)
    change(connection)

    assert shop.score("buys", **SCORES).way == "replaced"

    after, others = said(installed_dsn, connection)
    assert after == before
    assert others != oids
    assert unlike_functions(connection) == (0,)


def test_a_partition_that_takes_the_place_of_another_is_like_it(
    every_db: pgpredict.Database, every_installed_dsn: str
) -> None:
    with every_db.connection() as connection:
        connection.execute(VISITS)
        every_db.deploy("buys", buys(), visits(), source="visits")
        replace_a_partition(every_db, connection, every_installed_dsn)


def replace_a_partition(
    shop: pgpredict.Database, connection: psycopg.Connection, installed_dsn: str
) -> None:
    shop.score("buys", **SCORES, partition_by="day")
    # What the parent has comes with it.
    connection.execute(
        """CREATE INDEX ON scores (probability);
           CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
           CREATE TRIGGER t BEFORE INSERT ON scores FOR EACH ROW EXECUTE FUNCTION nothing();
           ALTER TABLE scores ADD CONSTRAINT sane CHECK (probability <= 1),
                              ALTER prediction SET NOT NULL"""
    )
    connection.execute(KEPT.format(t=DAY))
    before, oids = said(installed_dsn, connection)
    change(connection)

    shop.score("buys", **SCORES, partitions=["2026-03-01"])

    after, others = said(installed_dsn, connection)
    assert after == before
    assert len({*oids} - {*others}) == 1


def test_default_privileges_do_not_come_back(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")
    shop.score("buys", **SCORES)
    connection.execute("REVOKE SELECT ON scores FROM PUBLIC")

    shop.score("buys", **SCORES)

    rights = (
        "SELECT EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0) "
        "FROM pg_class WHERE relname = 'scores'"
    )
    assert connection.execute(rights).fetchone() == (False,)


STAYS = [
    "CREATE INDEX ON {t} (probability)",
    "CREATE VIEW buyers AS SELECT * FROM {t} WHERE prediction = 'buys'",
    "ALTER TABLE {t} SET UNLOGGED",
    "CREATE STATISTICS s ON prediction, version FROM {t}",
    "ALTER TABLE {t} ALTER prediction SET STORAGE EXTERNAL",
    "ALTER TABLE {t} ALTER prediction SET DEFAULT 'nobody'",
    "GRANT SELECT (prediction) ON {t} TO PUBLIC",
    "CLUSTER {t} USING {t}_pkey",
    "ALTER TABLE {t} ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE {t} FORCE ROW LEVEL SECURITY",
    "ALTER TABLE {t} ALTER prediction SET NOT NULL",
    "CREATE TABLE history (was {t}[])",
]
# What no partition can have.
ALONE = [
    "ALTER TABLE {t} ALTER id ADD GENERATED BY DEFAULT AS IDENTITY",
    "CREATE TABLE heir () INHERITS ({t})",
    "CREATE TABLE everything (); ALTER TABLE {t} INHERIT everything",
    """CREATE TYPE score AS (id integer, prediction text, probability float8, version integer);
       ALTER TABLE {t} OF score""",
]


def test_a_partition_with_what_cannot_be_kept_stays(
    shop: pgpredict.Database, connection: psycopg.Connection, installed_dsn: str
) -> None:
    shop.score("buys", **SCORES, partition_by="day")
    connection.execute(
        """CREATE TABLE letters (id integer, day date,
                                 FOREIGN KEY (id, day) REFERENCES scores_20260330);
           INSERT INTO letters SELECT id, day FROM visits WHERE id = 29"""
    )
    for number, statement in enumerate(STAYS, start=1):
        connection.execute(statement.format(t=f"scores_202603{number:02}"))
    before = said(installed_dsn, connection)
    change(connection)

    done = shop.score("buys", **SCORES)

    assert done.rows == 2950
    dump, oids = said(installed_dsn, connection)
    assert dump == before[0]
    stay = connection.execute(
        "SELECT count(*) FROM pg_class WHERE relname BETWEEN 'scores_20260301' AND %s "
        "AND relkind = 'r' AND oid = ANY (%s)",
        [f"scores_202603{len(STAYS):02}", [oid for (oid,) in before[1]]],
    ).fetchone()
    assert stay == (len(STAYS),)
    assert len({*oids} & {*before[1]}) == len(STAYS) + 2  # with that of the letters, and the table
    assert unlike_functions(connection) == (0,)


def test_what_cannot_be_kept_is_seen(every_db: pgpredict.Database) -> None:
    with every_db.connection() as connection:
        connection.execute(
            "CREATE TABLE scores (id integer PRIMARY KEY, prediction text, probability float8, "
            "version integer)"
        )
        (table,) = connection.execute("SELECT 'scores'::regclass::oid").fetchone() or (0,)
        assert attached(connection, table) == []
        for statement in [*STAYS, *ALONE]:
            with connection.transaction(force_rollback=True):
                connection.execute(statement.format(t="scores"))
                assert attached(connection, table), statement


def test_columns_stay_in_their_order(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute(
        "CREATE TABLE scores (prediction text, probability float8, id integer PRIMARY KEY, "
        "version integer NOT NULL, at timestamptz NOT NULL)"
    )

    assert shop.score("buys", **SCORES).way == "in place"
    assert unlike_functions(connection) == (0,)


def test_a_key_that_is_deferrable_is_refused(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    shop.score("buys", **SCORES)
    connection.execute(
        "ALTER TABLE scores DROP CONSTRAINT scores_pkey, ADD PRIMARY KEY (id) DEFERRABLE"
    )

    with pytest.raises(InvalidTarget, match=r"primary key of public\.scores is deferrable"):
        shop.score("buys", **SCORES)

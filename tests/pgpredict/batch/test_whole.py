"""A source is scored into a table that is made, or whose place another one takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import psycopg
import pytest

import pgpredict
from pgpredict.batch import Progress
from pgpredict_transpiler.equality import same

from .conftest import VISITS, basket, buys, visits, worth

Rows = list[tuple[Any, ...]]


def scores(connection: psycopg.Connection, table: str = "scores") -> Rows:
    return connection.execute(
        f"SELECT id, prediction, probability, version, at FROM {table} ORDER BY id"
    ).fetchall()


def unlike_functions(connection: psycopg.Connection, model: str, table: str = "scores") -> Any:
    """How many scores are not, to the last bit, what the frozen functions say."""
    row = connection.execute(
        f"""SELECT count(*) FROM {table} AS s JOIN visits AS v USING (id)
            WHERE s.prediction IS DISTINCT FROM predict.{model}(v)
               OR s.probability IS DISTINCT FROM predict.{model}_proba(v)"""
    ).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("form", ["inline", "block"])
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.usefixtures("several")
def test_every_score_is_what_the_functions_and_scikit_learn_say(
    every_db: pgpredict.Database, form: str, workers: int
) -> None:
    model = buys()
    with every_db.connection() as connection:
        connection.execute(VISITS)
        every_db.deploy("buys", model, visits(), source="visits", form=form)

        done = every_db.score("buys", source="visits", into="scores", key="id", workers=workers)

        found = scores(connection)
        assert unlike_functions(connection, "buys") == 0
    assert (done.way, done.rows, done.nulls, len(found)) == ("new", 3000, 0, 3000)
    assert [row[1] for row in found] == list(model.predict(visits()))
    assert same(model.predict_proba(visits())[:, 1], np.array([row[2] for row in found])).all()
    assert {row[3] for row in found} == {1}


@pytest.mark.usefixtures("several")
def test_three_labels_have_three_probabilities(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    model = basket()
    db.deploy("basket", model, visits(), source="visits", form="block")

    done = db.score("basket", source="visits", into="scores", key="id")

    assert unlike_functions(connection, "basket") == 0
    found = np.array([row[2] for row in scores(connection)])
    assert same(model.predict_proba(visits()), found).all()
    assert set(done.shares) == {"a", "b", "c"}
    assert sum(done.shares.values()) == pytest.approx(1)
    assert done.quantiles["min"] >= 1 / 3


def test_a_regressor_has_no_probability_and_missing_answers_are_counted(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("worth", worth(), visits()[["tenure", "spend"]], source="visits")

    done = db.score("worth", source="visits", into="scores", key="id")

    found = scores(connection)
    assert (done.rows, done.nulls) == (3000, 60)
    assert sum(row[1] is None for row in found) == 60
    assert {row[2] for row in found} == {None}
    assert done.shares == {}
    assert done.quantiles["max"] == max(row[1] for row in found if row[1] is not None)


def test_the_record_tells_of_the_run(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    done = shop.score("buys", source="visits", into="scores", key=["id"])

    probability = [row[2] for row in scores(connection)]
    assert (done.model, done.version, done.into) == ("buys", 1, "public.scores")
    assert done.shares["buys"] == np.mean([row[1] == "buys" for row in scores(connection)])
    assert done.quantiles["50%"] == pytest.approx(np.median(probability), abs=0.01)
    assert done.seconds > 0
    assert done.rows_per_second == done.rows / done.seconds


@pytest.mark.usefixtures("several")
def test_a_second_run_replaces_the_table_and_keeps_its_rights(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    shop.score("buys", source="visits", into="scores", key="id")
    connection.execute("GRANT SELECT ON scores TO PUBLIC")
    connection.execute("UPDATE scores SET prediction = NULL; DELETE FROM visits WHERE id > 1000")

    done = shop.score("buys", source="visits", into="scores", key="id")

    assert (done.way, done.rows) == ("replaced", 1000)
    assert unlike_functions(connection, "buys") == 0
    assert connection.execute(
        "SELECT relacl::text LIKE '%=r/%' FROM pg_class WHERE relname = 'scores'"
    ).fetchone() == (True,)
    assert tables(connection) == ["scores", "visits"]
    assert indexes(connection, "scores") == ["scores_pkey"]


def tables(connection: psycopg.Connection) -> list[str]:
    found = connection.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'p') ORDER BY 1"
    )
    return [row[0] for row in found.fetchall()]


def indexes(connection: psycopg.Connection, table: str) -> list[str]:
    found = connection.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s", [table])
    return [row[0] for row in found.fetchall()]


@pytest.mark.parametrize(
    ("source", "rows"),
    [
        ("loyal_visits", 2400),
        ("select * from visits where region = 'north' -- in the north", 750),
        ("(SELECT id, region, tenure, 5 * spend AS spend, score FROM visits);", 3000),
        ("WITH v AS (SELECT * FROM visits) SELECT * FROM v WHERE region LIKE '%th'", 1500),
    ],
)
@pytest.mark.usefixtures("several")
def test_a_view_or_a_query_is_scored_too(
    shop: pgpredict.Database, connection: psycopg.Connection, source: str, rows: int
) -> None:
    done = shop.score("buys", source=source, into="scores", key="id")

    assert done.rows == len(scores(connection)) == rows
    if "5 *" not in source:
        assert unlike_functions(connection, "buys") == 0


@pytest.mark.usefixtures("several")
def test_a_partitioned_source_is_read_partition_by_partition(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute(
        """CREATE TABLE by_region (LIKE visits) PARTITION BY LIST (region);
           CREATE TABLE northern PARTITION OF by_region FOR VALUES IN ('north');
           CREATE TABLE others PARTITION OF by_region DEFAULT;
           INSERT INTO by_region SELECT * FROM visits"""
    )

    assert shop.score("buys", source="by_region", into="scores", key="id", workers=2).rows == 3000
    assert unlike_functions(connection, "buys") == 0


@pytest.mark.usefixtures("several")
def test_names_may_be_anything(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    connection.execute(
        """CREATE SCHEMA "My Shop";
           CREATE TABLE "My Shop"."Käufe %s" AS
           SELECT id AS "C", tenure AS "source_row", spend AS "k0" FROM visits"""
    )
    frame = visits()[["tenure", "spend"]].dropna()
    frame.columns = ["source_row", "k0"]
    model = worth().__class__().fit(frame, frame.sum(axis=1))
    db.deploy("worth", model, frame, form="block")

    done = db.score(
        "worth", source='"My Shop"."Käufe %s"', into='"My Shop"."The scores"', key="C", workers=2
    )

    assert (done.into, done.rows, done.nulls) == ('"My Shop"."The scores"', 3000, 60)
    assert connection.execute(
        """SELECT count(*) FROM "My Shop"."The scores" AS s JOIN visits AS v ON v.id = s."C"
           WHERE abs(s.prediction - v.tenure - v.spend) < 1e-6"""
    ).fetchone() == (2940,)


def test_the_key_may_have_several_columns(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    done = shop.score("buys", source="visits", into="scores", key=["day", "id"])

    assert done.rows == 3000
    assert connection.execute(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'scores_pkey'"
    ).fetchone() == ("PRIMARY KEY (day, id)",)


@pytest.mark.usefixtures("several")
def test_a_promotion_in_the_middle_changes_nothing(
    shop: pgpredict.Database, installed_dsn: str, connection: psycopg.Connection
) -> None:
    shop.deploy("buys", buys(above=10), visits(), source="visits", promote=False)
    operator = pgpredict.connect(installed_dsn)

    def promote(seen: Progress) -> None:
        operator.promote("buys", 2)

    done = shop.score("buys", source="visits", into="scores", key="id", progress=promote)

    assert done.version == 1
    assert {row[3] for row in scores(connection)} == {1}
    assert shop.models()[0].live == 2
    again = shop.score("buys", source="visits", into="scores", key="id", version=1)
    assert again.version == 1
    assert shop.score("buys", source="visits", into="scores", key="id").version == 2
    assert unlike_functions(connection, "buys") == 0


@pytest.mark.usefixtures("several")
def test_progress_tells_how_far_it_is(shop: pgpredict.Database) -> None:
    seen: list[Progress] = []

    shop.score("buys", source="visits", into="scores", key="id", workers=2, progress=seen.append)

    rows = [one.rows for one in seen]
    assert rows == sorted(rows)
    assert len(set(rows)) > 5
    assert rows[-1] == 3000
    assert {one.total for one in seen} == {3000}
    assert [one.seconds for one in seen] == sorted(one.seconds for one in seen)
    assert seen[-1].doing != seen[0].doing == "scoring"


def test_an_empty_source_gives_an_empty_table(
    shop: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("TRUNCATE visits")

    done = shop.score("buys", source="visits", into="scores", key="id")

    assert (done.rows, done.shares, done.quantiles) == (0, {}, {})
    assert scores(connection) == []


def test_a_transaction_of_yours_is_left_alone(shop: pgpredict.Database, installed_dsn: str) -> None:
    with psycopg.connect(installed_dsn) as mine:
        mine.execute("SET LOCAL work_mem = '5MB'")
        mine.execute("CREATE TABLE of_mine ()")

        pgpredict.connect(mine).score("buys", source="visits", into="scores", key="id")

        assert mine.execute("SHOW work_mem").fetchone() == ("5MB",)
        mine.rollback()
        assert mine.execute("SELECT count(*) FROM scores").fetchone() == (3000,)


def test_the_search_path_and_the_role_are_the_callers(
    shop: pgpredict.Database, installed_dsn: str, connection: psycopg.Connection
) -> None:
    connection.execute(
        "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.visits AS SELECT * FROM visits LIMIT 10"
    )
    with psycopg.connect(installed_dsn, autocommit=True) as mine:
        mine.execute("SET search_path = elsewhere")

        done = pgpredict.connect(mine).score("buys", source="visits", into="scores", key="id")

    assert (done.into, done.rows) == ("elsewhere.scores", 10)

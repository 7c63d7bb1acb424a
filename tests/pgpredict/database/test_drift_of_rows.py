"""Which rows are compared: relations of each kind, windows, stored predictions; odd names."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sklearn.datasets import load_iris
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression

import pgpredict
from tests.pgpredict.database.models import customers, value
from tests.pgpredict.database.visits import drifted, fill, visits


def test_tables_views_and_partitions(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE TABLE parted (LIKE "Visits") PARTITION BY RANGE (at);
        CREATE TABLE "may & june" PARTITION OF parted FOR VALUES FROM ('2026-05-01') TO (MAXVALUE);
        CREATE VIEW seen AS SELECT * FROM parted;
        CREATE MATERIALIZED VIEW kept AS SELECT * FROM parted WITH NO DATA;
        CREATE TEMPORARY TABLE passing (LIKE "Visits");
    """)
    fill(connection, visits(200, seed=5), "parted")
    connection.execute("REFRESH MATERIALIZED VIEW kept")
    for relation in ("parted", 'public."may & june"', "seen", "kept"):
        found = visited.drift("returns", relation)
        assert (drifted(found), found[0].rows) == ([], 200)
    theirs = pgpredict.connect(connection)
    assert theirs.drift("returns", "passing")[0].rows == 0


@pytest.mark.parametrize("type_", ["timestamptz", "timestamp", "date"])
def test_a_window(visited: pgpredict.Database, connection: psycopg.Connection, type_: str) -> None:
    connection.execute(f'ALTER TABLE "Visits" ALTER "at" TYPE {type_}')
    connection.execute('ALTER TABLE "Visits" RENAME "at" TO "Visited % at"')
    connection.execute('CREATE VIEW v AS SELECT *, "Visited % at" AS "at" FROM "Visits"')
    frame = visits(240)
    hours = pd.date_range("2026-05-01", periods=240, freq="h", tz="UTC")
    for values in zip(frame["plan"], hours, strict=True):
        connection.execute('INSERT INTO "Visits" (plan, "Visited %% at") VALUES (%s, %s)', values)
    day = datetime(2026, 5, 2, tzinfo=UTC)
    with visited.connection() as own:
        own.execute("SET timezone = 'UTC'")
        own.commit()
    column = "Visited % at"
    found = visited.drift("returns", '"Visits"', since=day, until="2026-05-04", time_column=column)
    assert found[0].rows == 48
    assert visited.drift("returns", "v", since="2026-05-10")[0].rows == 24
    assert visited.drift("returns", "v", until=day)[0].rows == 24
    assert visited.drift("returns", "v")[0].rows == 240


def test_stored_predictions_are_compared_by_themselves(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    later = visits(1_000, seed=6)
    fill(connection, later)
    connection.execute("""
        CREATE TABLE scores AS
        SELECT at, s.prediction, s.probability, 1 AS version
        FROM "Visits" v,
             LATERAL (SELECT predict.returns(age, "Spent €", plan, member) AS prediction,
                             predict.returns_proba(age, "Spent €", plan, member) AS probability
                      OFFSET 0) AS s;
        INSERT INTO scores SELECT at, true, 0.99, 2 FROM scores;
    """)
    computed = visited.drift("returns", '"Visits"', outputs=True)[-2:]
    assert visited.drift("returns", "scores") == computed
    connection.execute("ALTER TABLE scores DROP version")
    assert drifted(visited.drift("returns", "scores")) == ["prediction", "probability"]
    connection.execute("ALTER TABLE scores DROP probability")
    assert [c.name for c in visited.drift("returns", "scores")] == ["prediction"]


def test_stored_predictions_of_more_classes(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    sample, kinds = load_iris(return_X_y=True, as_frame=True)
    sample.columns = pd.Index(["a", "b", "c", "d"])
    db.deploy("iris", LogisticRegression(max_iter=1000).fit(sample, kinds), sample)
    connection.execute("CREATE TABLE iris (a float8, b float8, c float8, d float8)")
    with connection.cursor().copy("COPY iris FROM STDIN") as copy:
        for row in sample.itertuples(index=False):
            copy.write_row(row)
    connection.execute("""
        CREATE TABLE said AS SELECT predict.iris(a, b, c, d) AS prediction,
                                    predict.iris_proba(a, b, c, d) AS probability FROM iris""")
    computed = db.drift("iris", "iris", outputs=True)[-2:]
    assert [c.psi for c in computed] == [pytest.approx(0, abs=1e-9)] * 2
    assert [(c.psi, c.bins) for c in db.drift("iris", "said")] == [
        (c.psi, c.bins) for c in computed
    ]


def test_columns_with_names_that_the_query_uses(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    names = ["row", "said", "code", "prediction", "version", "c", 'a "b" %s %']
    sample = customers(columns=names)
    db.deploy("odd", value(columns=names), sample)
    columns = SQL(", ").join(SQL("1.5::float8 AS {}").format(Identifier(name)) for name in names)
    connection.execute(SQL("CREATE TABLE odd AS SELECT {}").format(columns))
    found = db.drift("odd", "odd", outputs=True)
    assert [c.name for c in found if c.role == "input"] == names
    assert {c.rows for c in found} == {1}


@pytest.mark.parametrize("zone", [None, "Asia/Kathmandu"])
def test_timestamps_are_seconds(
    db: pgpredict.Database, connection: psycopg.Connection, zone: str | None
) -> None:
    times = pd.date_range("2026-01-01", periods=500, freq="h", tz=zone)
    sample = pd.DataFrame({"seen": times})
    db.deploy("any", DummyRegressor().fit(sample, range(500)), sample)

    connection.execute(f"CREATE TABLE events (seen {'timestamptz' if zone else 'timestamp'})")
    for time in times:
        connection.execute("INSERT INTO events VALUES (%s)", [time])
    (seen,) = db.drift("any", "events")
    assert seen.psi == pytest.approx(0, abs=1e-9)
    # An edge after each fifty hours, written in UTC.
    first = (times[49] + pd.Timedelta("30min")).tz_localize(None) - (
        pd.Timedelta("5h45min") if zone else pd.Timedelta(0)
    )
    assert abs(pd.Timestamp(seen.bins[0]["bin"].removeprefix("< ")) - first) < pd.Timedelta("15min")
    connection.execute("UPDATE events SET seen = seen + interval '1 year'")
    assert drifted(db.drift("any", "events")) == ["seen"]

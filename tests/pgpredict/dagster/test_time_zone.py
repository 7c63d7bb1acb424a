"""A day is a day of score.timezone, wherever the server is."""

from __future__ import annotations

import dagster as dg
import psycopg

from tests.pgpredict.dagster.shop import attributes, checks, definitions, materialise, retrain

# A row each half hour; on 29 March 2026 a day in Berlin has 23 hours.
CALLS = """
    CREATE TABLE calls AS
    SELECT id, timestamptz '2026-03-27 00:00+00' + id * interval '30 minutes' AS moment,
           tenure, spend
    FROM visits
    WHERE id < 240;
    ALTER TABLE calls ADD PRIMARY KEY (id);
"""
SCORE = {
    "source": "calls",
    "into": "calls_scores",
    "partition_by": "moment",
    "start": "2026-03-01",
    "timezone": "Europe/Berlin",
}
BOUNDS = """
    SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relispartition
    AND relname LIKE 'calls_scores%' AND relkind = 'r'
"""


def test_days_of_a_timestamptz_are_days_of_the_zone(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    connection.execute(CALLS)
    connection.execute(
        "DO $$ BEGIN EXECUTE format("
        "'ALTER DATABASE %I SET timezone = %L', current_database(), 'America/New_York'); END $$"
    )
    defs = definitions(attributes(score=SCORE))
    retrain(defs, instance)

    result = materialise(defs, instance, "scores", day="2026-03-29")

    connection.execute("SET timezone = 'Europe/Berlin'")
    assert connection.execute(BOUNDS).fetchall() == [
        ("FOR VALUES FROM ('2026-03-29 00:00:00+01') TO ('2026-03-30 00:00:00+02')",)
    ]
    rows = "SELECT count(*), min(moment)::text, max(moment)::text FROM calls_scores"
    assert connection.execute(rows).fetchone() == (
        46,
        "2026-03-29 00:00:00+01",
        "2026-03-29 23:30:00+02",
    )
    # Of the scores all are in the window; that of the source is another one if the zone is.
    assert checks(result)["drift"].metadata["rows"].value == 46
    assert " tenure " in str(checks(result)["drift"].metadata["columns"].value)


def test_the_window_of_drift_is_of_the_zone_too(
    instance: dg.DagsterInstance, connection: psycopg.Connection
) -> None:
    connection.execute(CALLS)
    defs = definitions(attributes(score=SCORE))
    retrain(defs, instance)
    # Outside of the day in Berlin, inside of that in UTC.
    connection.execute(
        "UPDATE calls SET tenure = NULL WHERE moment >= '2026-03-30 00:00+02' "
        "AND moment < '2026-03-30 00:00+00'"
    )

    result = materialise(defs, instance, "scores", day="2026-03-29")

    columns = str(checks(result)["drift"].metadata["columns"].value)
    missing = [line.split("|")[5].strip() for line in columns.splitlines() if "| tenure |" in line]
    assert missing == ["0"]

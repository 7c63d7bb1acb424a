"""Checks for drift that are kept, and those that are refused."""

from __future__ import annotations

import itertools
from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.errors import InvalidSource, NoBaseline, PgpredictError, UnknownModel
from tests.pgpredict.database.visits import fill, returns, visits


def test_checks_are_kept_and_charted_by_day(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    fill(connection, visits(96, seed=7))
    connection.execute("""UPDATE "Visits" SET plan = 'new' WHERE "at" >= '2026-05-03'""")
    with visited.connection() as own:
        own.execute("SET timezone = 'UTC'")
        own.commit()
    days = ["2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04", "2026-05-05"]
    windows = list(itertools.pairwise(days))
    for since, until in [*windows, windows[0]]:  # one of them twice
        found = visited.drift("returns", '"Visits"', since=since, until=until, record=True)
    assert found == visited.drift("returns", '"Visits"', since=since, until=until)

    connection.execute("SET timezone = 'UTC'")
    chart = connection.execute("""
        SELECT day::text, drifted, rows, relation, version FROM pgpredict.drift_by_day
        WHERE model = 'returns' AND role = 'input' AND name = 'plan' ORDER BY day
    """).fetchall()
    assert chart == [(day, day >= "2026-05-03", 24, 'public."Visits"', 1) for day in days[:4]]
    kept = connection.execute("SELECT count(*), count(DISTINCT at) FROM pgpredict.drift_result")
    assert kept.fetchone() == (5 * 4, 5)


def test_a_check_without_a_window_is_of_the_day_it_was_made(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    visited.drift("returns", '"Visits"', record=True, outputs=True)
    chart = connection.execute("""
        SELECT DISTINCT day = current_date, psi FROM pgpredict.drift_by_day""").fetchall()
    assert chart == [(True, None)]


def test_nothing_is_written_unless_it_is_asked_for(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    with visited.connection() as own:
        own.execute("SET default_transaction_read_only = on")
        own.commit()
    assert len(visited.drift("returns", '"Visits"', outputs=True)) == 6


# Refusals.


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"model": "return"}, UnknownModel, "there is no model return"),
        ({"version": 7}, UnknownModel, "returns has no version 7"),
        ({"relation": "visits"}, InvalidSource, "there is no table or view visits"),
        ({"relation": "pg_class"}, InvalidSource, "the rows of pg_class do not fit returns"),
        ({"since": "now", "time_column": "plan"}, InvalidSource, "has no date or time plan"),
        ({"since": "now", "time_column": 'w"en'}, InvalidSource, 'has no date or time "w""en"'),
        ({"time_column": "nope"}, InvalidSource, "has no date or time nope"),
        ({"until": "some day"}, PgpredictError, 'this is no time: .*"some day"'),
    ],
)
def test_refusals(
    visited: pgpredict.Database, given: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        visited.drift(**{"model": "returns", "relation": '"Visits"'} | given)


def test_a_lost_column_is_named(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute('ALTER TABLE "Visits" DROP age, ALTER plan TYPE integer USING 1')
    with pytest.raises(InvalidSource) as caught:
        visited.drift("returns", '"Visits"')
    assert caught.value.details == ("no column age", "plan is integer, the model takes text")
    assert "or one that holds predictions, as prediction boolean" in caught.value.do


def test_a_version_of_a_time_before_baselines(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("DELETE FROM pgpredict.baseline")
    with pytest.raises(NoBaseline, match="there is no baseline of returns v1") as caught:
        visited.drift("returns", '"Visits"')
    assert "pgpredict export returns --version 1" in caught.value.do


def test_a_retired_version(visited: pgpredict.Database) -> None:
    visited.deploy("returns", returns(visits()), visits(), promote=True)
    visited.retire("returns", 1)
    with pytest.raises(UnknownModel, match="returns v1 is retired"):
        visited.drift("returns", '"Visits"', version=1)
    assert visited.drift("returns", '"Visits"')[0].version == 2

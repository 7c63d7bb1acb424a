from __future__ import annotations

import re

import psycopg
import pytest

import pgpredict
from pgpredict.demo import run
from pgpredict.errors import PgpredictError

pytestmark = pytest.mark.usefixtures("a_tenth")

ROWS = 33_678


def numbers(text: str, label: str) -> list[str]:
    """What stands behind a label."""
    found = re.search(rf"^ *{re.escape(label)} +(.+)$", text, re.MULTILINE)
    assert found is not None, label
    return found[1].split()


def test_every_flight_is_scored_and_no_answer_differs(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(dsn)
    told = capsys.readouterr().out
    assert numbers(told, "flights compared") == [f"{ROWS:,}", f"{ROWS:,}"]
    assert numbers(told, "labels that differ") == ["0", "0"]
    assert numbers(told, "probabilities that differ") == ["0", "0"]
    assert "Not one answer differs." in told
    assert "SELECT f.id, predict_versions.late_v1(f.carrier, …)," in told
    assert "SELECT f.id, predict.late(f), predict.late_proba(f)" in told
    assert "\x1b" not in told, "into a file goes plain text"
    assert "Each is what predict.late says of the row." in " ".join(told.split())
    arrived, predicted, waiting, *_ = numbers(told, "the end")
    assert (int(arrived) > 50, predicted, waiting) == (True, arrived, "0")
    with psycopg.connect(dsn) as connection:
        scored = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE s.probability = predict.late_proba(f))"
            " FROM nycflights.late_scores s JOIN nycflights.flights f ON f.id = s.flight_id"
        ).fetchone()
    assert scored == (ROWS, ROWS)


def test_a_second_run_makes_further_versions_and_leaves_what_stands_on_the_first(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(dsn)
    with psycopg.connect(dsn) as connection:
        connection.execute(
            "CREATE VIEW public.mine AS"
            " SELECT f.id FROM nycflights.flights f WHERE predict.late_proba(f) > 0.6"
        )
    run(dsn)
    assert "late v4" in capsys.readouterr().out
    with pgpredict.connect(dsn) as db, db.connection() as connection:
        assert [version.version for version in db.versions("late")] == [1, 2, 3, 4]
        assert db.models()[0].live == 4
        assert connection.execute("SELECT count(*) > 0 FROM public.mine").fetchone() == (True,)


def test_the_way_to_clean_up_that_it_names_leaves_nothing(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run(dsn)
    stream, tables, model = re.findall('-c "([^"]+)"', capsys.readouterr().out)
    with pgpredict.connect(dsn) as db, db.connection() as connection:
        connection.execute(tables.encode())
        run(dsn)
        told = capsys.readouterr().out
        assert "Not one answer differs." in told, "with the model and the stream still there"
        for statement in (stream, tables, model):
            connection.execute(statement.encode())
        assert (db.models(), db.versions(), db.streams()) == ([], [], [])


def test_a_schema_of_the_same_name_is_left_alone(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE SCHEMA nycflights")
        connection.execute("CREATE TABLE nycflights.flights AS SELECT 1 AS mine")
    with pytest.raises(PgpredictError, match="that this demo did not make"):
        run(dsn)
    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT mine FROM nycflights.flights").fetchone() == (1,)


def test_a_model_of_the_same_name_is_left_alone(installed_dsn: str) -> None:
    with psycopg.connect(installed_dsn) as connection:
        connection.execute("INSERT INTO pgpredict.model (name) VALUES ('late')")
    with pytest.raises(PgpredictError, match="that this demo did not deploy"):
        run(installed_dsn)
    with psycopg.connect(installed_dsn) as connection:
        there = "SELECT count(*) FROM pg_namespace WHERE nspname = 'nycflights'"
        assert connection.execute(there).fetchone() == (0,)

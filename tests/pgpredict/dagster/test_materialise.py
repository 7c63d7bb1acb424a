"""A model goes from its training rows to its scores."""

from __future__ import annotations

import dagster as dg
import psycopg

import pgpredict
from tests.pgpredict.dagster.shop import TRAINING, attributes, definitions, run


def test_everything_for_a_day(
    instance: dg.DagsterInstance, connection: psycopg.Connection, db: pgpredict.Database
) -> None:
    defs = definitions(attributes())
    assert run(defs, instance, *TRAINING).success
    (model,) = db.models()
    assert (model.name, model.live) == ("buys", 1)

    result = run(defs, instance, "scores", day="2026-03-05")
    assert result.success
    scored = "SELECT count(*), min(day)::text, max(day)::text FROM buys_scores"
    assert connection.execute(scored).fetchone() == (100, "2026-03-05", "2026-03-05")
    (drift,) = result.get_asset_check_evaluations()
    assert drift.passed, drift.description

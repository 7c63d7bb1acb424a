"""Everything that a deploy leaves in a database, to compare before and after."""

from __future__ import annotations

from typing import Any

import psycopg


def traces(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    """Functions with their bodies, and how many rows the tables hold."""
    functions = connection.execute("""
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid),
               obj_description(p.oid, 'pg_proc')
        FROM pg_proc AS p
        WHERE p.pronamespace IN ('predict'::regnamespace, 'predict_versions'::regnamespace)
        ORDER BY 1
    """).fetchall()
    rows = connection.execute("""
        SELECT (SELECT count(*) FROM pgpredict.model), (SELECT count(*) FROM pgpredict.version),
               (SELECT count(*) FROM pgpredict.golden_row), (SELECT count(*) FROM pgpredict.event),
               (SELECT array_agg((name, live) ORDER BY name) FROM pgpredict.models)
    """).fetchone()
    return {"functions": functions, "rows": rows}

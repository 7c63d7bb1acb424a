"""Dagster's own settings: it reads them, and remembers in Postgres."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import psycopg
import pytest

ROOT = Path(__file__).parents[2]


def test_dagster_remembers_in_postgres(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = dsn.replace("postgresql://", "postgresql+psycopg2://")
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)

    with dg.DagsterInstance.from_config(str(ROOT / "dagster_project")) as instance:
        instance.daemon_cursor_storage.set_cursor_values({"greeting": "hello"})
        assert instance.run_retries_enabled
        assert instance.run_monitoring_enabled
        assert instance.global_op_concurrency_default_limit == 1
        assert not instance.telemetry_enabled

    with psycopg.connect(dsn) as connection:
        assert connection.execute("SELECT key, value FROM kvs").fetchall() == [
            ("greeting", "hello")
        ]

"""What keeps the deployment from starting is said in one message."""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path

import dagster as dg
import pytest

from dagster_project import serve, storage


@pytest.fixture(autouse=True)
def given(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Databases that answer, and no arguments."""
    url = dsn.replace("postgresql://", "postgresql+psycopg2://")
    for name, value in (
        ("DAGSTER_HOME", str(tmp_path)),
        ("DAGSTER_POSTGRES_URL", url),
        ("PGPREDICT_DSN", dsn),
    ):
        monkeypatch.setenv(name, value)
    shutil.copy(Path(serve.__file__).with_name("dagster.yaml"), tmp_path)
    monkeypatch.setattr(sys, "argv", ["serve"])


def test_a_database_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PGPREDICT_DSN", "postgresql://me@127.0.0.1:1/shop")

    assert serve.main() == 1

    said = capsys.readouterr().err
    assert said.startswith("error: cannot connect to 127.0.0.1, port 1, database shop")


def test_a_url_without_a_driver_with_which_dagster_would_fail_later(
    dsn: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", dsn)

    assert serve.main() == 1

    said = capsys.readouterr().err
    assert said.startswith("error: $DAGSTER_POSTGRES_URL begins with postgresql://")
    assert "postgresql+psycopg2://" in said


def test_another_deployment_on_the_same_database(
    dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with storage.held(dsn.replace("postgresql://", "postgresql+psycopg2://")):
        assert serve.main() == 1

    assert capsys.readouterr().err.startswith("error: it runs already")


def test_a_run_that_was_killed_with_the_deployment_has_failed() -> None:
    with dg.DagsterInstance.get() as instance:
        run = dg.DagsterRun(job_name="late_retrain", status=dg.DagsterRunStatus.STARTED)
        instance.add_run(run)

    storage.prepare(ours=False)
    with dg.DagsterInstance.get() as instance:
        assert not found(instance, run).is_finished

    storage.prepare(ours=True)
    with dg.DagsterInstance.get() as instance:
        assert found(instance, run).is_failure


def found(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRun:
    again = instance.get_run_by_id(run.run_id)
    assert again is not None
    return again


def test_a_port_that_is_taken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        monkeypatch.setattr(sys, "argv", ["serve", "--port", str(port)])

        assert serve.main() == 1

    assert capsys.readouterr().err.startswith(f"error: port {port} is taken")

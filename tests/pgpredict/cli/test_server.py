"""The embedded server and the program itself, as real processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from .conftest import Shell


def test_a_server_is_started_used_and_stopped(shell: Shell, folder: Path) -> None:
    before = shell.run("server", "status")
    assert before.returncode == 5
    assert before.stdout.startswith("stopped   start it: pgpredict server start\n")

    started = shell.json("server", "start")
    assert started["running"]
    assert started["dsn"].startswith("postgresql://pgpredict:")
    assert shell.json("server", "status") == started
    shown = shell.run("server", "status").stdout.splitlines()
    assert f"socket    {started['socket_dsn']}" in shown
    with psycopg.connect(started["socket_dsn"]) as connection:
        assert connection.info.host.startswith("/")

    assert shell.json("init")["schema_version"] >= 1
    deployed = shell.run("deploy", "wine", folder / "tree.skops", "--sample", folder / "wine.csv")
    assert deployed.returncode == 0, deployed.stderr
    assert deployed.stderr == ""

    asked = shell.run("server", "psql", "-Atc", "select name, live from pgpredict.models")
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, "wine|1\n", "")

    asked = shell.run("server", "psql", "-qAtc", "create table kept (); table public.kept")
    assert (asked.returncode, asked.stderr) == (0, "")

    stopped = shell.run("server", "stop")
    assert stopped.stdout == f"stopped; the data stay in {started['path']}\n"
    assert shell.run("server", "stop").stdout == "the server was not running\n"
    assert [model["name"] for model in shell.json("models")] == ["wine"]


@pytest.mark.skipif(shutil.which("cc") is None, reason="there is no C compiler here")
def test_trees_are_walked_in_c_once_that_is_built(shell: Shell, folder: Path) -> None:
    built = shell.run("server", "native")
    assert built.returncode == 0, built.stderr
    assert built.stdout.startswith("trees are walked in C from now on, by ")
    assert Path(shell.json("server", "native")["library"]).is_file()

    shown = shell.json("doctor")
    assert {"subject": "trees", "state": "ok", "found": "walked in C", "do": ""} in shown
    deployed = shell.json(
        "deploy", "wine", folder / "tree.skops", "--sample", folder / "wine.csv", "--form", "nodes"
    )
    assert (deployed["form"], deployed["max_difference"]) == ("nodes", 0.0)


def test_the_program_exits_with_the_code_of_the_error(shell: Shell) -> None:
    finished = shell.run("models", "--dsn", "postgresql://nobody@127.0.0.1:1/nowhere")

    assert finished.returncode == 5
    assert finished.stdout == ""
    assert finished.stderr.endswith("(exit 5)\n")


def test_a_reader_that_goes_away_is_no_error(shell: Shell) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "pgpredict", "supported"],
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""

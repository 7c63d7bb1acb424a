"""``pgpredict worker`` as people and scripts use it; tests/pgpredict/worker/ has the rest."""

from __future__ import annotations

import io
import json
import os
import pty
import socket
import subprocess
import sys

import psycopg
import pytest
from rich.console import Console

import pgpredict
from pgpredict.cli.worker_screen import LiveScreen, PlainScreen
from pgpredict.worker import Event, StreamStatus
from tests.pgpredict.database.models import CUSTOMERS, churn, customers

from .conftest import Run


@pytest.fixture
def shop(db: pgpredict.Database, installed_dsn: str) -> str:
    """A database with a stream of 200 customers that wait."""
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(CUSTOMERS)
        db.deploy("churn", churn(), customers(), source="customers")
        connection.execute(
            "SELECT pgpredict.create_stream('churn_now', 'churn', 'customers', backfill => true)"
        )
    return installed_dsn


def test_once_does_what_waits_and_says_how_much(shop: str, run: Run) -> None:
    first = run("worker", "--once", "--dsn", shop)
    second = run("worker", "churn_now", "--once", "--batch", 10, "--dsn", shop)

    assert (first.exit_code, first.stdout) == (0, "200 rows done\n")
    assert (second.exit_code, second.stdout) == (0, "0 rows done\n")
    lines = first.stderr.splitlines()
    assert lines[0].endswith(": 1,000 rows per batch")
    assert lines[1].startswith("connected to 127.0.0.1, port ")
    assert lines[1].endswith(": churn_now")
    assert lines[2].startswith("churn_now: 200 rows, now ")


def test_json_is_an_event_per_line(shop: str, run: Run) -> None:
    result = run("worker", "--once", "--json", "--dsn", shop)

    assert result.exit_code == 0
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events] == ["started", "connected", "worked", "stopped"]
    assert events[1]["streams"] == ["churn_now"]
    assert (events[2]["stream"], events[2]["rows"]) == ("churn_now", 200)
    assert events[3]["rows"] == 200


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["churn_then"], 3, "error: there is no stream churn_then\n  streams: churn_now\n"),
        (["--dsn", "postgresql://me@127.0.0.1:1/shop"], 5, "error: cannot connect to 127.0.0.1"),
        (["--health", "everywhere"], 2, "'everywhere' is neither PORT nor HOST:PORT"),
        (["--health", "70000"], 2, "'70000' is neither PORT nor HOST:PORT"),
        (["--batch", "0"], 2, "--batch"),
        (["--poll", "0"], 2, "--poll"),
    ],
)
def test_what_cannot_be_is_refused(
    arguments: list[str], code: int, message: str, shop: str, run: Run
) -> None:
    result = run("worker", "--once", "--dsn", shop, *arguments)

    assert result.exit_code == code
    assert message in result.stderr


def test_a_port_that_is_taken_is_refused(shop: str, run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = run("worker", "--once", "--dsn", shop, "--health", f"127.0.0.1:{port}")

    assert result.exit_code == 3
    assert f"error: cannot answer for health on 127.0.0.1, port {port}" in result.stderr


def test_on_a_terminal_it_draws_the_streams(shop: str) -> None:
    ours, theirs = pty.openpty()
    path = os.pathsep.join(entry for entry in sys.path if entry)
    finished = subprocess.run(
        [sys.executable, "-m", "pgpredict", "worker", "--once", "--dsn", shop],
        env=os.environ | {"PYTHONPATH": path, "COLUMNS": "100", "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
        check=True,
    )
    os.close(theirs)
    drawn = os.read(ours, 65_536).decode()
    os.close(ours)

    assert finished.stdout == "200 rows done\n"
    assert "connected to 127.0.0.1" in drawn
    assert "stream" in drawn
    assert "churn_now" in drawn.partition("set aside")[2]


STATUS = StreamStatus(
    stream="churn_now",
    state="failing",
    rows=12_480,
    rows_per_second=212.4,
    depth=31,
    oldest_seconds=75.0,
    lag_seconds=0.003,
    dead_letters=2,
)


def test_the_table_shows_how_long_the_oldest_row_waits() -> None:
    file = io.StringIO()
    live = LiveScreen(Console(file=file, force_terminal=True, width=100, no_color=True))
    with live.shown():
        live.tell(Event("paused", {"stream": "churn_now"}))
        live.show([STATUS])

    assert "churn_now: paused" in file.getvalue()
    line = next(line for line in file.getvalue().splitlines() if "12,480" in line)
    assert line.split() == ["churn_now", "failing", "12,480", "212", "1", "min", "31", "2"]


def test_elsewhere_a_stream_is_told_of_once_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    now = 1_000.0
    monkeypatch.setattr("pgpredict.cli.worker_screen.time.monotonic", lambda: now)
    plain = PlainScreen()
    facts = {"stream": "s", "rows": 5, "rows_per_second": 5.0, "lag_seconds": 0.01, "depth": 0}

    for _ in range(121):
        plain.tell(Event("worked", facts))
        now += 1.0

    assert capsys.readouterr().err.splitlines() == [
        "s: 5 rows, now 5 rows/s, lag 10 ms, 0 waiting",
        "s: 300 rows, now 5 rows/s, lag 10 ms, 0 waiting",
        "s: 300 rows, now 5 rows/s, lag 10 ms, 0 waiting",
    ]


def test_what_a_database_says_cannot_confuse_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    PlainScreen().tell(Event("maintained", {"stream": "s", "note": "[red]\x1b[2J"}))

    assert capsys.readouterr().err == "warning: s: [red]\\x1b[2J\n"

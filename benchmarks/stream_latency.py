"""From commit to visible prediction, with ``pgpredict worker`` as a process of its own.

pgbench inserts single rows at a rate and writes down when each COMMIT had returned. A watcher
LISTENs to the stream, reads the predictions that are new after each notification, and then looks at
the clock: so what is measured is what a subscriber sees, his own query included. Every row counts.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
from rich.console import Console

from benchmarks.demands import Findings
from benchmarks.streaming import COLUMNS, VALUES_OF_PGBENCH, Bench, pgbench, stream_server, worker

SECONDS, WARM_UP = 20, 3
# For seconds without a prediction: a worker may need some to start.
PATIENCE = 30
STREAM = "arrivals"
# The keys of a client are its number times this, and then 1, 2, 3 …
KEYS = 1_000_000_000
INSERT = f"""\\set n :n + 1
INSERT INTO {STREAM} (id, {COLUMNS})
VALUES (:client_id::bigint * {KEYS} + :n, {VALUES_OF_PGBENCH});
"""
# Predictions of a client come in the order of its rows: one worker takes them as they came.
NEW = f"""
SELECT l.id
FROM unnest(%s::bigint[], %s::bigint[]) AS c (last, ending)
JOIN predict.{STREAM}_live AS l ON l.id > c.last AND l.id < c.ending
"""


def main(console: Console) -> None:
    """Print percentiles of milliseconds at 50 and at 5,000 rows/s."""
    findings = Findings(
        "from COMMIT to visible prediction, single-row INSERTs",
        f"{SECONDS} s each, all rows, ms; seen by a subscriber after NOTIFY",
    )
    with stream_server() as bench:
        bench.table(STREAM, "queue")
        with worker(bench, STREAM):
            for rate, clients in ((50, 1), (5_000, 4)):
                _measure(bench, rate, clients, WARM_UP)
                delays = _measure(bench, rate, clients, SECONDS)
                _report(findings, rate, clients, delays)
    console.print(findings.table)


def _report(findings: Findings, rate: int, clients: int, delays: np.ndarray) -> None:
    what = f"{rate:,} rows/s, {clients} client{'s' if clients > 1 else ''}"
    half, most = (float(np.percentile(delays, p)) for p in (50, 99))
    if rate == 50:
        findings.at_most(f"{what}, p50", half, 5, "ms")
        findings.at_most(f"{what}, p99", most, 100, "ms")
    else:
        findings.note(f"{what}, p50", f"{half:.2f} ms")
        findings.at_most(f"{what}, p99", most, 1_000, "ms")
    findings.note(f"{what}, longest", f"{delays.max():,.2f} ms")
    findings.note(f"{what}, committed", f"{len(delays) / SECONDS:,.0f} rows/s")


def _measure(bench: Bench, rate: int, clients: int, seconds: int) -> np.ndarray:
    """Milliseconds from commit to sight, for all rows of that time."""
    bench.run(f"TRUNCATE {STREAM}")
    arguments = [
        f"--client={clients}", "--jobs=1", f"--rate={rate}", f"--time={seconds}",
        "--define=n=0", "--log",
    ]  # fmt: skip
    with (
        tempfile.TemporaryDirectory() as folder,
        psycopg.connect(bench.dsn, autocommit=True) as connection,
    ):
        connection.execute(f"LISTEN pgpredict_{STREAM}")
        process = pgbench(bench, INSERT, Path(folder), arguments)
        seen = _watch(connection, process, clients)
        if process.wait():
            raise RuntimeError(f"pgbench failed: {process.communicate()[1]}")
        committed = dict(_committed(Path(folder)))
    missing = committed.keys() - seen.keys()
    if missing:
        raise RuntimeError(f"{len(missing)} rows have no prediction")
    return np.array([1000 * (seen[key] - at) for key, at in committed.items()])


def _watch(
    connection: psycopg.Connection, writer: subprocess.Popen[str], clients: int
) -> dict[int, float]:
    """When each prediction was seen, until the writer ended and all his rows were seen."""
    last = [number * KEYS for number in range(clients)]
    endings = [key + KEYS for key in last]
    seen: dict[int, float] = {}
    quiet_since = time.monotonic()
    while writer.poll() is None or time.monotonic() - quiet_since < PATIENCE:
        if writer.poll() is not None and len(seen) == _rows(connection):
            break
        for _ in connection.notifies(timeout=0.2, stop_after=1):
            pass
        rows = connection.execute(NEW, [last, endings]).fetchall()
        now = time.time()
        for (key,) in rows:
            seen[key] = now
            client = key // KEYS
            last[client] = max(last[client], key)
        if rows:
            quiet_since = time.monotonic()
    return seen


def _rows(connection: psycopg.Connection) -> int:
    row = connection.execute(f"SELECT count(*) FROM {STREAM}".encode()).fetchone()
    return 0 if row is None else int(row[0])


def _committed(folder: Path) -> Iterator[tuple[int, float]]:
    """Keys, and when their COMMIT had returned, from the log of pgbench."""
    for path in folder.glob("pgbench_log.*"):
        for line in path.read_text().splitlines():
            client, number, _, _, second, microsecond, *_ = (int(part) for part in line.split())
            yield client * KEYS + number, second + microsecond / 1e6

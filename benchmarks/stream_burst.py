"""A burst of rows with a worker running: how long it takes, and what is left on the disk after it.

Once 1,000,000 rows in one COPY, once 100,000 rows in statements of their own.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psycopg
from rich.console import Console

from benchmarks.demands import Findings
from benchmarks.streaming import (
    COLUMNS,
    INPUTS,
    VALUES_OF_PGBENCH,
    Bench,
    pgbench,
    stream_server,
    worker,
)

STREAM = "burst"
COPIED, SINGLE, CLIENTS = 1_000_000, 100_000, 4
# Autovacuum looks once a minute.
PATIENCE = 75
MEGABYTE = 1 << 20
# The heap, the indexes and the toast of the queue.
PARTS = {
    "heap": "pg_relation_size(c.oid)",
    "index": "pg_indexes_size(c.oid)",
    "toast": "coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0)",
}
SIZES = f"SELECT {', '.join(PARTS.values())} FROM pg_class AS c WHERE c.oid = %s::regclass"
WAITING = f"SELECT coalesce(sum(rows), 0) FROM pgpredict.{STREAM}_queue"


def main(console: Console) -> None:
    """Print seconds and sizes for both bursts."""
    with stream_server() as bench:
        bench.table(STREAM, "queue")
        with worker(bench, STREAM):
            for what, rows, write in (
                ("one COPY", COPIED, _copy),
                (f"single-row statements of {CLIENTS} clients", SINGLE, _single),
            ):
                console.print(_burst(bench, what, rows, write).table)


def _burst(bench: Bench, what: str, rows: int, write: Callable[[Bench], None]) -> Findings:
    findings = Findings(f"a burst of {rows:,} rows: {what}", "a worker runs beside it all the time")
    predicted = f"SELECT count(*) FROM predict.{STREAM}_live"
    before, had = _sizes(bench.connection), bench.number(predicted)
    start = time.perf_counter()
    with _peaks(bench) as peaks:
        write(bench)
        written = time.perf_counter() - start
        while bench.number(predicted) < had + rows:
            time.sleep(0.05)
        drained = time.perf_counter() - start
    at_end = _sizes(bench.connection)
    shrunk = _wait_until_small(bench, before)
    after = _sizes(bench.connection)
    findings.note("written within", f"{written:,.1f} s")
    findings.note("all predicted within", f"{drained:,.1f} s ({rows / drained:,.0f} rows/s)")
    for part in PARTS:
        sizes = " -> ".join(_size(s[part]) for s in (before, peaks, at_end))
        findings.note(f"queue, {part}: before, peak, when drained", sizes)
    findings.at_most(
        f"queue, all of it, {shrunk:,.1f} s after that", sum(after.values()) / MEGABYTE, 1, "MB"
    )
    for table in (f"{STREAM}_live", f"{STREAM}_log"):
        size = (
            f"SELECT pg_total_relation_size('predict.{table}')"
            " + (SELECT coalesce(sum(pg_total_relation_size(i.inhrelid)), 0)"
            f" FROM pg_inherits AS i WHERE i.inhparent = 'predict.{table}'::regclass)"
        )
        findings.note(f"predict.{table}", _size(bench.number(size)))
    findings.note("the source", _size(bench.number(f"SELECT pg_total_relation_size('{STREAM}')")))
    return findings


@contextmanager
def _peaks(bench: Bench) -> Iterator[dict[str, float]]:
    """The largest sizes of the queue while the block runs."""
    peaks = dict.fromkeys(PARTS, 0.0)
    over = threading.Event()

    def watch() -> None:
        with psycopg.connect(bench.dsn, autocommit=True) as connection:
            while not over.wait(0.1):
                for part, size in _sizes(connection).items():
                    peaks[part] = max(peaks[part], size)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peaks
    finally:
        over.set()
        watcher.join()


def _sizes(connection: psycopg.Connection) -> dict[str, float]:
    row = connection.execute(SIZES.encode(), [f"pgpredict.{STREAM}_queue"]).fetchone()
    assert row is not None
    return dict(zip(PARTS, map(float, row), strict=True))


def _wait_until_small(bench: Bench, before: dict[str, float]) -> float:
    start = time.perf_counter()
    while time.perf_counter() - start < PATIENCE:
        if sum(_sizes(bench.connection).values()) <= sum(before.values()) + MEGABYTE / 2:
            break
        time.sleep(0.2)
    return time.perf_counter() - start


def _copy(bench: Bench) -> None:
    rng = np.random.default_rng(1)
    lines = ["\t".join(f"{x:.6f}" for x in row) for row in rng.normal(size=(1_000, len(INPUTS)))]
    block = "".join(f"{line}\n" for line in lines)
    statement = f"COPY {STREAM} ({COLUMNS}) FROM STDIN".encode()
    with bench.connection.cursor().copy(statement) as copy:
        for _ in range(COPIED // len(lines)):
            copy.write(block)


def _single(bench: Bench) -> None:
    script = f"INSERT INTO {STREAM} ({COLUMNS}) VALUES ({VALUES_OF_PGBENCH});\n"
    arguments = [f"--client={CLIENTS}", "--jobs=1", f"--transactions={SINGLE // CLIENTS}"]
    with tempfile.TemporaryDirectory() as folder:
        process = pgbench(bench, script, Path(folder), arguments)
        _, complaints = process.communicate()
    if process.returncode:
        raise RuntimeError(f"pgbench failed: {complaints}")


def _size(size: float) -> str:
    return f"{size / MEGABYTE:,.1f} MB"

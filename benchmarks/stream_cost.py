"""What a stream costs those who write: CPU of their backend, and commits a second.

Bare and streamed tables take turns in short rounds, and the median of the rounds' ratios counts, so
that other load hits all alike. No worker runs: its time is not the writer's.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from rich.console import Console

from benchmarks.demands import Findings
from benchmarks.streaming import (
    COLUMNS,
    INPUTS,
    VALUES_OF_PGBENCH,
    Bench,
    insert,
    nanoseconds_on_cpu,
    pgbench,
    stream_server,
)

TABLES = {"bare": None, "queued": "queue", "at_once": "transaction"}
ROUNDS = 15
CLIENTS, SECONDS, RACES = 16, 8, 3
LIMIT, SHARE = 2.0, 0.6

Work = Callable[[Bench, str], int]


def main(console: Console) -> None:
    """Print the ratios of CPU, then of commits."""
    with stream_server() as bench:
        for table, mode in TABLES.items():
            bench.table(table, mode)
        for synchronous in ("on", "off"):
            console.print(_cpu(bench, synchronous).table)
        console.print(_clients(bench).table)


def insert_single(bench: Bench, table: str) -> int:
    """300 rows, a statement each."""
    places = ", ".join(["%s"] * len(INPUTS))
    statement = f"INSERT INTO {table} ({COLUMNS}) VALUES ({places})".encode()
    values = [number + 0.5 for number in range(len(INPUTS))]
    for _ in range(300):
        bench.connection.execute(statement, values, prepare=True)
    return 300


def insert_many(bench: Bench, table: str) -> int:
    """5 statements of 1,000 rows."""
    for _ in range(5):
        bench.connection.execute(insert(table, 1_000).encode(), prepare=True)
    return 5


def update_input(bench: Bench, table: str) -> int:
    """300 statements that change an input of one row."""
    return _update(bench, table, "x7 = x7 + 1")


def update_note(bench: Bench, table: str) -> int:
    """300 statements that change a column that the model does not read."""
    return _update(bench, table, "note = coalesce(note, 0) + 1")


def _update(bench: Bench, table: str, change: str) -> int:
    statement = f"UPDATE {table} SET {change} WHERE id = %s".encode()
    for number in range(1, 301):
        bench.connection.execute(statement, [number], prepare=True)
    return 300


WORK: dict[str, Work] = {
    "INSERT of 1 row": insert_single,
    "INSERT of 1,000 rows": insert_many,
    "UPDATE of an input, 1 row": update_input,
    "UPDATE of another column, 1 row": update_note,
}


def _cpu(bench: Bench, synchronous: str) -> Findings:
    bench.run(f"SET synchronous_commit = {synchronous}")
    findings = Findings(
        f"CPU of the writer's backend, 20 float8 columns, synchronous_commit {synchronous}",
        f"median of {ROUNDS} rounds; a ratio is to the table without a stream",
    )
    for what, work in WORK.items():
        rounds = [_round(bench, work) for _ in range(ROUNDS + 1)][1:]
        bare = median(costs["bare"] for costs in rounds)
        findings.note(f"{what}, no stream", f"{bare / 1000:,.0f} us")
        queued = median(costs["queued"] / costs["bare"] for costs in rounds)
        if what.startswith("INSERT"):
            findings.at_most(f"{what}, mode queue", queued, LIMIT, "times")
        else:
            findings.note(f"{what}, mode queue", f"{queued:.2f} times")
        at_once = median(costs["at_once"] / costs["bare"] for costs in rounds)
        findings.note(f"{what}, mode transaction", f"{at_once:.2f} times")
    return findings


def _round(bench: Bench, work: Work) -> dict[str, float]:
    """Nanoseconds per statement on each table; the bare one goes first and last."""
    _empty(bench)
    costs: dict[str, float] = {}
    turns = [*TABLES, "bare"]
    for turn, table in enumerate(turns):
        if work in (update_input, update_note) and turn < len(TABLES):
            bench.run(insert(table, 1_000))
        before = nanoseconds_on_cpu(bench.connection)
        statements = work(bench, table)
        cost = (nanoseconds_on_cpu(bench.connection) - before) / statements
        costs[table] = (costs[table] + cost) / 2 if table in costs else cost
    return costs


def _empty(bench: Bench) -> None:
    bench.run(f"TRUNCATE {', '.join(TABLES)}, pgpredict.queued_queue RESTART IDENTITY")


def _clients(bench: Bench) -> Findings:
    findings = Findings(
        f"{CLIENTS} clients, single-row INSERTs, synchronous_commit on",
        f"median of {RACES} rounds of {SECONDS} s; pgbench runs on the same machine",
    )
    races = []
    for _ in range(RACES):
        _empty(bench)
        races.append({table: _commits_a_second(bench, table) for table in TABLES})
    for table, mode in TABLES.items():
        rate = median(race[table] for race in races)
        share = median(race[table] / race["bare"] for race in races)
        if mode is None:
            findings.note("no stream", f"{rate:,.0f} commits/s")
        elif mode == "queue":
            findings.at_least(f"mode {mode}: {rate:,.0f} commits/s", share, SHARE, "times")
        else:
            findings.note(f"mode {mode}: {rate:,.0f} commits/s", f"{share:.2f} times")
    return findings


def _commits_a_second(bench: Bench, table: str) -> float:
    script = f"INSERT INTO {table} ({COLUMNS}) VALUES ({VALUES_OF_PGBENCH});\n"
    arguments = [f"--client={CLIENTS}", "--jobs=2", f"--time={SECONDS}"]
    with tempfile.TemporaryDirectory() as folder:
        process = pgbench(bench, script, Path(folder), arguments)
        output, complaints = process.communicate()
    found = re.search(r"^tps = ([0-9.]+)", output, re.MULTILINE)
    if process.returncode or found is None:
        raise RuntimeError(f"pgbench failed: {complaints}")
    return float(found[1])

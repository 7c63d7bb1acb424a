"""How many rows a second a learner learns, beside a Python worker; and what a prediction costs.

The Python worker makes the same promise, each row once: it claims rows from a queue, reads them,
calls partial_fit and writes the coefficients back, a transaction per batch. It gates nothing, and
keeps neither history nor metrics. The bold one reads in binary, and by a high-water mark instead of
a queue, which loses rows that commit late. In the database a batch is a transaction as well, be
there one call for all of them (`pgpredict.catch_up`) or a call for each (`pgpredict.learn`). All
commit without waiting for the disk, as `pgpredict worker` does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import psycopg
from rich.console import Console
from sklearn.linear_model import SGDClassifier

import pgpredict
from benchmarks.demands import Findings
from benchmarks.workbench import race, server

RATE = 100_000
# By rows of a batch: how many rows are learnt, and how many times as many as in Python.
LEARNT = {1: (500, None), 10: (2_000, 5.0), 100: (10_000, None), 1_000: (30_000, 1.5)}
CALLS, ONE_ROW = 2_000, 1.5
WHOLE, WHOLE_TABLE = 200_000, 3.0
NAMES = [f"x{i}" for i in range(20)]
ROUNDS = 5


def main(console: Console) -> None:
    """Print rows a second, and ratios from the same run."""
    findings = Findings(
        "learners: SGDClassifier(loss='log_loss'), 20 features",
        f"best of {ROUNDS} rounds in turns; 'times': of the Python worker in the same rounds",
    )
    with server() as connection:
        connection.execute("SET synchronous_commit = off")
        db = pgpredict.connect(connection)
        db.install()
        for batch, (rows, times) in LEARNT.items():
            _learn(db, connection, findings, batch, rows, times)
        _predict(db, connection, findings)
    console.print(findings.table)


def _learn(
    db: pgpredict.Database,
    connection: psycopg.Connection[Any],
    findings: Findings,
    batch: int,
    rows: int,
    times: float | None,
) -> None:
    name = f"batch{batch}"
    _table(connection, name, rows)
    db.create_learner(
        name, _estimator(), source=name, features=NAMES, target="y", classes=[False, True]
    )
    connection.execute("CREATE TABLE IF NOT EXISTS coefficients (id int PRIMARY KEY, v float8[])")
    connection.execute("CREATE TABLE IF NOT EXISTS waiting (id bigint PRIMARY KEY)")
    connection.execute("INSERT INTO coefficients VALUES (1, NULL) ON CONFLICT DO NOTHING")

    def refill(runner: str) -> None:
        if runner in ("database", "calls"):
            connection.execute("SELECT pgpredict.enqueue_source(%s)", [name])
            connection.execute(f"VACUUM pgpredict.{name}_queue".encode())
        elif runner == "python":
            connection.execute("TRUNCATE waiting")
            connection.execute(f"INSERT INTO waiting SELECT id FROM {name}".encode())
            connection.execute("VACUUM ANALYZE waiting")

    best = race(
        {
            "database": lambda: _drain(connection, name, batch),
            "calls": lambda: _ask_for_each(connection, name, batch),
            "python": lambda: _python_worker(connection, _claiming(name, batch)),
            "bold": lambda: _python_worker(connection, _reading(name, batch), binary=True),
        },
        ROUNDS,
        refill,
    )
    rate, rival = rows / best["database"], rows / best["python"]
    what = f"batches of {batch:,}"
    if batch == max(LEARNT):
        findings.at_least(f"{what}, rows/s", rate, RATE)
    else:
        findings.note(f"{what}, rows/s", f"{rate:,.0f}")
    findings.note(f"{what}, a call for each, rows/s", f"{rows / best['calls']:,.0f}")
    findings.note(f"{what}, Python worker, rows/s", f"{rival:,.0f}")
    findings.note(f"{what}, bold Python worker, rows/s", f"{rows / best['bold']:,.0f}")
    if times is None:
        findings.note(f"{what}, beside it", f"{rate / rival:.1f} times")
    else:
        findings.at_least(f"{what}, beside it", rate / rival, times, "times")


def _estimator() -> SGDClassifier:
    return SGDClassifier(loss="log_loss", random_state=0)


def _table(connection: psycopg.Connection[Any], name: str, rows: int) -> None:
    columns = ", ".join(f"{column} float8" for column in NAMES)
    values = ", ".join("random()" for _ in NAMES)
    connection.execute(
        f"CREATE TABLE {name} (id bigint PRIMARY KEY, y boolean, {columns})".encode()
    )
    connection.execute(
        f"INSERT INTO {name} SELECT n, random() > 0.5, {values}"
        f" FROM generate_series(1, {rows}) AS n".encode()
    )
    connection.execute(f"UPDATE {name} SET y = x0 + x1 > x2 + x3".encode())
    connection.execute(f"VACUUM ANALYZE {name}".encode())


def _drain(connection: psycopg.Connection[Any], name: str, batch: int) -> None:
    """All batches in one call, each a transaction."""
    connection.execute("CALL pgpredict.catch_up(%s, %s)", [name, batch])


def _ask_for_each(connection: psycopg.Connection[Any], name: str, batch: int) -> None:
    """A call for each batch, as a worker does."""
    while True:
        row = connection.execute(
            "SELECT pgpredict.learn(%s, %s)", [name, batch], prepare=True
        ).fetchone()
        if row is None or not row[0]:
            return


def _claiming(name: str, batch: int) -> Callable[[int], tuple[bytes, list[int]]]:
    """The statement that gives the next rows, after an id: from the queue."""
    statement = (
        "WITH claimed AS (DELETE FROM waiting WHERE id IN (SELECT id FROM waiting"
        f" ORDER BY id LIMIT {batch} FOR UPDATE SKIP LOCKED) RETURNING id)"
        f" SELECT id, y, {', '.join(NAMES)} FROM claimed JOIN {name} USING (id) ORDER BY id"
    )
    return lambda _: (statement.encode(), [])


def _reading(name: str, batch: int) -> Callable[[int], tuple[bytes, list[int]]]:
    """The same, without a queue."""
    statement = (
        f"SELECT id, y, {', '.join(NAMES)} FROM {name} WHERE id > %s ORDER BY id LIMIT {batch}"
    )
    return lambda last: (statement.encode(), [last])


def _python_worker(
    connection: psycopg.Connection[Any],
    read: Callable[[int], tuple[bytes, list[int]]],
    binary: bool = False,
) -> None:
    """Reads rows, learns them, writes the coefficients: a transaction per batch."""
    model, last = _estimator(), 0
    while True:
        with connection.transaction(), connection.cursor(binary=binary) as cursor:
            cursor.execute(*read(last), prepare=True)
            rows = cursor.fetchall()
            if not rows:
                return
            given = np.array(rows, dtype=np.float64)
            model.partial_fit(given[:, 2:], given[:, 1], classes=[0.0, 1.0])
            cursor.execute(
                "UPDATE coefficients SET v = %s WHERE id = 1",
                [[*model.coef_[0].tolist(), *model.intercept_.tolist(), model.t_]],
                prepare=True,
            )
            last = rows[-1][0]


def _predict(
    db: pgpredict.Database, connection: psycopg.Connection[Any], findings: Findings
) -> None:
    learner = f"batch{max(LEARNT)}"
    sample = pd.DataFrame(np.random.default_rng(0).random((100, len(NAMES))), columns=NAMES)
    db.deploy("frozen", db.export_learner(learner), sample, form="block")
    arguments = [0.5] * len(NAMES)
    slots = ", ".join(["%s::float8"] * len(NAMES))

    def calls(function: str) -> Callable[[], None]:
        statement = f"SELECT predict.{function}({slots})".encode()

        def run() -> None:
            for _ in range(CALLS):
                connection.execute(statement, arguments, prepare=True).fetchone()

        return run

    best = race({"learner": calls(learner), "frozen": calls("frozen")}, ROUNDS)
    findings.note("one row, frozen PL/pgSQL function, us", f"{best['frozen'] / CALLS * 1e6:,.0f}")
    findings.at_most(
        "one row, learner beside it", best["learner"] / best["frozen"], ONE_ROW, "times"
    )
    _table(connection, "whole", WHOLE)

    def scores(model: str) -> Callable[[], object]:
        return lambda: db.score(
            model, source="whole", into=f"scores_of_{model}", key="id", workers=1
        )

    best = race({"learner": scores(learner), "frozen": scores("frozen")}, ROUNDS)
    findings.note("whole table, frozen model, rows/s", f"{WHOLE / best['frozen']:,.0f}")
    findings.at_most(
        "whole table, learner beside it", best["learner"] / best["frozen"], WHOLE_TABLE, "times"
    )

"""Whether a learner stays fast as its history grows: from a thousand states to a million.

The states of the long history are copies of a real one, with one row each; those that are asked
about have been learnt.
"""

from __future__ import annotations

from typing import Any

import psycopg
from rich.console import Console
from sklearn.linear_model import SGDClassifier

import pgpredict
from benchmarks.demands import Findings
from benchmarks.workbench import race, server

SHORT, LONG = 1_000, 1_000_000
FEATURES = ["x0", "x1", "x2", "x3"]
ROUNDS = 20
TIMES = 2.0  # as long as with the short history
UNLEARNT_MS = 1_000  # unlearning looks into the keys of all batches

# By what is asked. {name} is the learner.
QUESTIONS = {
    "learn 10 rows": "SELECT pgpredict.learn('{name}', 10)",
    "predict a row": "SELECT predict.{name}(0.1, 0.2, 0.3, 0.4)",
    "predict with an old state": "SELECT predict.{name}_at(500, 0.1, 0.2, 0.3, 0.4)",
    "view learners": "SELECT * FROM pgpredict.learners WHERE name = '{name}'",
    "the last five states": """
        SELECT * FROM pgpredict.learner_states WHERE learner = '{name}'
        ORDER BY state DESC LIMIT 5""",
    "view learner_metrics": "SELECT * FROM pgpredict.learner_metrics WHERE learner = '{name}'",
    "unlearn a row of the last batch": """
        SELECT pgpredict.unlearn('{name}', (
            SELECT keys[1 : 1] FROM pgpredict.learner_batch
            WHERE learner = '{name}' ORDER BY state DESC LIMIT 1))""",
    "roll back to a state": "SELECT pgpredict.rollback_learner('{name}', 500)",
}


def main(console: Console) -> None:
    """Print milliseconds, and how many times as long each question takes."""
    findings = Findings(
        f"history: a learner with {SHORT:,} states, and one with {LONG:,}",
        f"best of {ROUNDS} rounds in turns; ms are those of the long history",
    )
    with server() as connection:
        connection.execute("SET synchronous_commit = off")
        db = pgpredict.connect(connection)
        db.install()
        for name, states in (("short", SHORT), ("long", LONG)):
            _learner(db, connection, name, states)
        connection.execute("VACUUM ANALYZE pgpredict.learner_state, pgpredict.learner_batch")
        for what, statement in QUESTIONS.items():
            best = _ask(connection, statement)
            if what.startswith("unlearn"):
                findings.at_most(f"{what}, ms", best["long"] * 1e3, UNLEARNT_MS)
            else:
                findings.note(f"{what}, ms", f"{best['long'] * 1e3:,.2f}")
                findings.at_most(f"{what}, beside", best["long"] / best["short"], TIMES, "times")
    console.print(findings.table)


def _learner(
    db: pgpredict.Database, connection: psycopg.Connection[Any], name: str, states: int
) -> None:
    """A learner that has learnt a table of rows, with a history as long as this before that."""
    columns = ", ".join(f"{feature} float8" for feature in FEATURES)
    values = ", ".join("random()" for _ in FEATURES)
    connection.execute(
        f"CREATE TABLE {name} (id bigint PRIMARY KEY, y boolean, {columns})".encode()
    )
    model = SGDClassifier(loss="log_loss", random_state=0)
    db.create_learner(
        name, model, source=name, features=FEATURES, target="y", classes=[False, True]
    )
    rows = f"SELECT n, random() > 0.5, {values} FROM generate_series({{}}, {{}}) AS n"
    connection.execute(f"INSERT INTO {name} {rows.format(1, 10)}".encode())
    connection.execute("SELECT pgpredict.learn(%s)", [name])
    connection.execute(
        "INSERT INTO pgpredict.learner_state (learner, state, came_from, made_by, rows,"
        " batch_rows, log_loss, accuracy, parameters)"
        " SELECT learner, n, n - 1, made_by, rows + n - 1, 1, log_loss, accuracy, parameters"
        " FROM pgpredict.learner_state, generate_series(2, %s) AS n"
        " WHERE learner = %s AND state = 1",
        [states, name],
    )
    connection.execute(
        "INSERT INTO pgpredict.learner_batch (learner, state, keys, features, labels, predicted)"
        " SELECT learner, n, ARRAY[(-n)::text], features[: %s], labels[: 1], predicted[: 1]"
        " FROM pgpredict.learner_batch, generate_series(2, %s) AS n"
        " WHERE learner = %s AND state = 1",
        [len(FEATURES), states, name],
    )
    connection.execute(
        "UPDATE pgpredict.learner_current SET state = %s, rows = rows + %s - 1 WHERE learner = %s",
        [states, states, name],
    )
    connection.execute(f"INSERT INTO {name} {rows.format(11, 2_000)}".encode())


def _ask(connection: psycopg.Connection[Any], statement: str) -> dict[str, float]:
    def asks(name: str) -> Any:
        text = statement.format(name=name).encode()
        return lambda: connection.execute(text).fetchall()

    return race({name: asks(name) for name in ("short", "long")}, ROUNDS)

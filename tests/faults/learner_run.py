"""A run for learners: clients write rows and labels, workers learn, the killer kills.

At the end each row was learnt once, and scikit-learn's partial_fit over the recorded batches gives
the parameters bit for bit; but for one that revises, whose rows change and go (see `revising`).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.neural_network import MLPClassifier

import pgpredict
from tests.faults import revising
from tests.faults.judge import Finding
from tests.faults.killer import Killer
from tests.faults.learner_client import LearnerClient, values
from tests.faults.place import connect, place
from tests.faults.plan import Plan, Standing
from tests.faults.run import Report, Tell, drain, write_and_kill
from tests.faults.workers import Workers

TABLE = """
    CREATE TABLE example (
        id bigint PRIMARY KEY, x1 float8, x2 float8, class boolean, number float8, note text);
    CREATE TABLE signature (client integer PRIMARY KEY, number bigint NOT NULL)
"""
# Makes the moment long in which a batch is learnt and not committed, now and then.
HINDRANCE = """
    CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF random() < 0.05 THEN PERFORM pg_sleep(random()); END IF;
        RETURN NULL;
    END
    $$;
    CREATE TRIGGER linger BEFORE INSERT ON pgpredict.learner_state
        FOR EACH STATEMENT EXECUTE FUNCTION linger();
"""
WAITING = """
    SELECT coalesce(sum(depth), 0)::bigint,
           coalesce(extract(epoch FROM max(oldest_age)), 0)::float8 FROM pgpredict.learners
"""
# Rows per transaction of a worker: few, so that many batches are there to be cut short.
BATCHES = (200, 20)
# Of each learner: its estimator, the column of its label, the classes.
LEARNERS: dict[str, tuple[Callable[[], Any], str, list[bool] | None]] = {
    "classes": (lambda: SGDClassifier(loss="log_loss", random_state=3), "class", [False, True]),
    "numbers": (lambda: SGDRegressor(average=True, shuffle=False), "number", None),
    # It learns in the workers' processes, with scikit-learn itself.
    "network": (lambda: MLPClassifier((4,), random_state=3), "class", [False, True]),
}


class LearnerKiller(Killer):
    """Kills; who learns has done something when a learner has come to another state."""

    DONE = "SELECT coalesce(sum(state), 0)::bigint FROM pgpredict.learner_current"


def run(plan: Plan, tell: Tell | None = None) -> Report:
    """Do what is planned, on a server of its own that is gone afterwards."""
    with place(plan.version) as here:
        furnish(here.dsn, plan.clients)
        standing = Standing(inserted=[0] * plan.clients)
        clients = [LearnerClient(n, plan, standing, here.dsn) for n in range(1, plan.clients + 1)]
        workers = Workers(
            here.dsn, here.folder, plan.workers, random.Random(f"workers of {plan.seed}"), BATCHES
        )
        began = time.monotonic()
        try:
            killer = LearnerKiller(plan, standing, here, workers)
            write_and_kill(standing, clients, killer, tell, WAITING)
            written = time.monotonic()
            if not standing.troubles:
                drain(standing, here, workers, tell, WAITING)
            drained = time.monotonic()
        finally:
            if wrong := workers.stop():
                standing.trouble(wrong)
        expected = frozenset().union(*(client.known.labelled for client in clients))
        findings, counts = [], {"learnable": len(expected)}
        if not standing.troubles:
            with connect(here.dsn) as connection:
                counts["taken back"] = revising.taken_back(connection)
                findings = judge(here.dsn, expected) + revising.judge(connection)
    return Report(
        plan,
        (written - began, drained - written),
        Counter(standing.kills),
        sum((client.transactions for client in clients), Counter()),
        Counter(counts),
        {},
        findings,
        standing.troubles,
    )


def judge(dsn: str, expected: frozenset[int]) -> list[Finding]:
    """Look at what each learner learnt that learns each row once.

    Args:
        dsn: a database in which nobody works any more.
        expected: the numbers of all rows that have their labels.
    """
    findings = []
    with pgpredict.connect(dsn) as db, connect(dsn) as connection:
        for name, (estimator, _, classes) in LEARNERS.items():
            batches = [
                keys
                for (keys,) in connection.execute(
                    "SELECT keys::bigint[] FROM pgpredict.learner_batch WHERE learner = %s"
                    " ORDER BY state",
                    [name],
                )
            ]
            times = Counter(key for keys in batches for key in keys)
            findings += [
                _finding(name, "each labelled row was learnt", expected, expected - times.keys()),
                _finding(name, "nothing else was learnt", times, times.keys() - expected),
                _finding(name, "each was learnt once", times, {k for k in times if times[k] > 1}),
                _finding(name, "nothing waits, nothing is in quarantine", {1}, _left(db, name)),
                _finding(
                    name,
                    "partial_fit over the batches gives the parameters, bit for bit",
                    batches,
                    _different(db.export_learner(name), estimator(), batches, classes),
                ),
            ]
    return findings


def _left(db: pgpredict.Database, name: str) -> set[str]:
    learner = db.learner(name)
    return {f"{learner.depth} wait"} if learner.depth else {r.reason for r in db.quarantine(name)}


def _different(
    exported: Any, model: Any, batches: list[list[int]], classes: list[bool] | None
) -> set[str]:
    """The parameters in which a learner and a model that learns the batches again differ."""
    for keys in batches:
        X, labels, numbers = values(keys)
        X = np.ascontiguousarray(X)
        model.partial_fit(X, numbers) if classes is None else model.partial_fit(
            X, labels, classes=classes
        )
    return {
        f"{name} is {getattr(exported, name)}, not {getattr(model, name)}"
        for name in ("coef_", "intercept_", "coefs_", "intercepts_", "t_")
        if hasattr(model, name) and not _same(getattr(exported, name), getattr(model, name))
    }


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
    return bool(np.array_equal(one, other))


def _finding(what: str, question: str, seen: Any, wrong: Any) -> Finding:
    return Finding(what, question, len(seen), len(wrong), str(next(iter(wrong), "")))


def furnish(dsn: str, clients: int) -> None:
    """Make the table, a row for each client's signature, and the learners."""
    with connect(dsn) as connection:
        connection.execute(TABLE)
        connection.execute(revising.TABLE)
        connection.execute(
            "INSERT INTO signature SELECT n, 0 FROM generate_series(1, %s) AS n", [clients]
        )
    with pgpredict.connect(dsn) as db:
        db.install()
        for name, (estimator, target, classes) in LEARNERS.items():
            db.create_learner(
                *(name, estimator()),
                source="example",
                features=["x1", "x2"],
                target=target,
                classes=classes,
            )
        revising.create(db)
    with connect(dsn) as connection:
        connection.execute(HINDRANCE)

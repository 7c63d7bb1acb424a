"""The judge of learners notices rows that are lost or double, and numbers that are not theirs."""

from __future__ import annotations

import random
from collections import Counter

import pgpredict
from tests.faults.learner_client import LearnerClient
from tests.faults.learner_run import LEARNERS, furnish, judge
from tests.faults.place import connect
from tests.faults.plan import Plan, Standing

LOST = "each labelled row was learnt"
OTHER = "nothing else was learnt"
TWICE = "each was learnt once"
WAITS = "nothing waits, nothing is in quarantine"
NUMBERS = "partial_fit over the batches gives the parameters, bit for bit"
A_BATCH = "learner = 'classes' AND state = 2"
DAMAGE = {
    f"UPDATE pgpredict.learner_batch SET keys = keys[2:] WHERE {A_BATCH}": {LOST, NUMBERS},
    f"UPDATE pgpredict.learner_batch SET keys = keys || '7'::text WHERE {A_BATCH}": {
        *(OTHER, NUMBERS),
    },
    f"UPDATE pgpredict.learner_batch SET keys = keys || keys[1] WHERE {A_BATCH}": {
        *(TWICE, NUMBERS),
    },
    "INSERT INTO pgpredict.classes_queue (rows, key1) VALUES (1, '{7}')": {WAITS},
    "INSERT INTO pgpredict.quarantine (learner, key, reason) VALUES ('classes', '7', 'no')": {
        WAITS,
    },
    "UPDATE pgpredict.learner_state SET parameters[1] = parameters[1] * (1 + 1e-15)"
    " WHERE learner = 'classes' AND state = (SELECT max(state) FROM pgpredict.learner_current"
    " WHERE learner = 'classes')": {NUMBERS},
}


def test_the_judge_of_learners_notices_each_damage_and_nothing_else(installed_dsn: str) -> None:
    expected = _work_well_done(installed_dsn)
    assert Counter(len(one.example) for one in judge(installed_dsn, expected)) == {0: 15}
    for damage, wrong in DAMAGE.items():
        with connect(installed_dsn) as connection:
            kept = {
                table: connection.execute(f"SELECT * FROM pgpredict.{table}").fetchall()
                for table in ("learner_batch", "learner_state")
            }
            connection.execute(damage.encode())
        found = {one.question for one in judge(installed_dsn, expected) if one.wrong}
        assert (damage, found) == (damage, wrong)
        with connect(installed_dsn) as connection:
            connection.execute("TRUNCATE pgpredict.classes_queue, pgpredict.quarantine")
            for table, rows in kept.items():
                connection.execute(f"TRUNCATE pgpredict.{table}".encode())
                marks = ", ".join(["%s"] * len(rows[0]))
                connection.cursor().executemany(
                    f"INSERT INTO pgpredict.{table} VALUES ({marks})", rows
                )


def _work_well_done(dsn: str) -> frozenset[int]:
    """A few transactions of a client, learnt. Returns the numbers of the labelled rows."""
    plan = Plan(rows=300, kills=0)
    furnish(dsn, 1)
    client = LearnerClient(1, plan, Standing(inserted=[0]), dsn)
    client.run()
    with pgpredict.connect(dsn) as db:
        for name in LEARNERS:
            while db.learn(name, random.Random(name).choice([50, 70])):
                pass
    return client.known.labelled

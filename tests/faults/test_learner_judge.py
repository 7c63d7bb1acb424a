"""The judge of learners notices rows that are lost or double, and numbers that are not theirs."""

from __future__ import annotations

import random
from collections import Counter

import pgpredict
from tests.faults import revising
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


A_READING = "WHERE {} = (SELECT max(id) FROM reading WHERE number IS NOT NULL)"
UNSEEN = "ALTER TABLE reading DISABLE TRIGGER USER; {}; ALTER TABLE reading ENABLE TRIGGER USER"
DAMAGE_TO_SUMS = {
    "SELECT": set(),
    "UPDATE pgpredict.learner_sums SET sums[2] = sums[2] + 1e-30": {revising.SAME_SUMS},
    "UPDATE pgpredict.learner_sums SET rows = rows + 1": {revising.SAME_SUMS},
    f"DELETE FROM pgpredict.readings_rows {A_READING.format('key1')}": {revising.LEARNT},
    UNSEEN.format(f"UPDATE reading SET x1 = x1 + 1 {A_READING.format('id')}"): {
        *(revising.LEARNT, revising.SAME_SUMS, revising.SAME_PARAMETERS),
    },
    UNSEEN.format(f"DELETE FROM reading {A_READING.format('id')}"): {
        *(revising.OTHER, revising.SAME_SUMS, revising.SAME_PARAMETERS),
    },
    f"UPDATE reading SET x1 = x1 + 1 {A_READING.format('id')}": {
        *(revising.LEARNT, revising.WAITS, revising.SAME_SUMS, revising.SAME_PARAMETERS),
    },
}


def test_the_judge_of_sums_notices_each_damage_and_nothing_else(installed_dsn: str) -> None:
    _work_well_done(installed_dsn)
    with connect(installed_dsn) as connection:
        for damage, wrong in DAMAGE_TO_SUMS.items():
            with connection.transaction(force_rollback=True):
                connection.execute(damage.encode())
                found = revising.judge(connection)
            assert (damage, {one.question for one in found if one.wrong}) == (damage, wrong)


def _work_well_done(dsn: str) -> frozenset[int]:
    """A few transactions of a client, learnt. Returns the numbers of the labelled rows."""
    plan = Plan(rows=300, kills=0)
    furnish(dsn, 1)
    client = LearnerClient(1, plan, Standing(inserted=[0]), dsn)
    client.run()
    with connect(dsn) as connection, connection.cursor() as cursor:
        choice = random.Random(5)
        for _ in range(40):
            revising.change(cursor, 1, choice)
    with pgpredict.connect(dsn) as db:
        for name in [*LEARNERS, revising.NAME]:
            while db.learn(name, random.Random(name).choice([50, 70])):
                pass
    return client.known.labelled

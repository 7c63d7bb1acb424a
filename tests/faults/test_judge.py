"""The judge notices what he is there for: lost, double, stale and left-over predictions."""

from __future__ import annotations

import psycopg

import pgpredict
from tests.faults.client import Client
from tests.faults.judge import judge
from tests.faults.memory import Memory
from tests.faults.place import STREAMS, connect, furnish
from tests.faults.plan import Plan, Standing

# Damage, and the questions to which the answer is no then.
LOST = "each row has a prediction"
LEFT_OVER = "each prediction has its row"
STALE = "each prediction is what the model says of the row now"
WAITS = "nothing waits in the queue"
FAILED = "nothing failed"
NOT_LOGGED = "each prediction is in the log"
ONCE = "a row that was inserted and never changed is in the log once"
MORE_THAN_CLAIMED = "the log holds no more predictions than workers claimed keys"
AS_OFTEN = "each key is in the log as often as a committed change wanted it"
NOT_THERE = "each committed row is in the table, as it was written last"
NOT_COMMITTED = "nothing that was rolled back is in the table"
AN_UNTOUCHED_ROW = "(SELECT min(id) FROM item WHERE id > 100 AND id % 4 = 0)"
DAMAGE = {
    f"DELETE FROM predict.by_id_live WHERE id = {AN_UNTOUCHED_ROW}": {LOST},
    "UPDATE predict.by_id_live SET probability = 0.5 WHERE id = 90000001": {STALE, NOT_LOGGED},
    "INSERT INTO predict.by_id_live SELECT 7, l.prediction, l.probability, l.version, l.at"
    " FROM predict.by_id_live AS l WHERE l.id = 90000001": {LEFT_OVER, NOT_LOGGED},
    # A batch that was claimed and written twice.
    "WITH claimed AS (UPDATE pgpredict.worker SET rows = rows + 1 WHERE stream = 'by_id')"
    " INSERT INTO predict.by_id_log SELECT * FROM predict.by_id_log"
    f" WHERE id = {AN_UNTOUCHED_ROW}": {ONCE},
    "INSERT INTO predict.at_once_log SELECT * FROM predict.at_once_log"
    f" WHERE id = {AN_UNTOUCHED_ROW}": {ONCE, AS_OFTEN},
    "INSERT INTO predict.by_code_log SELECT l.* FROM predict.by_code_log AS l,"
    " generate_series(1, 1000) WHERE code = '90000001'": {MORE_THAN_CLAIMED},
    f"DELETE FROM predict.at_once_log WHERE id = {AN_UNTOUCHED_ROW}": {
        ONCE,
        AS_OFTEN,
        NOT_LOGGED,
    },
    "INSERT INTO pgpredict.by_id_queue (rows, key1) VALUES (1, '{90000001}')": {WAITS},
    "INSERT INTO pgpredict.failure (stream, key, attempts, error, sqlstate)"
    """ VALUES ('by_id', '{"id": 90000001}', 1, 'no', '00000')""": {FAILED},
    f"UPDATE item SET change = 0 WHERE id = {AN_UNTOUCHED_ROW}": {NOT_THERE},
    "INSERT INTO item (id, \"Région\", code) VALUES (7, '', '')": {
        NOT_COMMITTED,
        LOST,
        WAITS,
        AS_OFTEN,
    },
}


def test_the_judge_notices_each_damage_and_nothing_else(installed_dsn: str) -> None:
    memory = _work_well_done(installed_dsn)
    with connect(installed_dsn) as connection:
        assert _denied(connection, memory) == set()
        for damage, questions in DAMAGE.items():
            assert connection.execute(damage).rowcount > 0
            assert _denied(connection, memory) == questions, damage


def _work_well_done(dsn: str) -> Memory:
    """What a client knows who wrote without being killed, when all that waited is done."""
    furnish(dsn, clients=1)
    plan = Plan(rows=100, kills=0, clients=1)
    client = Client(1, plan, Standing(inserted=[0]), dsn)
    client.run()
    with pgpredict.connect(dsn) as db:
        while any(db.work(stream.name) for stream in STREAMS):
            pass
    return client.memory


def _denied(connection: psycopg.Connection, memory: Memory) -> set[str]:
    """The questions to which the answer is no; what was done to the database is taken back."""
    findings = judge(connection, [memory])
    connection.rollback()
    return {finding.question for finding in findings if finding.wrong}

"""Promotions while a stream runs: each prediction carries the version that made it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier

import pgpredict
from pgpredict.errors import InUse, InvalidSource, SignatureChanged
from tests.sql.programs import pg_dump
from tests.sql.streams.asking import Connection, agrees, drain, one, work
from tests.sql.streams.models import payments, risk
from tests.sql.streams.versions import by_version, insert

pytestmark = pytest.mark.usefixtures("stream")


def classifier(sample: pd.DataFrame) -> LogisticRegression:
    """Another model of the risk, with other inputs."""
    return LogisticRegression().fit(sample, np.where(sample.index % 2, "risky", "safe"))


def test_predictions_after_a_promotion_are_of_the_new_version(
    db: pgpredict.Database, connection: Connection, mode: str
) -> None:
    insert(connection, 1, 50)
    drain(connection)
    insert(connection, 51, 60)  # still wait, in the mode `queue`
    db.promote("risk", 2)
    insert(connection, 61, 80)
    drain(connection)
    assert by_version(connection) == ({1: 50, 2: 30} if mode == "queue" else {1: 60, 2: 20})
    assert by_version(connection, "predict.s_log") == by_version(connection)
    assert one(connection, "SELECT version FROM pgpredict.streams") == 2
    db.rollback("risk")
    insert(connection, 81, 90)
    connection.execute("UPDATE payments SET amount = amount + 1 WHERE id = 70")
    drain(connection)
    assert one(connection, "SELECT version FROM predict.s_live WHERE id = 70") == 1
    assert by_version(connection) == ({1: 61, 2: 29} if mode == "queue" else {1: 71, 2: 19})
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    drain(connection)
    assert by_version(connection) == {1: 90}
    assert agrees(connection) == 90


def test_a_new_version_goes_live_as_it_is_deployed(
    db: pgpredict.Database, connection: Connection
) -> None:
    deployed = db.deploy("risk", risk(turned=True), payments(), source="payments", promote=True)
    assert deployed.version == 3
    insert(connection, 1, 50)
    drain(connection)
    assert by_version(connection) == {3: 50}
    assert agrees(connection) == 50


def test_workers_and_writers_go_on_while_somebody_promotes(
    connection: Connection, another: Callable[[], Connection], mode: str
) -> None:
    """Two workers, a writer, promotions to and fro: nobody fails, each answer is its version's."""
    promoted_often, done = Event(), Event()
    promoter, writer, *workers = [another() for _ in range(4)]

    def promote() -> None:
        promotions = 0
        while not done.is_set() and promotions < 200:
            promoter.execute("SELECT pgpredict.promote('risk', %s)", [2 - promotions % 2])
            promotions += 1
            if promotions == 5:
                promoted_often.set()

    def drain_all(worker: Connection) -> int:
        rows = 0
        while not done.is_set():
            rows += work(worker, batch=50)
        return rows + drain(worker)

    def write() -> int:
        rows = 0
        try:
            while rows < 2000 or not (promoted_often.is_set() or promoting.done()):
                insert(writer, rows + 1, rows + 40)
                rows += 40
        finally:
            done.set()
        return rows

    with ThreadPoolExecutor(4) as pool:
        promoting = pool.submit(promote)
        working = [pool.submit(drain_all, worker) for worker in workers]
        rows = pool.submit(write).result()
        promoting.result()
        worked = sum(future.result() for future in working)
    drain(connection)
    counts = by_version(connection)
    assert sum(counts.values()) == rows
    assert set(counts) == {1, 2}
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0
    assert worked == (rows if mode == "queue" else 0)
    assert by_version(connection, "predict.s_log") == counts


def test_a_version_whose_inputs_the_source_lacks_is_refused(
    db: pgpredict.Database, connection: Connection, installed_dsn: str
) -> None:
    sample = payments().assign(income=1.0)[["amount", "income"]]
    db.deploy("risk", classifier(sample), sample)
    before = pg_dump(installed_dsn)
    with pytest.raises(InvalidSource) as caught:
        db.promote("risk", 3)
    assert "cannot promote risk v3: it is in use by stream s" in str(caught.value)
    assert "no column income" in str(caught.value)
    assert pg_dump(installed_dsn) == before
    insert(connection, 1, 10)
    drain(connection)
    assert by_version(connection) == {1: 10}


OTHER_ANSWERS = {
    "numbers": lambda sample: LinearRegression().fit(sample, sample["amount"]),
    "whole numbers": lambda sample: LogisticRegression().fit(sample, sample["amount"] > 100),
    "three classes": lambda sample: LogisticRegression().fit(sample, payments()["region"]),
}


@pytest.mark.parametrize("what", OTHER_ANSWERS)
def test_a_version_with_answers_of_another_type_is_refused(
    db: pgpredict.Database, connection: Connection, installed_dsn: str, what: str
) -> None:
    sample = payments()[["amount", "days"]]
    db.deploy("risk", OTHER_ANSWERS[what](sample), sample)
    before = pg_dump(installed_dsn)
    with pytest.raises(SignatureChanged, match="risk v3: stream s holds answers of another type"):
        db.promote("risk", 3)
    assert pg_dump(installed_dsn) == before
    assert one(connection, "SELECT version FROM pgpredict.streams") == 1


def test_a_version_without_probabilities_may_follow_one_with(
    db: pgpredict.Database, connection: Connection
) -> None:
    sample = payments()[["amount", "days"]]
    labels = np.where(sample["amount"] > 100, "risky", "safe")
    db.deploy("risk", RidgeClassifier().fit(sample, labels), sample, promote=True)
    insert(connection, 1, 10)
    drain(connection)
    assert one(connection, "SELECT count(*) FROM predict.s_live WHERE prediction <> ''") == 10
    assert one(connection, "SELECT count(probability) FROM predict.s_live") == 0


def test_a_model_with_a_stream_is_not_dropped(
    db: pgpredict.Database, connection: Connection, installed_dsn: str
) -> None:
    before = pg_dump(installed_dsn)
    with pytest.raises(InUse, match="cannot drop risk") as caught:
        db.drop("risk")
    assert "stream s" in str(caught.value)
    assert pg_dump(installed_dsn) == before
    connection.execute("SELECT pgpredict.drop_stream('s')")
    assert db.drop("risk") == 2

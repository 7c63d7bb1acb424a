"""Eight clients that deploy, promote, roll back and read at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.errors import DatabaseError, NothingBefore
from tests.pgpredict.database.models import customers, value

DEPLOYS = 5


def test_eight_clients_at_once(
    installed_dsn: str, db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    models = {slope: value(slope) for slope in range(1, 4 * DEPLOYS + 2)}
    sample = customers(50)
    db.deploy("value", models[1], sample, source="customers")
    db.deploy("other", models[1], sample)
    connection.execute("CREATE VIEW worth AS SELECT id, predict.value(c) AS w FROM customers c")
    stop = threading.Event()

    def deployer(number: int) -> None:
        mine = pgpredict.connect(installed_dsn)
        name = "other" if number == 3 else "value"
        for i in range(DEPLOYS):
            mine.deploy(name, models[number * DEPLOYS + i + 2], sample, promote=i % 2 == 0)

    def operator() -> int:
        mine = pgpredict.connect(installed_dsn)
        done = 0
        while not stop.is_set():
            newest = max(v.version for v in mine.versions("value"))
            mine.promote("value", newest)
            try:
                mine.rollback("value")
            except NothingBefore as error:
                assert "no version was live before" in str(error)  # noqa: PT017
            done += 1
        return done

    def reader() -> int:
        asked = 0
        with psycopg.connect(installed_dsn, autocommit=True) as mine:
            mine.execute("SET plan_cache_mode = force_generic_plan")
            while not stop.is_set():
                answers = mine.execute(
                    "SELECT w / (tenure + spend::float8) FROM worth JOIN customers USING (id) "
                    "WHERE id <= 20",
                    prepare=True,
                ).fetchall()
                slopes = {round(answer, 6) for (answer,) in answers}
                # One statement sees one version.
                assert len(slopes) == 1
                assert slopes <= set(models)
                asked += 1
        return asked

    with ThreadPoolExecutor(8) as pool:
        deployers = [pool.submit(deployer, number) for number in range(4)]
        others: list[Any] = [pool.submit(operator), pool.submit(operator)]
        others += [pool.submit(reader), pool.submit(reader)]
        wait(deployers)
        time.sleep(0.2)
        stop.set()
        for future in deployers:
            future.result()
        counts = [future.result() for future in others]

    assert min(counts) > 0
    numbers = [v.version for v in db.versions("value")]
    assert numbers == list(range(1, 3 * DEPLOYS + 2))
    assert [v.version for v in db.versions("other")] == list(range(1, DEPLOYS + 2))
    assert sum(v.live for v in db.versions("value")) == 1
    for version in numbers:
        assert db.verify("value", version).differing == 0
    live = db.models()[1].live
    last = [e for e in db.events("value") if e.what != "deploy"][-1]
    assert last.version == live


def test_deploy_waits_for_one_of_the_same_model_only(
    installed_dsn: str, db: pgpredict.Database
) -> None:
    with psycopg.connect(installed_dsn) as mine:
        pgpredict.connect(mine)
        mine.execute("SELECT pgpredict.next_version('value')")
        assert db.deploy("other", value(), customers()).version == 1
        with db.connection() as same:
            same.execute("SET lock_timeout = '300ms'")
        with pytest.raises(DatabaseError, match="lock timeout"):
            db.deploy("value", value(), customers())
        mine.rollback()
    assert db.deploy("value", value(), customers()).version == 1

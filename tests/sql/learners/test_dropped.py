"""A learner that is dropped while a worker asks what there is to do: the others go on."""

from __future__ import annotations

from collections.abc import Callable

import pgpredict
from tests.sql.learners.asking import Connection
from tests.sql.learners.payments import create, insert
from tests.sql.streams.meeting import waiting_for


def test_one_that_goes_is_none_of_the_others_business(
    db: pgpredict.Database, connection: Connection, another: Callable[[], Connection]
) -> None:
    create(db)
    create(db, "other")
    insert(connection, 1, 5)
    worker, ready = another(), []
    connection.execute("BEGIN")
    connection.execute("SELECT pgpredict.drop_learner('fraud')")

    def ask() -> None:
        ready.extend(worker.execute("SELECT pgpredict.ready_streams()").fetchall())

    with waiting_for(connection, worker, ask):
        pass

    assert ready == [("other",)]

"""Installing a newer release over learners that an older one made."""

from __future__ import annotations

from typing import Any

import psycopg

import pgpredict
from tests.sql.learners.payments import FEATURES, estimator, insert
from tests.sql.programs import pg_dump

OLDER = """
    CREATE OR REPLACE FUNCTION pgpredict.fraud_learn(batch integer) RETURNS bigint
        LANGUAGE sql AS 'SELECT -1::bigint'
"""


def learnt(connection: psycopg.Connection[Any]) -> tuple[Any, ...] | None:
    return connection.execute("SELECT pgpredict.learn('fraud', 100)").fetchone()


def test_a_learner_gets_the_functions_of_the_newer_release(
    db: pgpredict.Database, connection: psycopg.Connection[Any], fraud: str
) -> None:
    insert(connection, 1, 30)
    connection.execute(OLDER)
    assert learnt(connection) == (-1,)

    db.install()

    assert learnt(connection) == (30,)


def test_installing_again_changes_nothing_of_a_learner(
    db: pgpredict.Database, installed_dsn: str, connection: psycopg.Connection[Any], fraud: str
) -> None:
    insert(connection, 1, 30)
    before = pg_dump(installed_dsn)

    db.install()

    assert pg_dump(installed_dsn) == before


def test_one_whose_source_is_gone_does_not_stop_the_others(
    db: pgpredict.Database, connection: psycopg.Connection[Any], fraud: str
) -> None:
    connection.execute("CREATE TABLE lost (LIKE payments INCLUDING ALL)")
    db.create_learner(
        "astray",
        estimator(),
        source="lost",
        features=FEATURES,
        target="is_fraud",
        classes=[False, True],
    )
    connection.execute("DROP TABLE lost CASCADE")
    connection.execute(OLDER)
    insert(connection, 1, 30)

    with db.connection() as installing:
        told: list[str] = []
        installing.add_notice_handler(lambda notice: told.append(str(notice.message_primary)))
        db.install()

    assert learnt(connection) == (30,)
    assert [word for word in told if " keeps " in word] == [
        "astray keeps the functions that it has: type public.lost does not exist"
    ]

"""Sources that are swapped, partitions that come and go: what has the triggers is learnt."""

from __future__ import annotations

import pytest

import pgpredict
from tests.sql.learners.asking import Connection, drain, learnt, one
from tests.sql.learners.payments import create, estimator, insert

SWAP = """
    ALTER TABLE payments RENAME TO moved;
    CREATE TABLE payments (LIKE moved INCLUDING ALL);
    INSERT INTO payments SELECT n, 1000, 0, false FROM generate_series(1, 20) AS n
"""


def test_rows_are_read_from_the_table_with_the_triggers(
    db: pgpredict.Database, connection: Connection
) -> None:
    create(db)
    insert(connection, 1, 3)
    connection.execute(SWAP.encode())
    connection.execute("INSERT INTO moved VALUES (11, 1, 1, true)")
    drain(connection)
    assert learnt(connection) == [1, 2, 3, 11]
    assert db.learner("fraud").source == "public.moved"
    assert one(connection, "SELECT 1000 <> ALL (features) FROM pgpredict.learner_batch")
    connection.execute("INSERT INTO moved VALUES (12, 1, 1, true)")
    drain(connection)
    assert learnt(connection)[-1] == 12


SALES = """
    CREATE TABLE sales (id bigint, amount float8, hours integer, is_fraud boolean,
                        PRIMARY KEY (id, hours)) PARTITION BY LIST (hours);
    CREATE TABLE one PARTITION OF sales FOR VALUES IN (1);
    CREATE TABLE two PARTITION OF sales FOR VALUES IN (2)
"""


def sell(db: pgpredict.Database, connection: Connection) -> None:
    """A learner of a table in partitions."""
    connection.execute(SALES.encode())
    db.create_learner(
        *("sold", estimator()),
        source="sales",
        features=["amount", "hours"],
        target="is_fraud",
        classes=[False, True],
    )


@pytest.mark.parametrize(
    "move",
    [
        "UPDATE sales SET hours = 2, is_fraud = (id % 2 = 0)",
        "UPDATE sales SET is_fraud = (id % 2 = 0); UPDATE sales SET hours = 2",
        """UPDATE sales SET is_fraud = (id % 2 = 0), hours = 2 WHERE id % 3 > 0;
           UPDATE sales SET is_fraud = true, id = id + 100 WHERE id % 3 = 0 AND hours = 1""",
    ],
)
def test_rows_that_an_update_moves_to_another_partition_are_learnt(
    db: pgpredict.Database, connection: Connection, move: str
) -> None:
    sell(db, connection)
    connection.execute("INSERT INTO sales SELECT i, i, 1, NULL FROM generate_series(1, 10) AS i")
    for statement in move.split(";"):
        connection.execute(statement.encode())
    drain(connection, learner="sold")
    keys = connection.execute(
        "SELECT count(*), count(DISTINCT key) FROM pgpredict.learner_batch AS b, unnest(b.keys) key"
    ).fetchone()
    assert keys == (10, 10)
    assert db.learner("sold").rows == 10


def test_rows_of_a_partition_that_was_just_made_are_learnt(
    db: pgpredict.Database, connection: Connection
) -> None:
    sell(db, connection)
    connection.execute("CREATE TABLE three PARTITION OF sales FOR VALUES IN (3)")
    connection.execute("INSERT INTO three VALUES (1, 1, 3, true)")
    drain(connection, learner="sold")
    assert db.learner("sold").rows == 1


def test_a_partition_that_is_detached_is_not_learnt_from_until_it_is_back(
    db: pgpredict.Database, connection: Connection
) -> None:
    sell(db, connection)
    connection.execute("ALTER TABLE sales DETACH PARTITION one")
    connection.execute("INSERT INTO one VALUES (1, 1, 1, true)")
    assert db.learner("sold").depth == 0
    assert connection.execute("SELECT pgpredict.maintain('sold')").fetchall() == []
    connection.execute("ALTER TABLE sales ATTACH PARTITION one FOR VALUES IN (1)")
    assert connection.execute("SELECT pgpredict.maintain('sold')").fetchall() == []
    connection.execute("INSERT INTO one VALUES (2, 1, 1, true)")
    connection.execute("UPDATE one SET id = 3 WHERE id = 2")
    drain(connection, learner="sold")
    keys = one(connection, "SELECT keys FROM pgpredict.learner_batch WHERE learner = 'sold'")
    assert keys == ['{"id": 3, "hours": 1}']

"""Sources that are swapped, partitions that come and go: what has the triggers is learnt."""

from __future__ import annotations

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


def test_a_partition_that_is_detached_is_not_learnt_from_until_it_is_back(
    db: pgpredict.Database, connection: Connection
) -> None:
    connection.execute(SALES.encode())
    db.create_learner(
        *("sold", estimator()),
        source="sales",
        features=["amount", "hours"],
        target="is_fraud",
        classes=[False, True],
    )
    connection.execute("ALTER TABLE sales DETACH PARTITION one")
    said = [note for (note,) in connection.execute("SELECT pgpredict.maintain('sold')").fetchall()]
    assert said == ["public.one is no partition of the source any more: its triggers are gone"]
    connection.execute("INSERT INTO one VALUES (1, 1, 1, true)")
    assert db.learner("sold").depth == 0
    assert connection.execute("SELECT pgpredict.maintain('sold')").fetchall() == []
    connection.execute("ALTER TABLE sales ATTACH PARTITION one FOR VALUES IN (1)")
    said = [note for (note,) in connection.execute("SELECT pgpredict.maintain('sold')").fetchall()]
    assert said == ["1 new partitions of public.sales"]
    connection.execute("INSERT INTO one VALUES (2, 1, 1, true)")
    connection.execute("UPDATE one SET id = 3 WHERE id = 2")
    drain(connection, learner="sold")
    keys = one(connection, "SELECT keys FROM pgpredict.learner_batch WHERE learner = 'sold'")
    assert keys == ['{"id": 3, "hours": 1}']

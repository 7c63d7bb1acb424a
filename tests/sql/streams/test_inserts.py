"""INSERT in all its forms, in both modes: every row that is committed gets one prediction."""

from __future__ import annotations

import pytest

from tests.sql.streams.asking import Connection, live, one, settles, waiting

pytestmark = pytest.mark.usefixtures("stream")


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


def test_one_row(connection: Connection, mode: str) -> None:
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    assert live(connection) == ([] if mode == "queue" else [(1,)])
    assert settles(connection) == 1
    answer = connection.execute(
        "SELECT l.prediction, predict.risk(p), l.probability, predict.risk_proba(p), l.version,"
        " l.at BETWEEN now() - interval '1 minute' AND now()"
        " FROM predict.s_live AS l JOIN payments AS p USING (id)"
    ).fetchone()
    assert answer is not None
    assert answer[0] == answer[1] in ("risky", "safe")
    assert 0 < answer[2] == answer[3] < 1
    assert answer[4:] == (1, True)


def test_many_rows_in_one_statement(connection: Connection) -> None:
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south'), (2, 9, 30, 'west')")
    assert settles(connection) == 2


def test_missing_values_and_unknown_categories_have_a_prediction_of_their_own(
    connection: Connection,
) -> None:
    connection.execute(
        "INSERT INTO payments VALUES (1, NULL, 3, 'south'), (2, 50, 3, NULL), (3, 50, 3, 'mars'),"
        " (4, NULL, NULL, NULL), (5, 'NaN', 1, 'west'), (6, '-Infinity', 1, 'west')"
    )
    assert settles(connection) == 6
    assert live(connection, columns="id, prediction IS NULL") == [
        (1, True),
        (2, False),
        (3, False),
        (4, True),
        (5, True),
        (6, True),
    ]


def test_hundreds_of_rows_are_a_few_entries_of_the_queue(connection: Connection, mode: str) -> None:
    connection.execute(
        "INSERT INTO payments SELECT n, n, n % 30, 'west' FROM generate_series(1, 250) AS n"
    )
    sizes = connection.execute("SELECT rows, cardinality(key1) FROM pgpredict.s_queue ORDER BY 1")
    assert sizes.fetchall() == ([(50, 50), (100, 100), (100, 100)] if mode == "queue" else [])
    assert settles(connection) == 250


def test_statement_that_inserts_nothing_leaves_nothing(connection: Connection) -> None:
    connection.execute("INSERT INTO payments SELECT 1 WHERE false")
    assert waiting(connection) == 0
    assert settles(connection) == 0


def test_conflict_that_updates_predicts_what_is_there_then(connection: Connection) -> None:
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    connection.execute(
        "INSERT INTO payments VALUES (1, 5, 3, 'south'), (2, 7, 3, 'west')"
        " ON CONFLICT (id) DO UPDATE SET amount = excluded.amount"
    )
    assert settles(connection) == 2
    assert one(connection, "SELECT amount FROM payments WHERE id = 1") == 5


def test_conflict_that_does_nothing_predicts_the_new_rows_only(
    connection: Connection, mode: str
) -> None:
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    assert settles(connection) == 1
    connection.execute(
        "INSERT INTO payments VALUES (1, 5, 3, 'south'), (2, 7, 3, 'west') ON CONFLICT DO NOTHING"
    )
    assert waiting(connection) == (1 if mode == "queue" else 0)
    assert settles(connection) == 2


def test_merge_predicts_what_it_inserts_updates_and_deletes(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO payments VALUES (1, 120, 3, 'south'), (2, 9, 3, 'west'), (3, 1, 1, 'west')"
    )
    connection.execute("""
        MERGE INTO payments AS p
        USING (VALUES (1, 7.0), (2, NULL), (9, 90.0)) AS news (id, amount) ON p.id = news.id
        WHEN MATCHED AND news.amount IS NULL THEN DELETE
        WHEN MATCHED THEN UPDATE SET amount = news.amount
        WHEN NOT MATCHED THEN INSERT (id, amount, days) VALUES (news.id, news.amount, 4)
    """)
    assert settles(connection) == 3
    assert live(connection) == [(1,), (3,), (9,)]


def test_rows_that_are_copied_in(connection: Connection) -> None:
    with connection.cursor().copy("COPY payments (id, amount, days, region) FROM STDIN") as copy:
        for n in range(1000):
            copy.write_row((n, n / 7, n % 30, "south" if n % 2 else None))
    assert settles(connection) == 1000


def test_row_of_a_writable_query_beside_others(connection: Connection) -> None:
    """One statement that fires the INSERT and the UPDATE trigger."""
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    connection.execute(
        "WITH new AS (INSERT INTO payments VALUES (2, 10, 3, 'west') RETURNING amount)"
        " UPDATE payments SET amount = new.amount FROM new WHERE id = 1"
    )
    assert settles(connection) == 2


def test_insert_that_fails_leaves_nothing(connection: Connection) -> None:
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    assert settles(connection) == 1
    with pytest.raises(Exception, match="duplicate key"):
        connection.execute("INSERT INTO payments VALUES (2, 9, 9, 'west'), (1, 9, 9, 'west')")
    assert waiting(connection) == 0
    assert live(connection) == [(1,)]

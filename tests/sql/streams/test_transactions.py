"""What a transaction that writes sees of its predictions, and what it leaves when it is undone."""

from __future__ import annotations

import psycopg
import pytest

from tests.sql.streams.asking import Connection, agrees, drain, live, one, settles, waiting


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


class TestTransactionMode:
    """The prediction commits with the row."""

    @pytest.fixture(autouse=True)
    def rows(self, connection: Connection) -> None:
        connection.execute(
            "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => 'transaction')"
        )
        connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south'), (2, 40, 9, 'west')")

    def test_each_statement_sees_the_predictions_of_those_before(
        self, connection: Connection
    ) -> None:
        with connection.transaction():
            connection.execute("INSERT INTO payments VALUES (3, 5, 5, 'west')")
            assert agrees(connection) == 3
            connection.execute("UPDATE payments SET amount = 90, region = 'south' WHERE id > 1")
            assert agrees(connection) == 3
            connection.execute("UPDATE payments SET id = id + 10")
            assert agrees(connection) == 3
            connection.execute("DELETE FROM payments WHERE id = 11")
            assert agrees(connection) == 2
            connection.execute("TRUNCATE payments")
            assert agrees(connection) == 0
            connection.execute("INSERT INTO payments VALUES (12, 5, 5, 'west')")
            assert agrees(connection) == 1
        assert settles(connection) == 1

    def test_nobody_else_sees_them_before_the_commit(
        self, connection: Connection, installed_dsn: str
    ) -> None:
        with psycopg.connect(installed_dsn, autocommit=True) as other, connection.transaction():
            connection.execute("INSERT INTO payments VALUES (3, 5, 5, 'west')")
            assert agrees(other) == 2
        assert settles(connection) == 3

    def test_savepoint_that_is_rolled_back_takes_its_predictions_along(
        self, connection: Connection
    ) -> None:
        with connection.transaction():
            connection.execute("UPDATE payments SET amount = 1 WHERE id = 1")
            with connection.transaction(force_rollback=True):
                connection.execute("UPDATE payments SET amount = 2")
                connection.execute("INSERT INTO payments VALUES (3, 5, 5, 'west')")
                connection.execute("DELETE FROM payments WHERE id = 2")
                assert agrees(connection) == 2
            assert agrees(connection) == 2
        assert settles(connection) == 2
        assert one(connection, "SELECT count(*) FROM predict.s_log") == 3

    def test_trigger_that_changes_the_row_before_is_heard(self, connection: Connection) -> None:
        connection.execute("""
            CREATE FUNCTION halve() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN NEW.amount := NEW.amount / 2; RETURN NEW; END $$;
            CREATE TRIGGER halve BEFORE INSERT OR UPDATE ON payments
                FOR EACH ROW EXECUTE FUNCTION halve();
        """)
        connection.execute("INSERT INTO payments VALUES (3, 100, 5, 'west')")
        connection.execute("UPDATE payments SET note = 'touched'")
        assert settles(connection) == 3

    def test_row_that_a_later_trigger_changes_again(self, connection: Connection) -> None:
        """An AFTER trigger that writes to the source itself: the streams' triggers nest."""
        connection.execute("""
            CREATE FUNCTION settle() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                UPDATE payments SET amount = 1 WHERE amount > 1000;
                RETURN NULL;
            END $$;
            CREATE TRIGGER a_settle AFTER INSERT ON payments EXECUTE FUNCTION settle();
            CREATE TRIGGER z_settle AFTER INSERT ON payments EXECUTE FUNCTION settle();
        """)
        connection.execute("INSERT INTO payments VALUES (3, 5000, 5, 'west'), (4, 3, 5, 'west')")
        assert settles(connection) == 4


def test_rollback_leaves_nothing(connection: Connection, stream: str) -> None:
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    assert settles(connection) == 1
    connection.execute("BEGIN")
    connection.execute("INSERT INTO payments VALUES (2, 1, 1, 'west')")
    connection.execute("UPDATE payments SET amount = 2")
    connection.execute("DELETE FROM payments WHERE id = 1")
    connection.execute("ROLLBACK")
    assert waiting(connection) == 0
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0
    assert one(connection, "SELECT count(*) FROM predict.s_log") == 1
    assert settles(connection) == 1


def test_savepoint_that_is_rolled_back_leaves_no_key(connection: Connection, stream: str) -> None:
    with connection.transaction():
        connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
        with connection.transaction(force_rollback=True):
            connection.execute("INSERT INTO payments VALUES (2, 1, 1, 'west')")
        connection.execute("INSERT INTO payments VALUES (3, 1, 1, 'west')")
    assert settles(connection) == 2
    assert live(connection) == [(1,), (3,)]


def test_worker_sees_nothing_before_the_commit(connection: Connection, installed_dsn: str) -> None:
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'payments')")
    with psycopg.connect(installed_dsn, autocommit=True) as worker:
        with connection.transaction():
            connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
            assert drain(worker) == 0
        assert drain(worker) == 1
    assert agrees(connection) == 1


def test_transactions_that_commit_in_another_order_than_they_wrote_lose_nothing(
    connection: Connection, installed_dsn: str
) -> None:
    """What a high-water mark on an id loses: the lower one commits last."""
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'payments')")
    with psycopg.connect(installed_dsn) as slow:
        slow.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
        connection.execute("INSERT INTO payments VALUES (2, 120, 3, 'south')")
        assert drain(connection) == 1
        slow.commit()
    assert drain(connection) == 1
    assert agrees(connection) == 2


def test_prepared_transaction_waits_in_the_queue_until_it_commits(
    connection: Connection, mode: str
) -> None:
    if int(one(connection, "SHOW max_prepared_transactions")) == 0:
        pytest.skip("max_prepared_transactions is 0 on this server")
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s, notify => false)",
        [mode],
    )
    connection.execute("BEGIN")
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    connection.execute(f"PREPARE TRANSACTION 'first of {connection.info.dbname}'")
    assert live(connection) == []
    connection.execute(f"COMMIT PREPARED 'first of {connection.info.dbname}'")
    assert settles(connection) == 1


def test_stream_that_notifies_forbids_prepared_transactions(
    connection: Connection, stream: str
) -> None:
    if int(one(connection, "SHOW max_prepared_transactions")) == 0:
        pytest.skip("max_prepared_transactions is 0 on this server")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="LISTEN, UNLISTEN, or NOTIFY"):
        connection.execute(f"PREPARE TRANSACTION 'second of {connection.info.dbname}'")
    assert settles(connection) == 0

"""Streams whose triggers fire for each row: the same predictions, and in replicas too."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.postgres import Server
from tests.sql.streams.asking import Connection, live, one, settles, waiting
from tests.sql.streams.models import INPUTS


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture(autouse=True)
def stream(connection: Connection, mode: str) -> None:
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s, level => 'row')",
        [mode],
    )


@pytest.fixture
def replica(server: Server, installed_dsn: str) -> Iterator[Connection]:
    """A session in which ordinary triggers do not fire, as in logical replication."""
    dsn = server.dsn_of_admin(installed_dsn.rpartition("/")[2])
    with psycopg.connect(dsn, autocommit=True) as admin:
        if not one(admin, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            pytest.skip("only a superuser may set session_replication_role")
        admin.execute("SET session_replication_role = replica")
        yield admin


def test_every_row_is_an_entry_of_the_queue(connection: Connection, mode: str) -> None:
    connection.execute("INSERT INTO payments SELECT n, n, n FROM generate_series(1, 120) AS n")
    entries = one(connection, "SELECT count(*) FROM pgpredict.s_queue")
    assert entries == (120 if mode == "queue" else 0)
    assert settles(connection) == 120


def test_predictions_follow_their_rows(connection: Connection, mode: str) -> None:
    connection.execute(
        "INSERT INTO payments VALUES (1, 120, 3, 'south', 'a'), (2, 40, 9, 'west', 'b'),"
        " (3, NULL, 2, NULL, 'c')"
    )
    assert settles(connection) == 3
    connection.execute("UPDATE payments SET note = 'x', amount = amount")
    assert waiting(connection) == 0
    connection.execute("UPDATE payments SET amount = 7 WHERE id < 3")
    assert waiting(connection) == (2 if mode == "queue" else 0)
    assert settles(connection) == 3
    connection.execute("UPDATE payments SET id = id + 10 WHERE id > 1")
    assert settles(connection) == 3
    connection.execute("DELETE FROM payments WHERE id = 12")
    assert settles(connection) == 2
    assert live(connection) == [(1,), (13,)]
    connection.execute(
        "INSERT INTO payments VALUES (1, 5, 5), (4, 5, 5)"
        " ON CONFLICT (id) DO UPDATE SET days = excluded.days"
    )
    assert settles(connection) == 3
    connection.execute("TRUNCATE payments")
    assert settles(connection) == 0


def test_columns_called_like_the_rows_of_a_trigger(connection: Connection, mode: str) -> None:
    connection.execute(
        f'CREATE TABLE odd (new integer, old integer, "NEW" text, {INPUTS}, PRIMARY KEY (new, old))'
    )
    connection.execute(
        "SELECT pgpredict.create_stream('odd', 'risk', 'odd', mode => %s, level => 'row')", [mode]
    )
    connection.execute("INSERT INTO odd VALUES (1, 2, 'a', 5, 5, 'west'), (1, 3, 'b', 5, 5, 'x')")
    connection.execute("UPDATE odd SET old = 4, amount = 8 WHERE old = 3")
    assert settles(connection, "odd") == 2


def test_writes_of_a_replica_are_heard(connection: Connection, replica: Connection) -> None:
    replica.execute("INSERT INTO payments VALUES (1, 120, 3, 'south'), (2, 40, 9, 'west')")
    assert settles(connection) == 2
    replica.execute("UPDATE payments SET amount = 7, id = id + 10")
    replica.execute("DELETE FROM payments WHERE id = 12")
    assert settles(connection) == 1
    replica.execute("TRUNCATE payments")
    assert settles(connection) == 0


def test_writes_of_a_replica_to_partitions_of_any_age_are_heard(
    connection: Connection, replica: Connection, mode: str
) -> None:
    connection.execute(
        f"CREATE TABLE sales (id integer, {INPUTS}, PRIMARY KEY (id)) PARTITION BY RANGE (id);"
        "CREATE TABLE low PARTITION OF sales FOR VALUES FROM (0) TO (10)"
    )
    connection.execute(
        "SELECT pgpredict.create_stream('p', 'risk', 'sales', mode => %s, level => 'row')", [mode]
    )
    connection.execute("CREATE TABLE high PARTITION OF sales FOR VALUES FROM (10) TO (20)")
    replica.execute("INSERT INTO low VALUES (1, 10, 1, 'west')")
    replica.execute("INSERT INTO high VALUES (11, 10, 1, 'west')")
    replica.execute("INSERT INTO sales VALUES (2, 10, 1, 'west'), (12, 10, 1, 'west')")
    assert settles(connection, "p") == 4


def test_statement_triggers_do_not_hear_a_replica(
    connection: Connection, replica: Connection, mode: str
) -> None:
    """The fact for which there is `level => 'row'`; a backfill catches up."""
    connection.execute("SELECT pgpredict.create_stream('deaf', 'risk', 'payments')")
    replica.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    assert settles(connection) == 1
    assert live(connection, "deaf") == []
    assert waiting(connection, "deaf") == 0
    connection.execute("SELECT pgpredict.backfill_stream('deaf')")
    assert settles(connection, "deaf") == 1

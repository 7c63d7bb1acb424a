"""A source that logical replication fills: one server, two databases, a real subscription."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.postgres import Server
from tests.sql.streams.asking import Connection, live, one, settles, waiting
from tests.sql.streams.models import PAYMENTS

PATIENCE = 60.0  # seconds


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture
def publisher(server: Server, every_dsn: str) -> Iterator[Connection]:
    """The administrator of the database that the rows come from."""
    dsn = server.dsn_of_admin(every_dsn.rpartition("/")[2])
    with psycopg.connect(dsn, autocommit=True) as publisher:
        if not one(publisher, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            pytest.skip("only a superuser may subscribe")
        if one(publisher, "SHOW wal_level") != "logical":
            pytest.skip("wal_level is not logical on this server")
        publisher.execute(PAYMENTS)
        publisher.execute("CREATE PUBLICATION payments FOR TABLE payments")
        yield publisher


@pytest.fixture
def slot(
    server: Server, installed_dsn: str, every_dsn: str, publisher: Connection
) -> Iterator[str]:
    """The slot through which payments of `publisher` come to `connection`.

    It is made by hand, since a server that subscribes to itself waits for itself.
    """
    slot = publisher.info.dbname
    here = server.dsn_of_admin(installed_dsn.rpartition("/")[2])
    there = server.dsn_of_admin(slot)
    with psycopg.connect(here, autocommit=True) as subscriber:
        publisher.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [slot])
        subscriber.execute(
            f"CREATE SUBSCRIPTION {slot} CONNECTION '{there}' PUBLICATION payments"
            f" WITH (create_slot = false, slot_name = {slot}, copy_data = false)"
        )
        yield slot
        subscriber.execute(f"DROP SUBSCRIPTION {slot}")


def arrived(publisher: Connection, slot: str) -> None:
    """Return when all that was committed there is committed here."""
    written = one(publisher, "SELECT pg_current_wal_insert_lsn()")
    behind = "SELECT confirmed_flush_lsn < %s FROM pg_replication_slots WHERE slot_name = %s"
    deadline = time.monotonic() + PATIENCE
    while one(publisher, behind, [written, slot]):
        assert time.monotonic() < deadline, "the subscription does not come along"
        time.sleep(0.02)


def test_rows_that_arrive_are_predicted(
    connection: Connection, publisher: Connection, slot: str, mode: str
) -> None:
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s, level => 'row')",
        [mode],
    )
    publisher.execute("INSERT INTO payments SELECT n, n, n, 'west' FROM generate_series(1, 9) AS n")
    arrived(publisher, slot)
    assert len(live(connection)) == (9 if mode == "transaction" else 0)
    assert settles(connection) == 9

    publisher.execute("UPDATE payments SET amount = 90 WHERE id < 4")
    publisher.execute("UPDATE payments SET id = 40 WHERE id = 4")
    publisher.execute("DELETE FROM payments WHERE id = 5")
    arrived(publisher, slot)
    assert settles(connection) == 8
    assert live(connection)[-1] == (40,)

    publisher.execute("TRUNCATE payments")
    publisher.execute("INSERT INTO payments VALUES (1, 1, 1, 'south')")
    arrived(publisher, slot)
    assert settles(connection) == 1


def test_ordinary_triggers_hear_nothing_and_a_backfill_catches_up(
    connection: Connection, publisher: Connection, slot: str
) -> None:
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'payments')")
    publisher.execute("INSERT INTO payments VALUES (1, 120, 3, 'south'), (2, 40, 9, 'west')")
    arrived(publisher, slot)
    assert one(connection, "SELECT count(*) FROM payments") == 2
    assert waiting(connection) == 0
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    assert settles(connection) == 2

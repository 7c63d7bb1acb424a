"""Predictions that are carried on: the publication of the live table, read through a slot."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from tests.postgres import Server
from tests.sql.streams.asking import Connection, drain, one, settles
from tests.sql.streams.pgoutput import Change, Reader

Read = Callable[[], list[Change]]


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture
def published(connection: Connection, mode: str) -> None:
    """A publication must be older than the slot that it is read through."""
    connection.execute(
        "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s, publish => true)",
        [mode],
    )


@pytest.fixture
def read(server: Server, installed_dsn: str, published: None) -> Iterator[Read]:
    """Gives what came through a slot since the last time."""
    slot = installed_dsn.rpartition("/")[2]
    with psycopg.connect(server.dsn_of_admin(slot), autocommit=True) as admin:
        if one(admin, "SHOW wal_level") != "logical":
            pytest.skip("wal_level is not logical on this server")
        admin.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [slot])
        admin.execute("SET synchronous_commit = on")
        reader = Reader()

        def read() -> list[Change]:
            # Servers for tests commit to memory; slots give what is on disk, as this is at once.
            admin.execute("SELECT pg_logical_emit_message(true, 'test', '')")
            messages = admin.execute(
                "SELECT data FROM pg_logical_slot_get_binary_changes("
                "%s, NULL, NULL, 'proto_version', '1', 'publication_names', 'pgpredict_s')",
                [slot],
            ).fetchall()
            return reader.read([bytes(data) for (data,) in messages])

        yield read
        admin.execute("SELECT pg_drop_replication_slot(%s)", [slot])


def said(changes: list[Change]) -> list[tuple[str, str | None, str | None]]:
    assert all(change.table == "predict.s_live" for change in changes)
    return [(c.kind, c.row["id"], c.row["prediction"]) for c in changes]


def test_predictions_come_through_as_they_are_made(connection: Connection, read: Read) -> None:
    connection.execute("INSERT INTO payments VALUES (1, 500, 3, 'south'), (2, 1, 30, 'west')")
    assert settles(connection) == 2
    changes = read()
    assert said(changes) == [("I", "1", "risky"), ("I", "2", "safe")]
    assert list(changes[0].row) == ["id", "prediction", "probability", "version", "at"]
    told = one(connection, "SELECT probability::text FROM predict.s_live WHERE id = 1")
    assert (changes[0].row["probability"], changes[0].row["version"]) == (told, "1")

    connection.execute("UPDATE payments SET amount = 500, days = 0 WHERE id = 2")
    assert settles(connection) == 2
    assert said(read()) == [("U", "2", "risky")]

    connection.execute("UPDATE payments SET note = 'x'")
    assert settles(connection) == 2
    assert read() == []

    connection.execute("DELETE FROM payments WHERE id = 1")
    assert settles(connection) == 1
    assert [(kind, key) for kind, key, _ in said(read()) if kind != "U"] == [("D", "1")]

    connection.execute("TRUNCATE payments")
    assert settles(connection) == 0
    assert [(kind, key) for kind, key, _ in said(read())] == [("D", "2")]


def test_whoever_applies_the_changes_has_the_live_table(connection: Connection, read: Read) -> None:
    copy: dict[str | None, dict[str, str | None]] = {}
    for statement in (
        "INSERT INTO payments SELECT n, n, n %% 9, 'west' FROM generate_series(1, 40) AS n",
        "UPDATE payments SET amount = NULL WHERE id %% 7 = 0",
        "UPDATE payments SET id = id + 100 WHERE id < 10",
        "DELETE FROM payments WHERE id BETWEEN 20 AND 29",
        "SELECT pgpredict.promote('risk', 2)",
        "SELECT pgpredict.backfill_stream('s')",
        "INSERT INTO payments VALUES (25, 8, 8)",
    ):
        connection.execute(statement, [])
        drain(connection)
        for kind, _, row in read():
            if kind == "D":
                del copy[row["id"]]
            else:
                copy[row["id"]] = row
    live = connection.execute(
        "SELECT id::text, prediction, probability::text, version::text FROM predict.s_live"
    ).fetchall()
    assert len(live) == 31
    told = ("id", "prediction", "probability", "version")
    assert sorted(live) == sorted(tuple(r[name] for name in told) for r in copy.values())


def test_publication_can_come_later_and_go_again(connection: Connection) -> None:
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'payments')")
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    drain(connection)
    for _ in range(2):
        assert one(connection, "SELECT pgpredict.publish_stream('s')") == "pgpredict_s"
    connection.execute("INSERT INTO payments VALUES (2, 120, 3, 'south')")
    drain(connection)
    published = "SELECT array_agg(schemaname || '.' || tablename) FROM pg_publication_tables"
    assert one(connection, published) == ["predict.s_live"]
    assert one(connection, "SELECT pgpredict.unpublish_stream('s')")
    assert not one(connection, "SELECT pgpredict.unpublish_stream('s')")
    connection.execute("SELECT pgpredict.publish_stream('s'), pgpredict.drop_stream('s')")
    assert one(connection, "SELECT count(*) FROM pg_publication") == 0

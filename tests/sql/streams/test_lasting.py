"""What happens to a database happens to its streams: dumps, installs, sources that move or go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

import pgpredict
from tests.sql.programs import pg_dump, pg_dump_into, pg_restore
from tests.sql.streams.asking import Connection, agrees, drain, live, one, waiting
from tests.sql.streams.fates import hurry
from tests.sql.streams.faults import RAISES
from tests.sql.streams.versions import by_version, insert

pytestmark = pytest.mark.usefixtures("stream")


@pytest.fixture
def busy(connection: Connection, stream: str) -> None:
    """Streams in the middle of everything."""
    assert stream == "s"
    insert(connection, 1, 50)
    connection.execute("SELECT pgpredict.create_stream('paused', 'risk', 'payments', '{id}')")
    connection.execute("SELECT pgpredict.pause_stream('paused')")
    connection.execute("SELECT pgpredict.add_shadow('s', 2), pgpredict.publish_stream('s')")
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    drain(connection, batch=20)
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    connection.execute("SELECT pgpredict.work('s', 20)")
    insert(connection, 51, 70)


@pytest.mark.usefixtures("busy")
def test_restored_streams_go_on(
    connection: Connection, installed_dsn: str, dsn: str, tmp_path: Path
) -> None:
    question = (
        "SELECT name, mode, state, depth, dead_letters, rows, backfill, backfill_rows, shadows,"
        " source, key, level, notify, retention, attempts, created_at FROM pgpredict.streams"
    )
    before = connection.execute(question).fetchall()
    pg_dump_into(tmp_path / "dump", installed_dsn)
    pg_restore(tmp_path / "dump", dsn)
    assert pg_dump(dsn, "--data-only") == pg_dump(installed_dsn, "--data-only")
    with psycopg.connect(dsn, autocommit=True) as restored:
        assert restored.execute(question).fetchall() == before
        drain(restored)
        assert agrees(restored) == 70
        insert(restored, 71, 80)
        restored.execute("DELETE FROM payments WHERE id = 1")
        restored.execute("UPDATE payments SET amount = 5 WHERE id = 2")
        drain(restored)
        assert agrees(restored) == 79
        assert one(restored, "SELECT count(*) FROM predict.s_shadows") > 0
        assert one(restored, "SELECT count(*) FROM pg_publication_tables") == 1
        restored.execute("SELECT pgpredict.resume_stream('paused')")
        drain(restored, "paused")
        assert len(live(restored, "paused")) == 31
        restored.execute("SELECT pgpredict.promote('risk', 2)")
        restored.execute("SELECT pgpredict.backfill_stream('s')")
        drain(restored)
        assert by_version(restored) == {2: 79}
        assert restored.execute("SELECT pgpredict.maintain('s')").fetchall() == []
        for stream in ("s", "paused"):
            restored.execute("SELECT pgpredict.drop_stream(%s)", [stream])


@pytest.mark.usefixtures("busy")
def test_installing_again_changes_nothing(
    db: pgpredict.Database, connection: Connection, installed_dsn: str
) -> None:
    before = pg_dump(installed_dsn)
    db.install()
    assert pg_dump(installed_dsn) == before
    drain(connection)
    assert agrees(connection) == 70


@pytest.mark.parametrize(
    ("moved", "name"),
    [
        ('ALTER TABLE payments RENAME TO "Zahlungen"', 'public."Zahlungen"'),
        ("CREATE SCHEMA app; ALTER TABLE payments SET SCHEMA app", "app.payments"),
    ],
    ids=["renamed", "in another schema"],
)
@pytest.mark.parametrize("worked", [True, False], ids=["by the worker", "by maintain"])
def test_a_source_that_moves_is_followed(
    connection: Connection, moved: str, name: str, worked: bool
) -> None:
    insert(connection, 1, 10)
    drain(connection)
    connection.execute(moved)
    row = "SELECT %s, 7, 7, 'west'"
    connection.execute(f"INSERT INTO {name} {row}", [11])
    if worked:  # who predicts asks for the source by its name
        assert drain(connection) == 1
        assert agrees(connection) == 11
    told = connection.execute("SELECT pgpredict.maintain('s')").fetchall()
    assert told == ([] if worked else [(f"the source is called {name} now",)])
    assert connection.execute("SELECT pgpredict.maintain('s')").fetchall() == []
    assert one(connection, "SELECT source FROM pgpredict.streams") == name
    connection.execute(f"INSERT INTO {name} {row}", [12])
    connection.execute(f"UPDATE {name} SET amount = 3 WHERE id = 1")
    hurry(connection)
    drain(connection)
    assert agrees(connection) == 12
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0


def test_operating_a_stream_follows_its_source_at_once(
    db: pgpredict.Database, connection: Connection
) -> None:
    connection.execute("ALTER TABLE payments RENAME TO orders")
    db.promote("risk", 2)
    connection.execute("INSERT INTO orders VALUES (1, 7, 7, 'west')")
    drain(connection)
    assert live(connection, columns="id, version") == [(1, 2)]


def test_a_source_that_is_dropped_is_told_and_its_stream_can_go(
    connection: Connection, another: Callable[[], Connection]
) -> None:
    insert(connection, 1, 10)
    drain(connection)
    insert(connection, 11, 15)
    waited = waiting(connection)
    connection.execute("DROP TABLE payments CASCADE")
    for change in ("pause_stream('s')", "set_retention('s', '1 day')", "add_shadow('s', 2)"):
        with pytest.raises(psycopg.Error, match=r"source of stream s, public\.payments, is gone"):
            connection.execute(f"SELECT pgpredict.{change}")
    told = "the source public.payments is gone"
    assert connection.execute("SELECT pgpredict.maintain('s')").fetchall() == [(told,)]
    assert connection.execute("SELECT state, dead_letters FROM pgpredict.streams").fetchall() == [
        ("source gone", 0)
    ]
    with pytest.raises(psycopg.Error, match="is gone"):
        connection.execute("SELECT pgpredict.backfill_stream('s')")
    assert len(live(connection)) >= 10
    # Another table of that name is not the source.
    connection.execute("CREATE TABLE payments (id bigint PRIMARY KEY)")
    connection.execute("INSERT INTO payments VALUES (1)")
    assert connection.execute("SELECT pgpredict.maintain('s')").fetchall() == [(told,)]
    assert drain(connection) == 0
    assert waiting(another()) == waited
    assert one(connection, "SELECT pgpredict.drop_stream('s')") == waited
    assert one(connection, "SELECT count(*) FROM pgpredict.streams") == 0
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0


def test_nothing_is_left_of_a_stream_that_is_dropped(
    connection: Connection, installed_dsn: str
) -> None:
    """But its events, and what a sequence counted."""
    connection.execute("SELECT pgpredict.drop_stream('s')")
    before = pg_dump(installed_dsn, "--schema-only")
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'payments', publish => true)")
    connection.execute("SELECT pgpredict.add_shadow('s', 2)")
    connection.execute(RAISES)
    connection.execute("INSERT INTO payments VALUES (1, -1, 1, 'west'), (2, 1, 1, 'west')")
    drain(connection)
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    connection.execute("SELECT pgpredict.drop_stream('s')")
    assert pg_dump(installed_dsn, "--schema-only").count("CREATE ") == before.count("CREATE ")
    for table in ("stream", "failure", "backfill", "shadow", "worker", "queue"):
        assert one(connection, f"SELECT count(*) FROM pgpredict.{table}") == 0
    insert(connection, 3, 4)


def test_a_view_on_its_tables_keeps_a_stream(connection: Connection, installed_dsn: str) -> None:
    connection.execute("CREATE VIEW board AS TABLE predict.s_live")
    before = pg_dump(installed_dsn)
    with pytest.raises(psycopg.Error, match="cannot drop stream s: something still uses") as told:
        connection.execute("SELECT pgpredict.drop_stream('s')")
    assert told.value.sqlstate == "PP003"
    assert told.value.diag.message_detail == "in use by: view public.board"
    assert pg_dump(installed_dsn) == before

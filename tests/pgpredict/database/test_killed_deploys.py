"""A deploy that dies half-way, at any statement, leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import psycopg
import pytest

import pgpredict
from pgpredict.errors import NoServer
from tests.pgpredict.database.models import churn, customers
from tests.sql.traces import traces


class Doomed(psycopg.Cursor[Any]):
    """A cursor whose backend is ended, by an administrator so to say, before statement `fatal`."""

    killer: psycopg.Connection[Any]
    fatal: int
    statements: int

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self.count()
        return super().execute(*args, **kwargs)

    def copy(self, *args: Any, **kwargs: Any) -> Any:
        self.count()
        return super().copy(*args, **kwargs)

    @classmethod
    def count(cls) -> None:
        if cls.statements == cls.fatal:
            cls.killer.execute("""
                SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
                WHERE application_name = 'doomed' AND datname = current_database()
            """)
        cls.statements += 1


@pytest.fixture
def doomed(installed_dsn: str, connection: psycopg.Connection) -> type[Doomed]:
    class Here(Doomed):
        killer = connection
        fatal = -1
        statements = 0

    return Here


def _deploy(dsn: str, cursor: type[Doomed]) -> None:
    mine = psycopg.connect(dsn, autocommit=True, cursor_factory=cursor, application_name="doomed")
    with mine:
        pgpredict.connect(mine).deploy(
            "churn", churn(), customers(), source="customers", promote=True
        )


def test_backend_killed_at_every_statement(
    installed_dsn: str,
    db: pgpredict.Database,
    connection: psycopg.Connection,
    doomed: type[Doomed],
) -> None:
    db.deploy("churn", churn(), customers(), source="customers")
    before = traces(connection)
    _deploy(installed_dsn, doomed)
    total = doomed.statements
    assert total >= 9, "schema, version, functions, rows, verify, comments, event, promote"
    with_two = traces(connection)
    assert with_two != before

    for fatal in range(total):
        doomed.fatal, doomed.statements = fatal, 0
        with pytest.raises(NoServer, match="the connection to the database is lost"):
            _deploy(installed_dsn, doomed)
        assert traces(connection) == with_two, f"killed before statement {fatal} of {total}"

    assert db.deploy("churn", churn(), customers()).version == 3


DEPLOY = """
import os, sys, psycopg, pgpredict
from tests.pgpredict.database.models import churn, customers

class Waiting(psycopg.Cursor):
    left = int(sys.argv[2])
    def execute(self, *args, **kwargs):
        result = super().execute(*args, **kwargs)
        if Waiting.left == 0:
            print("ready", flush=True)
            sys.stdin.read()
        Waiting.left -= 1
        return result

connection = psycopg.connect(sys.argv[1], autocommit=True, cursor_factory=Waiting)
pgpredict.connect(connection).deploy("churn", churn(), customers())
"""


@pytest.mark.parametrize("statement", [4, 6, 8])
def test_client_killed_without_a_word(
    installed_dsn: str, connection: psycopg.Connection, statement: int
) -> None:
    """The server notices that the client is gone, and undoes what it did."""
    before = traces(connection)
    with subprocess.Popen(
        [sys.executable, "-c", DEPLOY, installed_dsn, str(statement)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
        client.send_signal(signal.SIGKILL)
    assert traces(connection) == before
    assert pgpredict.connect(installed_dsn).deploy("churn", churn(), customers()).version == 1

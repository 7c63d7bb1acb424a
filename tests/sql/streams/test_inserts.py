"""INSERT, in all its forms: every row that is committed gets one prediction."""

from __future__ import annotations

import pytest

from tests.sql.streams.asking import Connection, agrees, drain, live, one, waiting, work


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture(autouse=True)
def stream(connection: Connection) -> None:
    connection.execute("SELECT pgpredict.create_stream('s', 'risk', 'payments')")


def test_one_row(connection: Connection) -> None:
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    assert live(connection) == []
    assert work(connection) == 1
    assert live(connection) == [(1,)]
    assert agrees(connection) == 1
    assert work(connection) == 0

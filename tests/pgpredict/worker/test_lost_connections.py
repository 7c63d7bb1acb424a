"""A connection that is lost is made again, and nothing that came meanwhile is."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from pgpredict.server import EmbeddedServer
from tests.pgpredict.worker.conftest import Shop, open_shop
from tests.pgpredict.worker.processes import Process, until
from tests.pgpredict.worker.shops import arrive, predicted, predictions_per_row, waiting, wrong
from tests.postgres import FORGETFUL

Start = Callable[..., Process]
NewStream = Callable[..., str]


@pytest.fixture
def server() -> Iterator[EmbeddedServer]:
    """A server that the test may stop, with the shop in it."""
    parent = Path(tempfile.mkdtemp(prefix="pgpredict-"))
    parent.chmod(0o711)
    server = EmbeddedServer(parent / "server", settings=FORGETFUL)
    try:
        server.start()
        open_shop(server.dsn)
        yield server
    finally:
        server.stop()
        shutil.rmtree(parent)


def test_it_comes_back_after_its_backend_was_terminated(
    shop: Shop, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    worker = start()
    worker.event("connected")

    shop.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'pgpredict worker' AND datname = current_database()"
    )
    arrive(shop, 5)

    lost = worker.event("reconnecting")
    assert lost["error"]
    assert worker.event("connected")["listening"]
    until(lambda: predicted(shop) == 5)
    assert worker.stop() == 0


@pytest.mark.parametrize("way", ["dsn", "embedded"])
def test_it_comes_back_after_the_server_was_stopped_and_started(
    way: str, server: EmbeddedServer
) -> None:
    arguments = ["--dsn", server.dsn] if way == "dsn" else []
    with Process(*arguments, PGPREDICT_HOME=str(server.path.parent)) as worker:
        worker.event("connected")
        server.stop()
        worker.event("reconnecting")
        # It leaves a server alone that somebody stopped.
        worker.event("reconnecting")
        assert not server.status().running
        server.start()
        with psycopg.connect(server.dsn, autocommit=True) as shop:
            shop.execute("SELECT pgpredict.create_stream('s', 'churn', 'customers')")
            arrive(shop, 5)

            worker.event("connected")
            until(lambda: predicted(shop) == 5)
            assert wrong(shop) == 0
        assert worker.stop() == 0


def test_a_crash_of_the_server_loses_no_row_and_does_none_twice(server: EmbeddedServer) -> None:
    with psycopg.connect(server.dsn, autocommit=True) as shop:
        shop.execute("SELECT pgpredict.create_stream('s', 'churn', 'customers')")
        arrive(shop, 5_000)
        shop.execute("CHECKPOINT")
    with Process("--dsn", server.dsn, "--batch", 5) as worker:
        worker.event("worked")
        pid = server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)
        worker.event("reconnecting")
        until(lambda: not server.status().running)
        server.start()

        with psycopg.connect(server.dsn, autocommit=True) as shop:
            until(lambda: waiting(shop) == 0)
            assert predicted(shop) == 5_000
            assert wrong(shop) == 0
            assert predictions_per_row(shop) == {1}
        assert worker.stop() == 0

"""What a supervisor learns: over HTTP, and by systemd's socket."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg
import pytest

from pgpredict.errors import PgpredictError
from pgpredict.worker import Address, Worker
from tests.pgpredict.worker.conftest import Shop
from tests.pgpredict.worker.processes import Process, until
from tests.pgpredict.worker.shops import arrive, predicted

Start = Callable[..., Process]
NewStream = Callable[..., str]


def ask(url: str, method: str = "GET") -> tuple[int, Any]:
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or "null")


def test_200_while_it_works_and_503_while_it_has_no_connection(
    shop: Shop, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    arrive(shop, 5)
    worker = start("--health", "0")
    url = worker.event("started")["health"]
    worker.event("worked")
    until(lambda: ask(url)[1]["streams"])

    status, report = ask(url)
    assert (status, report["state"], report["connected"], report["listening"]) == (200, "ok", 1, 1)
    assert report["rows"] == 5
    (stream,) = report["streams"]
    assert (stream["stream"], stream["depth"], stream["dead_letters"]) == ("s", 0, 0)
    assert stream["lag_seconds"] > 0
    assert ask(url, "HEAD") == (200, None)
    assert ask(url.replace("healthz", "other"))[0] == 404

    name = shop.info.dbname
    shop.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT 0'.encode())
    shop.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'pgpredict worker' AND datname = current_database()"
    )
    until(lambda: ask(url)[0] == 503)
    assert ask(url)[1]["state"] == "disconnected"
    shop.execute(f'ALTER DATABASE "{name}" CONNECTION LIMIT -1'.encode())
    until(lambda: ask(url)[0] == 200)


def test_503_while_a_round_takes_too_long(shop: Shop, dsn: str, new_stream: NewStream) -> None:
    new_stream()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", free.getsockname()[1])
    url = address.url(address.port)
    worker = Worker(dsn, health=address, patience=0.2)
    thread = Thread(target=worker.run)
    with psycopg.connect(dsn) as other:
        other.execute("LOCK TABLE predict.s_live IN SHARE MODE")
        arrive(shop, 1)
        thread.start()
        until(lambda: is_stuck(url))
    until(lambda: ask(url)[0] == 200)
    worker.stop()
    thread.join(30)
    assert predicted(shop) == 1


def is_stuck(url: str) -> bool:
    try:
        status, report = ask(url)
    except urllib.error.URLError:  # not there yet
        return False
    return status == 503 and bool(report["state"] == "stuck")


def test_an_address_that_is_taken_is_refused(dsn: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(PgpredictError, match=f"health on 127.0.0.1, port {port}") as refused:
            Worker(dsn, health=Address("127.0.0.1", port)).run()

    assert refused.value.why == "Address already in use"


def test_systemd_hears_when_it_is_ready_how_far_it_is_and_that_it_lives(
    shop: Shop, dsn: str, new_stream: NewStream, tmp_path: Path
) -> None:
    new_stream()
    arrive(shop, 5)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        heard: list[str] = []

        def hear(beginning: str) -> str:
            while not (heard and heard[-1].startswith(beginning)):
                heard.append(systemd.recv(4096).decode())
            return heard[-1]

        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        with Process("--dsn", dsn, **environment) as worker:
            hear("READY=1")
            assert hear("STATUS=").startswith("STATUS=5 rows done, ")
            hear("WATCHDOG=1")
            assert worker.stop() == 0
            hear("STOPPING=1")

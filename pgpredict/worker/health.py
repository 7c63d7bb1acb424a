"""Health over HTTP, for a supervisor: GET /healthz gives 200, or 503 where something is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6
from threading import Thread

from pgpredict.errors import PgpredictError
from pgpredict.worker.pulse import Pulse

PATH = "/healthz"
WRITTEN = re.compile(r"(?:(?P<host>[^\[\]:]+|\[[0-9a-fA-F:.]+\]):)?(?P<port>\d{1,5})")


@dataclass(frozen=True)
class Address:
    """Where to answer.

    Attributes:
        host: the name or number of an interface of this machine.
        port: 0 takes any that is free.
    """

    host: str
    port: int

    @classmethod
    def read(cls, text: str) -> Address:
        """Read ``PORT`` or ``HOST:PORT``; without a host only this machine can ask.

        Raises:
            ValueError: it is neither.

        Example:
            >>> Address.read("8080"), Address.read("[::]:8080").host
            (Address(host='127.0.0.1', port=8080), '::')
        """
        found = WRITTEN.fullmatch(text)
        if found is None or int(found["port"]) > 65_535:
            raise ValueError(f"{text!r} is neither PORT nor HOST:PORT")
        return cls((found["host"] or "127.0.0.1").strip("[]"), int(found["port"]))

    def url(self, port: int) -> str:
        """What to ask, once the port is known."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{port}{PATH}"


@contextmanager
def serving(at: Address, pulse: Pulse) -> Iterator[str]:
    """Answer while the block runs; gives the URL.

    Raises:
        PgpredictError: the address cannot be used.
    """

    class Server(ThreadingHTTPServer):
        address_family = AF_INET6 if ":" in at.host else AF_INET
        daemon_threads = True

    class Handler(_Handler):
        asked = pulse

    try:
        server = Server((at.host, at.port), Handler)
    except OSError as error:
        raise PgpredictError(
            f"cannot answer for health on {at.host}, port {at.port}",
            why=error.strerror or str(error),
            do="choose another port",
        ) from error
    with server:
        Thread(target=server.serve_forever, args=(0.1,), name="health", daemon=True).start()
        try:
            yield at.url(server.server_address[1])
        finally:
            server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    asked: Pulse
    timeout = 10  # for a client that says nothing

    def do_GET(self) -> None:
        if self.path.partition("?")[0] != PATH:
            self._answer(HTTPStatus.NOT_FOUND, {"error": f"ask for {PATH}"})
            return
        report = self.asked.report()
        well = report["state"] == "ok"
        self._answer(HTTPStatus.OK if well else HTTPStatus.SERVICE_UNAVAILABLE, report)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _answer(self, status: HTTPStatus, report: dict[str, object]) -> None:
        body = json.dumps(report).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def version_string(self) -> str:
        return "pgpredict"

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Say nothing: a supervisor asks every few seconds."""

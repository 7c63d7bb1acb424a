"""What one wants to know of a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ServerStatus:
    """The state of an embedded server at one moment.

    Attributes:
        running: whether it answers to connections.
        path: its folder.
        version: major version of Postgres; None if the folder holds no data yet.
        port: TCP port on 127.0.0.1, the last one used if it is not running; None if never started.
        pid: process id of the postmaster; None if it is not running.
        dsn: ``postgresql://…`` over TCP, with the password; None if it was never started.
        socket_dsn: the same over the Unix socket.
        notice: what the caller should tell the user, such as a port that had to change; else empty.
    """

    running: bool
    path: Path
    version: int | None = None
    port: int | None = None
    pid: int | None = None
    dsn: str | None = field(default=None, repr=False)  # holds the password: keep it out of logs
    socket_dsn: str | None = field(default=None, repr=False)
    notice: str = ""

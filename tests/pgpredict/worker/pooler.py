"""A real pgbouncer in transaction mode, in front of a test database."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg

from tests.pgpredict.worker.processes import until

# Debian's package puts it where ordinary users do not look.
PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")

# Few connections to the server, so that clients really share them.
SETTINGS = """\
[databases]
{database} = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""


@contextmanager
def pooler(dsn: str) -> Iterator[str]:
    """Starts it in front of the database of a DSN, and gives the DSN through it."""
    assert PROGRAM is not None
    parts = urlsplit(dsn)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen_port = free.getsockname()[1]
    # Not pytest's own folder: it is closed to the user whom root's pgbouncer runs as.
    folder = Path(tempfile.mkdtemp(prefix="pgpredict-pooler-"))
    folder.chmod(0o711)
    settings = folder / "pgbouncer.ini"
    database = parts.path.lstrip("/")
    settings.write_text(
        SETTINGS.format(
            database=database,
            host=parts.hostname,
            port=parts.port,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            listen_port=listen_port,
        )
    )
    # It refuses to run as root.
    somebody = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [PROGRAM, *somebody, str(settings)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    through = f"postgresql://{parts.username}@127.0.0.1:{listen_port}/{database}"
    try:
        until(lambda: _answers(through))
        yield through
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(folder)


def _answers(dsn: str) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(dsn):
        return True
    return False

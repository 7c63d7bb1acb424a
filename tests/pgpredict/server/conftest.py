"""A server of its own for a test, and ways to use it from another process and as another user."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pgpredict.server import EmbeddedServer
from tests.postgres import FORGETFUL


@contextmanager
def _home() -> Iterator[Path]:
    # Short, for the socket's path; pytest's own folders are closed to whom root's servers run as.
    parent = Path(tempfile.mkdtemp(prefix="pgpredict-"))
    parent.chmod(0o711)
    try:
        yield parent / "server"
        EmbeddedServer(parent / "server").stop()
    finally:
        shutil.rmtree(parent)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder for a server, which is stopped in the end."""
    with _home() as home:
        yield home


@pytest.fixture
def server(home: Path) -> EmbeddedServer:
    """A server that was never started."""
    return EmbeddedServer(home, settings=FORGETFUL)


@pytest.fixture(scope="module")
def started() -> Iterator[EmbeddedServer]:
    """A server that runs, for the tests that leave it as it is."""
    with _home() as home:
        server = EmbeddedServer(home, settings=FORGETFUL)
        server.start()
        yield server


def python(code: str) -> subprocess.Popen[str]:
    """Start another Python process that runs code."""
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def acting_as(user: str) -> Iterator[None]:
    """Be another user for a while, children included; only root can.

    In this process, because an interpreter of root's may be closed to everybody else.
    """
    entry = pwd.getpwnam(user)
    groups = os.getgroups()
    os.setgroups([])
    os.setresgid(entry.pw_gid, entry.pw_gid, 0)
    os.setresuid(entry.pw_uid, entry.pw_uid, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)
        os.setresgid(0, 0, 0)
        os.setgroups(groups)

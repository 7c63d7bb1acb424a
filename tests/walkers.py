"""The walker of trees in C for the servers of a test run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

import pgpredict
from pgpredict.server import EmbeddedServer
from tests.postgres import FOLDER, Server, fresh_database

LANGUAGES = ["plpgsql", "c"]


@contextmanager
def walking(server: Server, language: str, name: str) -> Iterator[str]:
    """A database with pgpredict where a function in that language walks trees; gives its DSN."""
    with fresh_database(server, name) as dsn:
        with pgpredict.connect(dsn) as db:
            db.install()
        if language == "c":
            with pgpredict.connect(server.dsn_of_admin(name)) as admin:
                admin.use_native_walker(native_walker(server))
        yield dsn


def native_walker(server: Server) -> str:
    """The library for a server of the run; skips the test where it cannot be built."""
    if server.name == "dsn":
        pytest.skip("no library can be put on a server that PGPREDICT_TEST_DSN names")
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here")
    return _built(server.name)


@cache
def _built(version: str) -> str:
    home = Path(os.environ[FOLDER]) / version
    return str(EmbeddedServer(home, int(version)).build_walker())

"""The walker of trees in C for the servers of a test run."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

import pytest

from pgpredict.server import EmbeddedServer
from tests.postgres import FOLDER, Server


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

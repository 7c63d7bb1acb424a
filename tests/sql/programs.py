"""The Postgres programs of the wheel, all of the newest version."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from pgpredict.server import VERSIONS
from pgpredict.server.programs import folder_of


def pg_dump(dsn: str, *options: str) -> str:
    """A dump as text, without the line that differs from one run to the next."""
    dump = _run("pg_dump", *options, dsn)
    return re.sub(r"^\\(un)?restrict .*$", "", dump, flags=re.MULTILINE)


def pg_dump_into(file: Path, dsn: str) -> None:
    """A dump in the format that pg_restore reads."""
    _run("pg_dump", "--format=custom", f"--file={file}", dsn)


def pg_restore(file: Path, dsn: str) -> None:
    """Restore a dump; the first error ends it."""
    _run("pg_restore", "--exit-on-error", f"--dbname={dsn}", str(file))


def psql(dsn: str, *options: str, text: str) -> str:
    """What psql answers to a script; the first error ends it."""
    return _run("psql", "-X", "-v", "ON_ERROR_STOP=1", *options, dsn, text=text)


def _run(program: str, *arguments: str, text: str = "") -> str:
    return subprocess.run(
        [folder_of(VERSIONS[0]) / program, *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    ).stdout

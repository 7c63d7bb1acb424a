"""The Postgres programs of the wheel, of the version that is nearest to the server's."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg

from pgpredict.server import VERSIONS
from pgpredict.server.programs import folder_of


def pg_dump(dsn: str, *options: str) -> str:
    """A dump as text, without the line that differs from one run to the next."""
    dump = _run(dsn, "pg_dump", *options, dsn)
    return re.sub(r"^\\(un)?restrict .*$", "", dump, flags=re.MULTILINE)


def pg_dump_into(file: Path, dsn: str) -> None:
    """A dump in the format that pg_restore reads."""
    _run(dsn, "pg_dump", "--format=custom", f"--file={file}", dsn)


def pg_restore(file: Path, dsn: str) -> None:
    """Restore a dump; the first error ends it."""
    _run(dsn, "pg_restore", "--exit-on-error", f"--dbname={dsn}", str(file))


def psql(dsn: str, *options: str, text: str) -> str:
    """What psql answers to a script; the first error ends it."""
    return _run(dsn, "psql", "-X", "-v", "ON_ERROR_STOP=1", *options, dsn, text=text)


def psql_complains(dsn: str, *options: str, text: str) -> str:
    """What psql says of a script's errors, which it leaves to the options to act on."""
    return _finished(dsn, "psql", "-X", *options, dsn, text=text).stderr


def _run(dsn: str, program: str, *arguments: str, text: str = "") -> str:
    finished = _finished(dsn, program, *arguments, text=text)
    finished.check_returncode()
    return finished.stdout


def _finished(
    dsn: str, program: str, *arguments: str, text: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder_of(_version(dsn)) / program, *arguments],
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )


def _version(dsn: str) -> int:
    """The oldest programs that know the server: newer ones set what it does not have."""
    with psycopg.connect(dsn) as connection:
        server = connection.info.server_version // 10_000
    return min((version for version in VERSIONS if version >= server), default=max(VERSIONS))

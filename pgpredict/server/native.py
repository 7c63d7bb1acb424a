"""The walker of trees in C for the embedded server, built from the files of ``sql/native``."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from pgpredict import sqlfiles
from pgpredict.errors import NoServer
from pgpredict.server.programs import folder_of

LIBRARY = "pgpredict_trees.so"
# Postgres was compiled by another compiler than the one here: not all that its flags may be known.
FLAGS = "-O2 -fno-strict-aliasing -fwrapv"
WITHOUT = "models work without it"


def build(path: Path, version: int) -> Path:
    """Compile the walker.

    Args:
        path: the folder of the server; the library goes to ``native`` in there.
        version: major version of Postgres.

    Returns:
        The library, which the server can read: for `Database.use_native_walker`.

    Raises:
        NoServer: there is no C compiler or no make here, or it does not compile.
    """
    missing = [name for name in ("make", "cc") if shutil.which(name) is None]
    if missing:
        raise NoServer(
            f"cannot build the walker of trees: there is no {' and no '.join(missing)} here",
            do=f"install a C compiler and make, or leave it: {WITHOUT}",
        )
    folder = path / "native"
    folder.mkdir(mode=0o755, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pgpredict-native-") as work:
        for file in (sqlfiles.folder() / "native").iterdir():
            shutil.copy(file, work)
        _make(work, folder_of(version) / "pg_config")
        # Sessions that have the former file open keep it.
        fresh = folder / f"{LIBRARY}.new"
        shutil.copy(Path(work) / LIBRARY, fresh)
    fresh.chmod(0o755)
    return fresh.replace(folder / LIBRARY)


def _make(work: str, pg_config: Path) -> None:
    # Only what is said here: no flags or targets of a make that runs this.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    command = ["make", "CC=cc", f"CFLAGS={FLAGS}", f"PG_CONFIG={pg_config}", LIBRARY]
    done = subprocess.run(
        command, cwd=work, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NoServer(
            "the walker of trees does not compile",
            details=tuple(done.stderr.strip().splitlines()[-5:]),
            do=f"mend the compiler, or leave it: {WITHOUT}",
        )

"""A new data folder."""

from __future__ import annotations

import shutil

from pgpredict.errors import NoServer
from pgpredict.server.folder import ServerFolder
from pgpredict.server.programs import Programs

USER = "pgpredict"
DATABASE = "pgpredict"

# For a laptop of 2 cores and more memory than the data need. They are written to postgresql.conf,
# so that ALTER SYSTEM can change them.
SETTINGS = {
    "effective_cache_size": "4GB",
    "jit": "off",  # it compiles a large model for seconds, and the query is no faster
    "maintenance_work_mem": "256MB",
    "max_connections": "100",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",  # solid state disks
    "search_path": "public",  # "$user" would be pgpredict's own schema: the user is called like it
    "shared_buffers": "512MB",
    "work_mem": "64MB",
}
LOCALE = {
    18: ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"],
    16: ["--locale=C"],
}


def create(folder: ServerFolder, programs: Programs, version: int, *, durable: bool) -> None:
    """Make the data folder, whose user needs a password over every way in.

    It appears at once and whole: a process that is killed on the way leaves nothing that a later
    start could take for data.

    Args:
        folder: the server's folder, locked by the caller.
        programs: the Postgres programs.
        version: their major version.
        durable: whether to wait until everything is on disk.

    Raises:
        NoServer: `initdb` failed; its words are in the error.
    """
    unfinished = folder.path / "data.unfinished"
    password = folder.path / "password.initdb"
    shutil.rmtree(unfinished, ignore_errors=True)
    password.unlink(missing_ok=True)
    try:
        unfinished.mkdir(mode=0o700)
        password.touch(mode=0o600)
        password.write_text(folder.make_password())
        programs.account.own(unfinished)
        programs.account.own(password)
        made = programs.run(
            "initdb",
            f"--pgdata={unfinished}",
            f"--username={USER}",
            "--auth=scram-sha-256",
            f"--pwfile={password}",
            "--encoding=UTF8",
            "--data-checksums",
            *LOCALE[version],
            *([] if durable else ["--no-sync"]),
            *(f"--set={name}={value}" for name, value in SETTINGS.items()),
        )
    finally:
        password.unlink(missing_ok=True)
    if made.code != 0:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise NoServer(
            f"cannot create a database in {folder.path}",
            details=tuple(made.output.splitlines()[-10:]),
        )
    unfinished.rename(folder.data)


def make_database(maintenance: str) -> str:
    """Make the database if it is not there.

    Args:
        maintenance: DSN of the database ``postgres`` of the same server.

    Returns:
        What the server said if it did not let us in, else nothing.
    """
    import psycopg

    try:
        with psycopg.connect(maintenance, autocommit=True, connect_timeout=10) as connection:
            found = "SELECT 1 FROM pg_database WHERE datname = %s"
            if not connection.execute(found, [DATABASE]).fetchone():
                connection.execute(f'CREATE DATABASE "{DATABASE}"')
    except psycopg.OperationalError as error:
        return str(error).strip()
    return ""

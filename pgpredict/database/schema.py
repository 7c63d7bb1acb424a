"""Install the schema, and bring an older one up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg import Cursor

from pgpredict import sqlfiles
from pgpredict.database.queries import query
from pgpredict.errors import NewerSchema, NoRights, NoSchema


def migrations() -> dict[int, Path]:
    """The migrations by number, in order; the highest number is this release's schema version."""
    files = sorted((sqlfiles.folder() / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return {int(file.name[:4]): file for file in files}


def install(cursor: Cursor[dict[str, Any]]) -> int:
    """Create the schema, or bring it up to date, in the transaction that is open.

    An empty database gets the files of ``sql/schema``. An older one gets the migrations that it
    lacks first; the schema files then put functions and views in place, and leave tables alone.

    Returns:
        The schema version.

    Raises:
        NewerSchema: a newer pgpredict was here.
    """
    cursor.execute(query("install_lock"))
    newest = max(migrations())
    before = installed_version(cursor)
    if before is not None:
        _refuse_newer(before, newest)
        for number, file in migrations().items():
            if number > before:
                run_file(cursor, file)
    for file in sorted((sqlfiles.folder() / "schema").glob("*.sql")):
        run_file(cursor, file)
    return newest


def check(cursor: Cursor[dict[str, Any]]) -> None:
    """Refuse a database whose schema this release cannot work with.

    Raises:
        NoSchema: there is none, or one that is too old.
        NewerSchema: a newer pgpredict was here.
        NoRights: the role may not look.
    """
    found, newest = installed_version(cursor), max(migrations())
    if found is None:
        raise NoSchema(
            "pgpredict is not installed in this database",
            do="run `pgpredict init`, or Database.install()",
        )
    _refuse_newer(found, newest)
    if found < newest:
        raise NoSchema(
            f"the pgpredict schema of this database has version {found}, "
            f"this pgpredict needs {newest}",
            do="run `pgpredict init`, or Database.install(), to bring it up to date",
        )


def installed_version(cursor: Cursor[dict[str, Any]]) -> int | None:
    """The version of the schema in this database; None: there is none."""
    state = cursor.execute(query("schema_state")).fetchone()
    if state is None or not state["installed"]:
        return None
    if not state["may_use"]:
        raise NoRights(
            f"role {state['role']} may not use pgpredict in this database",
            do=f"have an administrator run: GRANT {state['owner']} TO {state['role']}",
        )
    row = cursor.execute(query("schema_version")).fetchone()
    return None if row is None else row["version"]


def run_file(cursor: Cursor[dict[str, Any]], file: Path) -> None:
    """Run a file of statements as it is."""
    cursor.execute(file.read_text(encoding="utf-8"))


def _refuse_newer(found: int, newest: int) -> None:
    if found > newest:
        raise NewerSchema(
            f"the pgpredict schema of this database has version {found}, "
            f"this pgpredict knows it up to {newest}",
            do="upgrade: pip install --upgrade pgpredict",
        )

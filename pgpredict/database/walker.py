"""The walker of trees in C, put in place of the one in PL/pgSQL."""

from __future__ import annotations

from typing import Any

from psycopg import Cursor
from psycopg import errors as pg
from psycopg.sql import SQL, Literal

from pgpredict import sqlfiles
from pgpredict.database.queries import query
from pgpredict.errors import DatabaseError, NoRights

# Where `make install` puts it, as sql/native/install.sql names it.
INSTALLED = "$libdir/pgpredict_trees"
BUILD = "build and install it on the server: make -C sql/native install"


def use_native(cursor: Cursor[dict[str, Any]], library: str) -> None:
    """Run ``sql/native/install.sql`` with a library, in the transaction that is open.

    It is a statement of the caller's own and no function of the schema: a superuser runs nothing
    that an ordinary role, who owns pgpredict, could have written.

    Raises:
        NoRights: only a superuser may.
        DatabaseError: the server has no such library, or it does something else.
    """
    text = (sqlfiles.folder() / "native" / "install.sql").read_text(encoding="utf-8")
    before, _, after = text.partition(f"'{INSTALLED}'")
    try:
        cursor.execute(SQL("{}{}{}").format(SQL(before), Literal(library), SQL(after)))
        row = cursor.execute(query("walk_a_tree")).fetchone()
    except pg.InsufficientPrivilege as error:
        raise NoRights(
            f"role {cursor.connection.info.user} may not install a function in C",
            do="have a superuser do it: psql -f sql/native/install.sql",
        ) from error
    except (pg.UndefinedFile, pg.UndefinedFunction) as error:
        raise DatabaseError(
            f"the server has no library {library} with the function walk_trees",
            why=error.diag.message_primary or "",
            do=BUILD,
        ) from error
    if row is None or row["sums"] != [1.5]:
        raise DatabaseError(
            f"the library {library} does not do what this pgpredict expects", do=BUILD
        )

"""``pgpredict init``."""

from __future__ import annotations

from pgpredict.cli import screen
from pgpredict.cli.options import Dsn, Json


def init(dsn: Dsn = None, json: Json = False) -> None:
    """Install pgpredict's schemas in a database, or bring them up to date.

    Harmless where they are up to date. Needs the right to create schemas, no superuser.
    """
    import pgpredict

    database = pgpredict.connect(dsn)
    with screen.waiting("installing"):
        version = database.install()
    if json:
        screen.answer({"schema_version": version})
        return
    screen.say(f"pgpredict is installed (schema version {version})")
    screen.say("next: pgpredict deploy NAME MODEL --sample FILE_OR_QUERY")

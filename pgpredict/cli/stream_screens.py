"""What streams do: ``stream list``, ``stream show``, ``stream dead``; and how that looks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from pgpredict.cli import screen
from pgpredict.cli.options import Dsn, Json

if TYPE_CHECKING:
    from psycopg.errors import Diagnostic

    from pgpredict.database import Database, Stream


def streams(dsn: Dsn = None, json: Json = False) -> None:
    """List the streams of a database: what waits, how fast they go, what failed."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        found = database.streams()
    if json:
        screen.answer([asdict(stream) for stream in found])
        return
    screen.table(
        [
            {
                "stream": stream.name,
                "model": _model(stream),
                "table": stream.source,
                "mode": stream.mode,
                "state": stream.state,
                "waiting": stream.depth,
                "oldest": stream.oldest_age,
                "rows/s": stream.rate,
                "lag": stream.lag,
                "dead": stream.dead_letters,
            }
            for stream in found
        ],
        ["stream", "model", "table", "mode", "state", "waiting", "oldest", "rows/s", "lag", "dead"],
        empty="no streams yet; create one: pgpredict stream create NAME MODEL TABLE",
    )


def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the stream.")],
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Show a stream: what it does, what waits, how fast it goes, what failed."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        stream = database.stream(name)
    if json:
        screen.answer(asdict(stream))
        return
    screen.say(f"{stream.name}   {stream.state}")
    facts = {
        "what": what(stream),
        "predictions": f"predict.{name}_live",
        "log": log(stream),
        "waiting": _waiting(stream),
        "speed": _speed(stream),
        "failing": _failing(stream),
        "dead letters": _dead_letters(stream),
        "backfill": _backfill(stream),
        "shadows": _shadows(stream),
        "shadow error": stream.shadow_error or "",
        "triggers": f"per {stream.level}, {_do(stream)}",
        "attempts": str(stream.attempts),
        "created": f"{screen.cell(stream.created_at)} by {stream.created_by}",
    }
    for fact, value in facts.items():
        if value:
            screen.say(f"  {fact:<12}  {value}")


def dead(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", show_default=False, help="Name of the stream; all unless given."
        ),
    ] = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """List dead letters: rows that could not be predicted, with their keys and errors."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        found = database.dead_letters(name)
    if json:
        screen.answer([asdict(letter) for letter in found])
        return
    screen.table(
        [
            {
                "stream": letter.stream,
                "key": letter.key,
                "error": letter.error,
                "attempts": letter.attempts,
                "first": letter.first_at,
                "last": letter.last_at,
            }
            for letter in found
        ],
        ["stream", "key", "error", "attempts", "first", "last"],
        empty="no dead letters",
    )


@contextmanager
def warnings_of(database: Database) -> Iterator[None]:
    """Print what the database warns of meanwhile: a publication that nobody can read.

    Args:
        database: whose warnings.
    """

    def tell(notice: Diagnostic) -> None:
        if notice.severity_nonlocalized == "WARNING":
            hint = f" ({notice.message_hint})" if notice.message_hint else ""
            screen.complain(f"{notice.message_primary}{hint}", label="warning")

    with database.connection() as connection:
        connection.add_notice_handler(tell)
        try:
            yield
        finally:
            connection.remove_notice_handler(tell)


def what(stream: Stream) -> str:
    """What a stream does, on one line."""
    who = "a worker" if stream.mode == "queue" else "the writer"
    key = ", ".join(stream.key)
    return f"{_model(stream)} for the rows of {stream.source} by {key}; {who} predicts"


def log(stream: Stream) -> str:
    """Where all its predictions are."""
    if stream.retention == timedelta(0):
        return "none"
    return f"predict.{stream.name}_log, {kept(stream.retention)}"


def kept(retention: timedelta | None) -> str:
    """How long a log is kept.

    Example:
        >>> kept(timedelta(days=30)), kept(None), kept(timedelta(0))
        ('kept for 30 days', 'kept for ever', 'written no more')
    """
    if retention is None:
        return "kept for ever"
    return f"kept for {screen.span(retention)}" if retention else "written no more"


def _model(stream: Stream) -> str:
    return f"{stream.model} v{stream.version}" if stream.version else f"{stream.model}, not live"


def _waiting(stream: Stream) -> str:
    if stream.oldest_age is None:
        return screen.count(stream.depth, "row")
    return f"{screen.count(stream.depth, 'row')}, the oldest for {screen.span(stream.oldest_age)}"


def _speed(stream: Stream) -> str:
    if stream.last_at is None:
        return "no worker was here yet" if stream.mode == "queue" else ""
    behind = f", {screen.span(stream.lag)} behind" if stream.lag is not None else ""
    return f"{stream.rate:,.6g} rows/s{behind}; last batch {screen.cell(stream.last_at)}"


def _do(stream: Stream) -> str:
    if stream.mode == "transaction":
        return "which predict" + (" and notify subscribers" if stream.notify else "")
    return "which wake the worker" if stream.notify else "which do not wake the worker"


def _failing(stream: Stream) -> str:
    if not stream.failing:
        return ""
    return f"{screen.count(stream.failing, 'row')}, to be tried again: {stream.last_error}"


def _dead_letters(stream: Stream) -> str:
    if not stream.dead_letters:
        return "0"
    return f"{stream.dead_letters:,}: pgpredict stream dead {stream.name}"


def _backfill(stream: Stream) -> str:
    if stream.backfill is None:
        return ""
    return f"{stream.backfill}, {screen.count(stream.backfill_rows, 'row')}"


def _shadows(stream: Stream) -> str:
    if not stream.shadows:
        return ""
    versions = ", ".join(f"v{version}" for version in stream.shadows)
    return f"{versions}: predict.{stream.name}_shadows"

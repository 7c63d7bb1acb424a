"""``pgpredict stream create``, with what its options mean."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from pgpredict.cli import screen, stream_screens
from pgpredict.cli.options import Dsn, Json, ModelName
from pgpredict.cli.refusal import doing

if TYPE_CHECKING:
    from pgpredict.database import Stream

FOREVER = ("forever", "for ever")


class Mode(StrEnum):
    """Who predicts."""

    queue = "queue"
    transaction = "transaction"


class Level(StrEnum):
    """What a trigger stands for."""

    statement = "statement"
    row = "row"


StreamName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the stream.")]
Table = Annotated[
    str,
    typer.Argument(
        metavar="TABLE", help="A table with a column for each input of the model; no view."
    ),
]
Key = Annotated[
    list[str] | None,
    typer.Option(
        "--key",
        metavar="COLUMN",
        show_default=False,
        help="A column of a unique key, or several with commas; may be repeated. "
        "The primary key unless given.",
    ),
]
HowPredicted = Annotated[
    Mode,
    typer.Option(
        "--mode", help="queue: a worker predicts; transaction: the prediction commits with the row."
    ),
]
Backfill = Annotated[
    bool, typer.Option("--backfill", help="Predict the rows that are there already, too.")
]
Retention = Annotated[
    str,
    typer.Option(
        "--retention",
        metavar="TIME",
        help="How long the log keeps predictions: 30d, 12h, forever; 0: there is no log.",
    ),
]
Attempts = Annotated[
    int,
    typer.Option("--attempts", min=1, help="How often a row that cannot be predicted is tried."),
]
NoNotify = Annotated[
    bool, typer.Option("--no-notify", help="Writers wake no worker, which has to poll.")
]
TriggerLevel = Annotated[
    Level,
    typer.Option("--level", help="Of the triggers; row where logical replication fills the table."),
]
Publish = Annotated[
    bool, typer.Option("--publish", help="Publish the predictions for logical replication.")
]


def create(
    name: StreamName,
    model: ModelName,
    source: Table,
    key: Key = None,
    mode: HowPredicted = Mode.queue,
    backfill: Backfill = False,
    retention: Retention = "30d",
    attempts: Attempts = 5,
    no_notify: NoNotify = False,
    level: TriggerLevel = Level.statement,
    publish: Publish = False,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Predict the rows of a table from now on, whenever they come or change.

    predict.NAME_live holds the latest prediction of each row, predict.NAME_log all of them.
    """
    import pgpredict

    columns, kept = read_key(key or []), read_retention(retention, "--retention")
    with (
        pgpredict.connect(dsn) as database,
        stream_screens.warnings_of(database),
        doing(f"create stream {name}"),
    ):
        stream = database.create_stream(
            name,
            model,
            source,
            columns,
            mode=mode.value,
            backfill=backfill,
            retention=kept,
            attempts=attempts,
            notify=not no_notify,
            level=level.value,
            publish=publish,
        )
    if json:
        screen.answer(asdict(stream))
    else:
        _show(stream)


def read_key(given: Sequence[str]) -> list[str] | None:
    """The columns of a key from the command line.

    Args:
        given: names of columns, with commas between them; one in double quotes may hold commas.

    Returns:
        The names; None: none is given.

    Raises:
        typer.BadParameter: a name is empty.

    Example:
        >>> read_key(["code, day"]), read_key(["code", '"day, local"']), read_key([])
        (['code', 'day'], ['code', 'day, local'], None)
    """
    names = [name.strip() for row in csv.reader(given, skipinitialspace=True) for name in row]
    if not all(names) or (given and not names):
        raise typer.BadParameter("a name of a column is empty", param_hint="--key")
    return names or None


def read_retention(given: str, option: str) -> str | None:
    """A time to keep the log for, from the command line.

    Args:
        given: what was typed.
        option: where, for the error.

    Returns:
        What Postgres can read; None: for ever.

    Raises:
        typer.BadParameter: it is a number without a unit, which Postgres takes for seconds.

    Example:
        >>> read_retention("30d", "--retention"), read_retention("forever", "--retention")
        ('30d', None)
    """
    if given.strip().lower() in FOREVER:
        return None
    if re.fullmatch(r"\s*[\d.]*[1-9][\d.]*\s*", given):
        raise typer.BadParameter(f"{given} of what? write {given}d for days", param_hint=option)
    return given


def _show(stream: Stream) -> None:
    screen.say(f"{stream.name}   {stream_screens.what(stream)}")
    screen.say(f"  try           TABLE predict.{stream.name}_live")
    screen.say(f"  log           {stream_screens.log(stream)}")
    if stream.backfill:
        screen.say("  backfill      the rows that are there already come next")
    else:
        screen.say(f"  backfill      none; later: pgpredict stream backfill {stream.name}")
    if stream.mode == Mode.queue:
        screen.say(f"  next          pgpredict worker {stream.name}")
    else:
        screen.say(f"  retries       need a worker: pgpredict worker {stream.name}")

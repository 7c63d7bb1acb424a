"""``pgpredict stream``: predictions that are kept up to date while a table changes."""

from __future__ import annotations

from typing import Annotated

import typer

from pgpredict.cli import screen, stream_create, stream_screens
from pgpredict.cli.command import add
from pgpredict.cli.live import VersionNumber
from pgpredict.cli.options import Dsn, Json
from pgpredict.cli.refusal import doing
from pgpredict.cli.stream_create import StreamName, read_retention

app = typer.Typer(
    help="Keep a prediction for each row of a table, while the table changes.",
    no_args_is_help=True,
)


def pause(name: StreamName, dsn: Dsn = None, json: Json = False) -> None:
    """Let rows wait: writers go on, nobody predicts until resume. No row is lost."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        was_running = database.pause_stream(name)
    if json:
        screen.answer({"stream": name, "state": "paused", "changed": was_running})
    else:
        screen.say(
            f"{name} is paused: rows wait until pgpredict stream resume {name}"
            if was_running
            else f"{name} was paused already"
        )


def resume(name: StreamName, dsn: Dsn = None, json: Json = False) -> None:
    """Go on after a pause: what waited is predicted next."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        was_paused = database.resume_stream(name)
        waiting = database.stream(name).depth
    if json:
        screen.answer({"stream": name, "state": "running", "changed": was_paused, "depth": waiting})
    else:
        what = "runs" if was_paused else "was running already"
        screen.say(f"{name} {what}; {screen.count(waiting, 'row')} waiting")


def drop(name: StreamName, dsn: Dsn = None, json: Json = False) -> None:
    """Remove a stream: its triggers, predictions, log, queue and dead letters. Its events stay.

    Refused while a view or something else uses its tables.
    """
    import pgpredict

    with pgpredict.connect(dsn) as database:
        waited = database.drop_stream(name)
    if json:
        screen.answer({"dropped": name, "waited": waited})
    else:
        screen.say(
            f"{name} is gone, with predict.{name}_live and predict.{name}_log; "
            f"{screen.count(waited, 'row')} waited"
        )


def retry(name: StreamName, dsn: Dsn = None, json: Json = False) -> None:
    """Try the dead letters of a stream again: rows that could not be predicted."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        tried = database.retry_dead(name)
    if json:
        screen.answer({"stream": name, "tried": tried})
    elif tried:
        screen.say(f"{name}: {screen.count(tried, 'dead letter')} tried again")
    else:
        screen.say(f"{name} has no dead letters to try again")


def backfill(name: StreamName, dsn: Dsn = None, json: Json = False) -> None:
    """Predict every row of the table again, whenever nothing else waits.

    Nobody is kept waiting for it; it goes on where it was, whatever is killed.
    """
    import pgpredict

    with pgpredict.connect(dsn) as database:
        database.backfill_stream(name)
        stream = database.stream(name)
    if json:
        screen.answer({"stream": name, "backfill": stream.backfill})
    else:
        screen.say(f"{name}: a worker predicts every row of {stream.source} again")
        screen.say(f"  how far it is   pgpredict stream show {name}")


def shadow(name: StreamName, version: VersionNumber, dsn: Dsn = None, json: Json = False) -> None:
    """Score another version beside the live one, into the log; it answers nobody.

    The view predict.NAME_shadows compares them, row by row.
    """
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"score v{version} in {name}"):
        database.add_shadow(name, version)
        stream = database.stream(name)
    if json:
        screen.answer({"stream": name, "shadows": stream.shadows})
    else:
        screen.say(
            f"{stream.model} v{version} is scored in the shadow of {name}: "
            f"predict.{name}_shadows compares them"
        )


def unshadow(name: StreamName, version: VersionNumber, dsn: Dsn = None, json: Json = False) -> None:
    """Score a version beside the live one no longer; what is in the log stays."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        was_there = database.drop_shadow(name, version)
        stream = database.stream(name)
    if json:
        screen.answer({"stream": name, "shadows": stream.shadows, "changed": was_there})
    else:
        what = "is scored no longer" if was_there else "was not scored"
        screen.say(f"{stream.model} v{version} {what} in the shadow of {name}")


def retain(
    name: StreamName,
    retention: Annotated[
        str,
        typer.Argument(
            metavar="TIME", help="30d, 12h, '1 month', or forever; 0: nothing is logged any more."
        ),
    ],
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Keep the log of predictions for another time from now on."""
    import pgpredict

    wanted = read_retention(retention, "TIME")
    with pgpredict.connect(dsn) as database:
        database.set_retention(name, wanted)
        kept = database.stream(name).retention
    if json:
        screen.answer({"stream": name, "retention": kept})
    else:
        screen.say(f"predict.{name}_log is {stream_screens.kept(kept)}")


def publish(name: StreamName, dsn: Dsn = None, json: Json = False) -> None:
    """Make a publication of the predictions, so that logical replication can carry them on."""
    import pgpredict

    with pgpredict.connect(dsn) as database, stream_screens.warnings_of(database):
        publication = database.publish_stream(name)
    if json:
        screen.answer({"stream": name, "publication": publication})
    else:
        screen.say(f"publication {publication} carries predict.{name}_live")


def unpublish(name: StreamName, dsn: Dsn = None, json: Json = False) -> None:
    """Take the publication of the predictions back."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        was_there = database.unpublish_stream(name)
    if json:
        screen.answer({"stream": name, "changed": was_there})
    else:
        screen.say(
            f"publication pgpredict_{name} is gone" if was_there else f"{name} was not published"
        )


add(app, stream_create.create)
add(app, stream_screens.streams, name="list")
add(app, stream_screens.show)
add(app, pause)
add(app, resume)
add(app, backfill)
add(app, stream_screens.dead)
add(app, retry)
add(app, retain)
add(app, shadow)
add(app, unshadow)
add(app, publish)
add(app, unpublish)
add(app, drop)

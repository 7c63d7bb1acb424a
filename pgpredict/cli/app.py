"""The commands of the command line, in the order in which `pgpredict --help` shows them.

Each module of commands imports what it needs inside its functions: scikit-learn and pandas take a
second to import, and `pgpredict --help` should not wait for them.
"""

from __future__ import annotations

from typing import Annotated

import typer

from pgpredict import __version__
from pgpredict.cli import (
    demo,
    deploy,
    doctor,
    drift,
    install,
    learner,
    live,
    offline,
    registry,
    score,
    server,
    stream,
    worker,
)
from pgpredict.cli.command import add

app = typer.Typer(
    help="Deploy scikit-learn models into PostgreSQL: a fitted pipeline becomes a versioned SQL "
    "function.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 unexpected, 2 usage, 3 refused, 4 answers differ, 5 database, "
    "6 drifted.",
)

MODELS = "Models"
add(app, deploy.deploy, rich_help_panel=MODELS)
add(app, registry.models, rich_help_panel=MODELS)
add(app, registry.show, rich_help_panel=MODELS)
add(app, live.promote, rich_help_panel=MODELS)
add(app, live.rollback, rich_help_panel=MODELS)
add(app, live.verify, rich_help_panel=MODELS)
add(app, score.score, rich_help_panel=MODELS)
add(app, drift.drift, rich_help_panel=MODELS)
add(app, live.retire, rich_help_panel=MODELS)
add(app, live.drop, rich_help_panel=MODELS)
add(app, registry.export, rich_help_panel=MODELS)

STREAMS = "Streams and learners"
app.add_typer(stream.app, name="stream", rich_help_panel=STREAMS)
app.add_typer(learner.app, name="learner", rich_help_panel=STREAMS)
add(app, worker.worker, rich_help_panel=STREAMS)

OFFLINE = "Without a database"
add(app, offline.sql, rich_help_panel=OFFLINE)
add(app, offline.supported, rich_help_panel=OFFLINE)

DATABASE = "Database"
add(app, install.init, rich_help_panel=DATABASE)
add(app, doctor.doctor, rich_help_panel=DATABASE)
app.add_typer(server.app, name="server", rich_help_panel=DATABASE)
add(app, demo.demo, rich_help_panel=DATABASE)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pgpredict {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Options of the command line itself."""

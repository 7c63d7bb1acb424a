"""``pgpredict server``: the embedded server."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Annotated
from urllib.parse import unquote, urlsplit

import typer

from pgpredict.cli import screen
from pgpredict.cli.command import add
from pgpredict.cli.options import Json

if TYPE_CHECKING:
    from pgpredict.server import ServerStatus

app = typer.Typer(
    help="Start, stop and use the embedded Postgres server (extra: embedded).",
    no_args_is_help=True,
)


def start(
    postgres: Annotated[
        int | None,
        typer.Option(
            "--postgres",
            metavar="MAJOR",
            show_default=False,
            help="Major version of Postgres, 18 or 16; only for a server without data yet.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Start the embedded server, or find it running; print its DSN."""
    from pgpredict.server import EmbeddedServer

    with screen.waiting("starting Postgres"):
        status = EmbeddedServer(version=postgres).start()
    _show(status, json)


def stop(json: Json = False) -> None:
    """Stop the embedded server. Its data stay."""
    from pgpredict.server import EmbeddedServer

    server = EmbeddedServer()
    with screen.waiting("stopping Postgres"):
        was_running = server.stop()
    if json:
        screen.answer({"was_running": was_running, "path": str(server.path)})
        return
    screen.say(
        f"stopped; the data stay in {server.path}" if was_running else "the server was not running"
    )


def status(json: Json = False) -> None:
    """Say whether the embedded server runs, where, and with which DSN.

    The exit code is 5 if it does not run.
    """
    from pgpredict.cli.exit_codes import ExitCode
    from pgpredict.server import EmbeddedServer

    found = EmbeddedServer().status()
    _show(found, json)
    if not found.running:
        raise typer.Exit(ExitCode.DATABASE)


def native(json: Json = False) -> None:
    """Build the walker of trees in C, and use it in the embedded server's database.

    Ensembles of trees that are deployed from then on are walked several times as fast. Needs a C
    compiler and make.
    """
    import pgpredict
    from pgpredict.server import EmbeddedServer

    server = EmbeddedServer()
    with screen.waiting("building the walker of trees"):
        dsn = server.start().dsn or server.dsn
        library = server.build_walker()
        with pgpredict.connect(dsn) as database:
            database.install()
            database.use_native_walker(str(library))
    if json:
        screen.answer({"library": str(library)})
        return
    screen.say(f"trees are walked in C from now on, by {library}")
    screen.say("deploy a model again to have its trees walked: it becomes the form nodes")


def psql(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PSQL-ARGUMENT]...", help='As psql takes them: -c "select 1".'),
    ] = None,
) -> None:
    """Open psql on the embedded server, which is started if it does not run."""
    from pgpredict.server import EmbeddedServer

    server = EmbeddedServer()
    dsn = server.start().dsn or server.dsn
    program = server.program("psql")
    # By the environment and not as an argument: every user of the machine sees arguments.
    environment = os.environ | _libpq_environment(dsn)
    sys.stdout.flush()
    os.execve(program, [str(program), *(arguments or [])], environment)  # noqa: S606


def _libpq_environment(dsn: str) -> dict[str, str]:
    parts = urlsplit(dsn)
    return {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or ""),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }


def _show(status: ServerStatus, json: bool) -> None:
    if status.notice:
        screen.complain(status.notice, label="warning")
    if json:
        screen.answer(
            {
                "running": status.running,
                "version": status.version,
                "port": status.port,
                "pid": status.pid,
                "path": str(status.path),
                "dsn": status.dsn,
                "socket_dsn": status.socket_dsn,
            }
        )
        return
    if status.running:
        screen.say(f"running   Postgres {status.version}, process {status.pid}")
    else:
        screen.say("stopped   start it: pgpredict server start")
    screen.say(f"data      {status.path}")
    if status.dsn:
        screen.say(f"dsn       {status.dsn}")
        screen.say(f"socket    {status.socket_dsn}")


add(app, start)
add(app, stop)
add(app, status)
add(app, native)
add(app, psql, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})

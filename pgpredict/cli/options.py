"""The arguments and options that several commands share."""

from __future__ import annotations

from typing import Annotated

import typer

Dsn = Annotated[
    str | None,
    typer.Option(
        "--dsn",
        envvar="PGPREDICT_DSN",
        show_default=False,
        help="The database, as postgresql://user@host/name or key=value pairs. "
        "Without it the embedded server is used.",
    ),
]

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]

ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="Name of the model.")]

Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Read files that run code: pickle, joblib, .skops with unknown types. "
        "Only for files whose writer you know.",
    ),
]

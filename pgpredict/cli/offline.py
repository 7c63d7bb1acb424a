"""What needs no database: ``sql``, ``supported``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import typer

from pgpredict.cli import screen
from pgpredict.cli.inputs import ModelFile, Sample, read_model, read_sample
from pgpredict.cli.options import Dsn, Json, Trust


class Form(StrEnum):
    """How the body of a function is written."""

    inline = "inline"
    block = "block"
    nodes = "nodes"


def sql(
    model: ModelFile,
    sample: Sample,
    source: Annotated[
        str, typer.Option("--source", metavar="TABLE", help="The table in FROM of the SELECT.")
    ] = "rows",
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep",
            metavar="COLUMN",
            show_default=False,
            help="A column of the table to pass on beside the prediction; may be repeated.",
        ),
    ] = None,
    dialect: Annotated[
        str, typer.Option("--dialect", help="postgres, duckdb, or another that sqlglot writes.")
    ] = "postgres",
    function: Annotated[
        str | None,
        typer.Option(
            "--function",
            metavar="NAME",
            show_default=False,
            help="Print CREATE FUNCTION predict_versions.NAME instead of a SELECT; Postgres only.",
        ),
    ] = None,
    probability: Annotated[
        bool,
        typer.Option("--probability", help="With --function: the probability, not the label."),
    ] = False,
    form: Annotated[
        Form | None,
        typer.Option(
            "--form",
            show_default=False,
            help="With --function: inline (one SQL expression), block (PL/pgSQL) or nodes (trees "
            "as arrays, for a server with pgpredict); chosen by cost unless given.",
        ),
    ] = None,
    trust: Trust = False,
    dsn: Dsn = None,
) -> None:
    """Print a model as SQL: one SELECT, or CREATE FUNCTION. Nothing is deployed.

    Needs no database, unless the sample is a query.
    """
    from pgpredict.cli.refusal import doing

    _check_usage(function, dialect, probability, form)
    with doing(f"turn {model} into SQL"):
        estimator = read_model(model, trust).estimator
        frame = read_sample(sample, estimator, dsn)
        from pgpredict_transpiler import transpile

        program = transpile(estimator, frame, nodes=form == Form.nodes)
        if function is None:
            text = program.to_sql(dialect=dialect, source=source, keep=tuple(keep or ()))
            screen.say(f"{text};")
            return
        output: Literal["prediction", "probability"] = (
            "probability" if probability else "prediction"
        )
        chosen = program.choose_form() if form is None else form.value
        text = program.create_function(function, output=output, form=chosen)
        screen.say(f"{text.rstrip(';')};")


def supported(json: Json = False) -> None:
    """List the estimators that have an SQL form."""
    from pgpredict.cli.families import by_family
    from pgpredict_transpiler.lowering.registry import REGISTRY

    families = by_family(REGISTRY)
    if json:
        screen.answer(
            [
                {"estimator": name, "family": family}
                for family, names in families.items()
                for name in names
            ]
        )
        return
    for family, names in families.items():
        screen.say(family)
        for name in names:
            screen.say(f"  {name}")


def _check_usage(function: str | None, dialect: str, probability: bool, form: Form | None) -> None:
    if function is None and (probability or form is not None):
        raise typer.BadParameter("--probability and --form belong to --function NAME")
    if function is not None and dialect != "postgres":
        raise typer.BadParameter("--function is for Postgres; other dialects get a SELECT")

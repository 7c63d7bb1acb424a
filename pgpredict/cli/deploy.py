"""``pgpredict deploy``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pgpredict.cli import screen
from pgpredict.cli.inputs import ModelFile, Sample, read_model, read_sample
from pgpredict.cli.offline import Form
from pgpredict.cli.options import Dsn, Json, ModelName, Trust

if TYPE_CHECKING:
    from pgpredict.database import Database, Deployment

WIDTH = 80


def deploy(
    name: ModelName,
    model: ModelFile,
    sample: Sample,
    source: Annotated[
        str | None,
        typer.Option(
            "--source",
            metavar="TABLE",
            show_default=False,
            help="A table or view whose rows predict.MODEL takes as a whole: "
            "predict.churn(c) FROM customers c.",
        ),
    ] = None,
    promote: Annotated[
        bool | None,
        typer.Option(
            "--promote/--no-promote",
            show_default=False,
            help="Make it live, or not. Without either a first version goes live, later ones wait.",
        ),
    ] = None,
    form: Annotated[
        Form | None,
        typer.Option(
            "--form",
            show_default=False,
            help="inline (one SQL expression), block (PL/pgSQL) or nodes (trees as arrays); "
            "chosen by cost unless given.",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="NAME=VALUE",
            show_default=False,
            help="A measurement to keep with the version, such as auc=0.91; may be repeated.",
        ),
    ] = None,
    trust: Trust = False,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Deploy a fitted model as a new version: frozen SQL functions, checked row by row.

    One transaction: the first 1,000 rows of the sample must be answered as scikit-learn answers
    them, or nothing remains.
    """
    import pgpredict
    from pgpredict.cli.refusal import doing

    metrics = parse_metrics(metric or [])
    with doing(f"deploy {name}"):
        loaded = read_model(model, trust)
        frame = read_sample(sample, loaded.estimator, dsn)
    with pgpredict.connect(dsn) as database:
        with (
            doing(f"deploy {name}"),
            screen.waiting(f"deploying {name}: checking golden rows"),
        ):
            done = database.deploy(
                name,
                loaded.estimator,
                frame,
                source=source,
                metrics=metrics,
                promote=promote,
                form=None if form is None else form.value,
                model_file=loaded.file,
            )
        _show(done, database, json)


def parse_metrics(given: list[str]) -> dict[str, float | str]:
    """Metrics from the command line.

    Args:
        given: as ``name=value``; a value that is a number becomes one.

    Returns:
        The values by name.

    Raises:
        typer.BadParameter: there is no ``=``, or no name before it.

    Example:
        >>> parse_metrics(["auc=0.91", "data=2024"])
        {'auc': 0.91, 'data': 2024.0}
    """
    metrics: dict[str, float | str] = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"{item!r} is not NAME=VALUE", param_hint="--metric")
        try:
            metrics[name.strip()] = float(value)
        except ValueError:
            metrics[name.strip()] = value
    return metrics


def _show(done: Deployment, database: Database, json: bool) -> None:
    for note in done.notes:
        screen.complain(note, label="warning")
    if json:
        screen.answer(asdict(done))
        return
    facts = (
        done.description,
        screen.count(done.inputs, "input"),
        f"{screen.size(done.sql_bytes)} of SQL",
        f"form {done.form}, about {screen.microseconds(done.microseconds)} a row",
    )
    screen.say(f"{done.model} v{done.version}   {' · '.join(facts)}")
    screen.say(
        f"  golden rows   {done.rows:,} of {done.rows:,} equal to scikit-learn "
        f"(max difference {done.max_difference:.2g})"
    )
    if done.live:
        _show_calls("live", done)
        if done.source:
            screen.say(f"  try           {_example(done)}")
        return
    _show_calls("not live", done)
    live = next(model.live for model in database.models() if model.name == done.model)
    instead = f"; v{live} stays live" if live else ""
    screen.say(f"  go live       pgpredict promote {done.model} {done.version}{instead}")


def _example(done: Deployment) -> str:
    # Not run by us: a query for a person to copy.
    return " ".join(["SELECT t.*,", f"predict.{done.model}(t)", "FROM", f"{done.source} t LIMIT 5"])


def _show_calls(title: str, done: Deployment) -> None:
    one_line = ", ".join(done.calls)
    for call in [one_line] if len(one_line) <= WIDTH else done.calls:
        screen.say(f"  {title:<12}  {call}")
        title = ""

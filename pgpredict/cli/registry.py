"""What is deployed: ``models``, ``show``, ``export``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pgpredict.cli import screen
from pgpredict.cli.options import Dsn, Json, ModelName

if TYPE_CHECKING:
    from pgpredict.database import Event, Version

WhichVersion = Annotated[
    int | None,
    typer.Option(
        "--version", min=1, show_default=False, help="Which version; the live one unless given."
    ),
]

MOST_CATEGORIES_SHOWN = 6
MOST_EVENTS_SHOWN = 10
MOST_ARGUMENTS_SHOWN = 6


def models(dsn: Dsn = None, json: Json = False) -> None:
    """List the models of a database, with their live versions."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        found = database.models()
    if json:
        screen.answer([asdict(model) for model in found])
        return
    screen.table(
        [
            {
                "model": model.name,
                "live": f"v{model.live}" if model.live else "none",
                "since": model.live_since,
                "versions": model.versions,
                "what": model.description,
                "metrics": model.metrics,
                "source": model.source,
            }
            for model in found
        ],
        ["model", "live", "since", "versions", "what", "metrics", "source"],
        empty="no models yet; deploy one: pgpredict deploy NAME MODEL --sample FILE_OR_QUERY",
    )


def show(
    model: ModelName,
    version: WhichVersion = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Show a model: inputs, versions, metrics, and who did what when."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        versions, events = database.versions(model), database.events(model)
        shown = _choose(model, versions, version)
    if json:
        screen.answer(
            {
                "model": model,
                "shown": asdict(shown),
                "versions": [asdict(version) for version in versions],
                "events": [asdict(event) for event in events],
            }
        )
        return
    _show_version(shown)
    screen.say()
    _show_inputs(shown)
    screen.say()
    _show_versions(versions)
    screen.say()
    _show_events(events)


def export(
    model: ModelName,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            show_default=False,
            help="Where to write it; MODEL_vVERSION.FORMAT in the current folder unless given.",
        ),
    ] = None,
    version: WhichVersion = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Write the model file of a version to disk, as it was deployed. Retired versions keep theirs.

    A file that is there already is left alone.
    """
    import pgpredict
    from pgpredict.errors import PgpredictError

    with pgpredict.connect(dsn) as database:
        number = version or next((v.version for v in database.versions(model) if v.live), None)
        content, kind = database.model_file(model, number)
    path = file or Path(f"{model}_v{number}.{kind}")
    try:
        with path.open("xb") as opened:
            opened.write(content)
    except FileExistsError:
        raise PgpredictError(f"{path} is there already", do="name another file") from None
    except OSError as error:
        raise PgpredictError(f"cannot write {path}", why=error.strerror or "") from error
    if json:
        screen.answer({"model": model, "version": number, "format": kind, "file": str(path)})
    else:
        screen.say(f"{model} v{number} is in {path} ({kind}, {screen.size(len(content))})")


def _choose(model: str, versions: list[Version], number: int | None) -> Version:
    from pgpredict.errors import UnknownModel

    if not versions:
        raise UnknownModel(f"there is no model {model}", do="list them: pgpredict models")
    if number is None:
        # A model need not have a live version; the newest is the one that people ask for then.
        return next((version for version in versions if version.live), versions[-1])
    for version in versions:
        if version.version == number:
            return version
    known = ", ".join(str(version.version) for version in versions)
    raise UnknownModel(f"{model} has no version {number}", do=f"choose one of {known}")


def _show_version(version: Version) -> None:
    screen.say(f"{version.model} v{version.version}   {_state(version) or 'not live'}")
    returns = version.label_type
    if version.probability_type:
        of = f" of {_label(version.classes[1])}" if len(version.classes) == 2 else ""
        returns += f", probability {version.probability_type}{of}"
    facts = {
        "what": f"{version.kind}: {version.description}",
        "call": _call(version),
        "returns": returns,
        "classes": ", ".join(map(_label, version.classes)),
        "metrics": screen.cell(version.metrics),
        "form": f"{version.form}, {screen.size(version.sql_bytes)} of SQL",
        "model file": _file(version),
        "golden rows": f"{version.golden_rows:,}",
        "deployed": f"{screen.cell(version.created_at)} by {version.created_by}",
        "retired": version.retired_at
        and f"{screen.cell(version.retired_at)} by {version.retired_by}",
    }
    for name, value in facts.items():
        if value:
            screen.say(f"  {name:<12}  {value}")


def _state(version: Version) -> str:
    if version.live:
        return "live"
    return "" if version.retired_at is None else "retired"


def _label(value: object) -> str:
    """A class as SQL writes it: true, where a fact of ours would say yes."""
    return str(value).lower() if isinstance(value, bool) else screen.cell(value)


def _call(version: Version) -> str:
    if version.retired_at is not None:
        return ""
    if version.live and version.source:
        return f"predict.{version.model}(t) FROM {version.source} t"
    name = f"predict.{version.model}"
    if not version.live:
        name = f"predict_versions.{version.model}_v{version.version}"
    arguments = version.arguments
    if len(arguments) > MOST_ARGUMENTS_SHOWN:
        arguments = [*arguments[: MOST_ARGUMENTS_SHOWN - 1], "…"]
    return f"{name}({', '.join(arguments)})"


def _file(version: Version) -> str:
    if version.model_format is None:
        return "not stored"
    return f"{version.model_format}, {screen.size(version.model_bytes or 0)}"


def _show_inputs(version: Version) -> None:
    held: dict[str, Any] = version.contract.get("inputs", {})
    screen.table(
        [
            {
                "input": argument["name"],
                "type": argument["type"],
                "NULLs": held.get(argument["name"], {}).get("nulls"),
                "in the sample": _held(held.get(argument["name"], {})),
            }
            for argument in version.signature
        ],
        ["input", "type", "NULLs", "in the sample"],
        empty="no inputs",
    )


def _held(contract: dict[str, Any]) -> str:
    if "min" in contract:
        return f"{screen.cell(contract['min'])} … {screen.cell(contract['max'])}"
    if "distinct" in contract:
        categories = contract.get("categories", [])
        more = contract["distinct"] - MOST_CATEGORIES_SHOWN
        listed = ", ".join(categories[:MOST_CATEGORIES_SHOWN])
        return f"{listed} and {more:,} more" if more > 0 else listed
    return ""


def _show_versions(versions: list[Version]) -> None:
    screen.table(
        [
            {
                "version": f"v{version.version}",
                "state": _state(version),
                "what": version.description,
                "metrics": version.metrics,
                "deployed": version.created_at,
                "by": version.created_by,
            }
            for version in reversed(versions)
        ],
        ["version", "state", "what", "metrics", "deployed", "by"],
        empty="no versions",
    )


def _show_events(events: list[Event]) -> None:
    screen.table(
        [
            {
                "when": event.at,
                "who": event.who,
                "did": event.what,
                "version": f"v{event.version}" if event.version else None,
                "from": f"v{event.detail['from']}" if event.detail.get("from") else None,
            }
            for event in reversed(events[-MOST_EVENTS_SHOWN:])
        ],
        ["when", "who", "did", "version", "from"],
        empty="no events",
    )

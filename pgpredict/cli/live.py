"""Which version is live: ``promote``, ``rollback``, ``verify``, ``retire``, ``drop``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pgpredict.cli import screen
from pgpredict.cli.options import Dsn, Json, ModelName

if TYPE_CHECKING:
    from pgpredict.database import Database, GoldenRow

VersionNumber = Annotated[
    int, typer.Argument(metavar="VERSION", min=1, help="Number of the version.")
]


def promote(model: ModelName, version: VersionNumber, dsn: Dsn = None, json: Json = False) -> None:
    """Make a version live: predict.MODEL answers with it from now on. Views stay."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        _show_live(database, model, database.promote(model, version), json)


def rollback(model: ModelName, dsn: Dsn = None, json: Json = False) -> None:
    """Make the version live again that was live before."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        _show_live(database, model, database.rollback(model), json)


def verify(
    model: ModelName,
    version: Annotated[
        int | None,
        typer.Argument(
            metavar="[VERSION]",
            min=1,
            show_default=False,
            help="Number of the version; the live one unless given.",
        ),
    ] = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Run the golden rows of a version again, and compare with what Python said at deploy.

    The exit code is 4 if a row differs; the worst rows are printed side by side.
    """
    import pgpredict
    from pgpredict.cli.exit_codes import ExitCode

    with pgpredict.connect(dsn) as database:
        with screen.waiting(f"running the golden rows of {model}"):
            result = database.verify(model, version)
        worst = database.worst_rows(model, result.version) if result.differing else []
    if json:
        screen.answer({**asdict(result), "worst_rows": [asdict(row) for row in worst]})
    else:
        screen.say(
            f"{model} v{result.version}: {result.equal:,} of {result.rows:,} golden rows "
            f"equal to scikit-learn (max difference {result.max_difference:.2g})"
        )
        _show_worst(worst)
    if result.differing:
        raise typer.Exit(ExitCode.DIFFERENT)


def retire(model: ModelName, version: VersionNumber, dsn: Dsn = None, json: Json = False) -> None:
    """Drop the functions of a version; its record, golden rows and model file stay.

    Refused while the version is live, or while a view or an index uses it.
    """
    import pgpredict

    with pgpredict.connect(dsn) as database:
        database.retire(model, version)
    if json:
        screen.answer({"model": model, "retired": version})
    else:
        screen.say(f"{model} v{version} is retired: its functions are gone, its record stays")


def drop(model: ModelName, dsn: Dsn = None, json: Json = False) -> None:
    """Remove a model: its functions, versions, golden rows and model files. Its events stay.

    Refused while a view, an index or anything else uses one of its functions.
    """
    import pgpredict

    with pgpredict.connect(dsn) as database:
        versions = database.drop(model)
    if json:
        screen.answer({"model": model, "dropped": versions})
    else:
        screen.say(f"{model} is gone, with {screen.count(versions, 'version')}; its events stay")


def _show_live(database: Database, model: str, version: int, json: bool) -> None:
    last = database.events(model)[-1]
    detail = last.detail if last.version == version else {}
    before = detail.get("from") if detail.get("from") != version else None
    if "without_rows_of" in detail:
        lost, why = detail["without_rows_of"], detail["because"]
        screen.complain(f"predict.{model} takes no rows of {lost}: {why}", label="warning")
    if json:
        screen.answer({"model": model, "live": version, "before": before})
        return
    was = f" (before: v{before})" if before else ""
    screen.say(f"{model} v{version} is live: predict.{model} answers with it{was}")


def _show_worst(rows: list[GoldenRow]) -> None:
    if not rows:
        return
    screen.table(
        [
            {
                "row": row.row_number,
                "Python": _answer(row.expected, row.expected_probability),
                "SQL": _answer(row.actual, row.actual_probability),
                "difference": row.difference,
                "inputs": row.inputs,
            }
            for row in rows
        ],
        ["row", "Python", "SQL", "difference", "inputs"],
        empty="",
    )


def _answer(prediction: str | None, probability: list[float] | None) -> str:
    label = "NULL" if prediction is None else prediction
    if not probability:
        return label
    return f"{label} ({', '.join(repr(p) for p in probability)})"

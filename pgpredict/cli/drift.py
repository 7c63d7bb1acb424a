"""Whether what a model sees now is still what it was made for: ``drift``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pgpredict.cli import screen
from pgpredict.cli.options import Dsn, Json, ModelName
from pgpredict.cli.registry import WhichVersion

if TYPE_CHECKING:
    from pgpredict.database import Drift

Relation = Annotated[
    str,
    typer.Argument(
        metavar="RELATION",
        help="A table, view or partition whose rows fit the model, or one of stored predictions.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        show_default=False,
        help="Only rows from then on: 2026-05-01, yesterday, or what else Postgres reads.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", show_default=False, help="Only rows before then."),
]
TimeColumn = Annotated[
    str,
    typer.Option(
        "--time-column", metavar="COLUMN", help="Its dates or times decide for --since and --until."
    ),
]
Outputs = Annotated[
    bool,
    typer.Option("--outputs", help="Predict every row, and compare the predictions, too."),
]
Minimum = Annotated[
    float,
    typer.Option("--minimum", min=0, help="A PSI that is drift, however many rows there are."),
]
Record = Annotated[
    bool, typer.Option("--record", help="Keep what is found, for pgpredict.drift_by_day.")
]


def drift(
    model: ModelName,
    relation: Relation,
    version: WhichVersion = None,
    since: Since = None,
    until: Until = None,
    time_column: TimeColumn = "at",
    outputs: Outputs = False,
    minimum: Minimum = 0.1,
    record: Record = False,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Compare rows with the sample that a model was deployed with.

    The measure is the population stability index (PSI) of each input, held against what chance
    explains for so many rows. The exit code is 6 if a column has drifted.
    """
    import pgpredict
    from pgpredict.cli.exit_codes import ExitCode

    with pgpredict.connect(dsn) as database, screen.waiting(f"comparing the rows of {relation}"):
        found = database.drift(
            model,
            relation,
            version=version,
            since=since,
            until=until,
            time_column=time_column,
            outputs=outputs,
            minimum=minimum,
            record=record,
        )
    if json:
        screen.answer([asdict(column) for column in found])
    else:
        _show(model, relation, found)
    if any(column.drifted for column in found):
        raise typer.Exit(ExitCode.DRIFTED)


def _show(model: str, relation: str, found: list[Drift]) -> None:
    if not found or found[0].rows == 0:
        nothing = "no columns to compare" if not found else f"{relation} has no such rows"
        screen.say(f"{model}: {nothing}")
        return
    screen.table(
        [
            {
                "column": column.name,
                "role": column.role,
                "PSI": column.psi,
                "threshold": column.threshold,
                "drifted": column.drifted,
                "missing": f"{column.null_share:.1%}",
                "before": f"{column.baseline_null_share:.1%}",
                "most changed": _most_changed(column) if column.drifted else None,
            }
            for column in found
        ],
        ["column", "role", "PSI", "threshold", "drifted", "missing", "before", "most changed"],
        empty="",
    )
    drifted = sum(column.drifted for column in found)
    screen.say()
    screen.say(
        f"{model} v{found[0].version}: {drifted} of {screen.count(len(found), 'column')} drifted "
        f"in {screen.count(found[0].rows, 'row')} of {relation}"
    )


def _most_changed(column: Drift) -> str:
    worst = max(column.bins, key=lambda one: abs(one["share"] - one["baseline"]))
    return f"{worst['bin']}: {worst['baseline']:.1%} -> {worst['share']:.1%}"

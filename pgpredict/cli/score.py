"""Whole tables: ``score``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pgpredict.cli import screen
from pgpredict.cli.options import Dsn, Json, ModelName
from pgpredict.cli.registry import WhichVersion

if TYPE_CHECKING:
    from pgpredict.batch import Progress, Scoring

Source = Annotated[
    str,
    typer.Option(
        "--source",
        metavar="TABLE_OR_QUERY",
        help="What to score: a table, a view, or a query that begins with select, with or (.",
    ),
]
Into = Annotated[
    str,
    typer.Option("--into", metavar="TABLE", help="The table for the scores, made if need be."),
]
Key = Annotated[
    list[str],
    typer.Option(
        "--key",
        metavar="COLUMN",
        help="A column that tells the rows apart; repeat it for a key of several columns.",
    ),
]
PartitionBy = Annotated[
    str | None,
    typer.Option(
        "--partition-by",
        metavar="COLUMN",
        show_default=False,
        help="Partition a new table by this column of the source: dates and times by periods, "
        "others by value.",
    ),
]
Every = Annotated[
    str | None,
    typer.Option(
        "--every",
        metavar="PERIOD",
        show_default=False,
        help="The period: hour, day, week, month or year; day for a new table unless given.",
    ),
]
Partition = Annotated[
    list[str] | None,
    typer.Option(
        "--partition",
        metavar="VALUE",
        show_default=False,
        help="Score only the partition of this date or value; may be repeated.",
    ),
]
Incremental = Annotated[
    bool | None,
    typer.Option(
        "--incremental/--all",
        show_default=False,
        help="Score only rows without a score of this version, or all; --changed means the former.",
    ),
]
Changed = Annotated[
    str | None,
    typer.Option(
        "--changed",
        metavar="COLUMN",
        show_default=False,
        help="A column that has another value whenever the row changed, such as updated_at.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        show_default=False,
        help="How many connections work at once; as many as the server's processes for one query "
        "unless given.",
    ),
]


def score(
    model: ModelName,
    source: Source,
    into: Into,
    key: Key,
    version: WhichVersion = None,
    partition_by: PartitionBy = None,
    every: Every = None,
    partition: Partition = None,
    incremental: Incremental = None,
    changed: Changed = None,
    workers: Workers = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Score every row of a table into another table, in the database.

    Readers see the old scores until the new ones are complete. A run that was killed is begun
    again by the same command; with --incremental it does what is missing.
    """
    import pgpredict
    from pgpredict.cli.refusal import doing

    with pgpredict.connect(dsn) as database, doing(f"score {into}"), _bar(json) as progress:
        done = database.score(
            model,
            source=source,
            into=into,
            key=key,
            version=version,
            partition_by=partition_by,
            every=every,
            partitions=partition or None,
            incremental=incremental,
            changed=changed,
            workers=workers,
            progress=progress,
        )
    if json:
        screen.answer(asdict(done) | {"rows_per_second": done.rows_per_second})
    else:
        _show(done)


@contextmanager
def _bar(json: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A bar on a terminal; nothing where nobody watches."""
    if json or not sys.stderr.isatty():
        yield None
        return
    from rich import progress
    from rich.console import Console

    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=30),
        progress.TextColumn("{task.completed:,} rows"),
        progress.TextColumn("{task.fields[speed]}"),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task("checking", total=None, speed="")

        def show(seen: Progress) -> None:
            bar.update(
                task,
                description=seen.doing,
                completed=seen.rows,
                total=seen.total,
                speed=f"{seen.rows_per_second:,.0f} rows/s",
            )

        yield show


def _show(done: Scoring) -> None:
    facts = [
        screen.count(done.rows, "row"),
        f"{done.seconds:.1f} s",
        f"{done.rows_per_second:,.0f} rows/s",
        _way(done),
    ]
    screen.say(f"{done.into}   {done.model} v{done.version} · {' · '.join(facts)}")
    if done.nulls:
        _fact("no answer", screen.count(done.nulls, "row"))
    if done.shares:
        _fact("labels", ", ".join(f"{label} {share:.1%}" for label, share in done.shares.items()))
    if done.quantiles:
        quantiles = ", ".join(f"{name} {value:.4g}" for name, value in done.quantiles.items())
        _fact("probability" if done.shares else "prediction", quantiles)
    if done.deleted:
        _fact("removed", f"{screen.count(done.deleted, 'score')} of rows that are gone")


def _way(done: Scoring) -> str:
    if done.way != "partitions":
        return {"new": "a new table", "replaced": "the table is replaced"}.get(done.way, done.way)
    skipped = f", {done.skipped:,} up to date" if done.skipped else ""
    return screen.count(len(done.partitions), "partition") + skipped


def _fact(name: str, value: str) -> None:
    screen.say(f"  {name:<12}  {value}")

"""What a person sees of a run: a line while it goes on, tables at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.faults.plan import Plan, Standing
from tests.faults.run import Report, Tell


@contextmanager
def progress(plan: Plan, console: Console) -> Iterator[Tell]:
    """A line with rows, kills, what waits, and for how long the oldest does."""
    line = Progress(
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} rows"),
        BarColumn(),
        TextColumn("{task.fields[kills]} of {task.fields[planned]} kills"),
        TextColumn("{task.fields[waits]}"),
        TimeElapsedColumn(),
        console=console,
    )
    with line:
        task = line.add_task("", total=plan.rows, kills=0, planned=plan.kills, waits="")

        def tell(standing: Standing, waits: int, lag: float) -> None:
            said = f"{waits:,} wait, lag {lag:.1f} s" if waits >= 0 else "the server is away"
            line.update(task, completed=standing.rows, kills=len(standing.kills), waits=said)

        yield tell


def show(report: Report, console: Console, well: str) -> None:
    """What was done and what was found; `well` is said if nothing is wrong."""
    plan, (writing, draining) = report.plan, report.seconds
    done = Table("done", "", title=f"Postgres {plan.version}, seed {plan.seed}")
    done.columns[1].justify = "right"
    for kill, times in report.kills.items():
        done.add_row(f"killed: {kill}", f"{times:,}")
    for name, times in [*sorted(report.transactions.items()), *sorted(report.changes.items())]:
        kind = "transactions" if name in report.transactions else "rows"
        done.add_row(f"{kind}: {name}", f"{times:,}")
    for stream, claims in report.claims.items():
        done.add_row(f"keys that workers claimed: {stream}", f"{claims:,}")
    done.add_row("seconds: writing and killing", f"{writing:.1f}")
    done.add_row("seconds: the workers, after it", f"{draining:.1f}")
    found = Table("of", "found", "looked at", "wrong")
    for column in found.columns[2:]:
        column.justify = "right"
    for one in report.findings:
        style = "red" if one.wrong else ""
        found.add_row(one.what, one.question, f"{one.seen:,}", f"{one.wrong:,}", style=style)
    console.print(done, found)
    for words in report.wrong:
        console.print(f"[red]wrong:[/] {words}", soft_wrap=True, highlight=False)
    if not report.wrong:
        console.print(well)

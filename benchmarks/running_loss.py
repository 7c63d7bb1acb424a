"""`make loss`: a picture of a learner beside models of scikit-learn, on the flights of a year.

Prints the numbers, and draws how wrong each of the three was in the seven days up to each day.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import pgpredict
from benchmarks.flights_in_time import WEEK, Losses, Vector, measure, recomputed, rolling
from benchmarks.workbench import server
from pgpredict.demo import flights

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "learner-flights.png"
WEEKS = 4
# Of the days that are computed once more with scikit-learn: each so many.
SAMPLE = 30
LINES = {
    "frozen": (f"frozen after {WEEKS} weeks", "#9a9a9a"),
    "retrained": ("fitted anew each week", "#d98e32"),
    "learner": ("learner", "#1f5fa8"),
}


def main(arguments: list[str] | None = None) -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description="Draw how good a learner is beside other models.")
    parser.add_argument("--out", type=Path, default=PICTURE, help="where the picture goes")
    out = parser.parse_args(arguments).out
    console = Console()
    with server() as connection:
        pgpredict.connect(connection).install()
        losses = measure(connection, flights.folder(), WEEKS)
        chosen = range(losses.first, len(losses.days), SAMPLE)
        difference = max(
            abs(
                recomputed(connection, losses.days[number], number)
                - losses.learner[number - losses.first]
            )
            for number in chosen
        )
    console.print(summary(losses))
    console.print(f"{len(chosen)} days once more by scikit-learn: difference {difference:.1g}")
    draw(losses, out)
    console.print(f"drawn: {out}")


def summary(losses: Losses) -> Table:
    """The log loss of all flights that count, and in how many weeks each model was the best."""
    weeks = np.array([_by_week(getattr(losses, name), losses.flights) for name in LINES])
    best = weeks.argmin(axis=0)
    table = Table(
        title=f"{losses.flights.sum():,.0f} flights on {len(losses.flights)} days,"
        f" after {losses.first} days for all to learn from"
    )
    for heading in ("model", "log loss", "worst week", "weeks in which it is the best"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for place, (name, (title, _)) in enumerate(LINES.items()):
        mean = np.average(getattr(losses, name), weights=losses.flights)
        table.add_row(
            title,
            f"{mean:.4f}",
            f"{weeks[place].max():.3f}",
            f"{(best == place).sum()} of {len(best)}",
        )
    return table


def draw(losses: Losses, out: Path) -> None:
    """Draw the mean loss of seven days, at the last of them, and save it as PNG.

    Args:
        losses: of the three models.
        out: the file; its folder is there.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), dpi=110, layout="constrained")
    axes = figure.subplots()
    dates = np.array([day.date for day in losses.days[losses.first + WEEK - 1 :]], "datetime64[D]")
    for name, (title, color) in LINES.items():
        means = rolling(getattr(losses, name), losses.flights)
        axes.plot(dates, means, label=title, color=color, linewidth=1.6)
    axes.set_ylabel(f"log loss of the last {WEEK} days")
    axes.set_title("Which flights from New York arrive late, 2013: predicted, then learnt")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(out, format="png")


def _by_week(values: Vector, flights_of_days: Vector) -> Vector:
    return rolling(values, flights_of_days)[::WEEK]


if __name__ == "__main__":
    main()

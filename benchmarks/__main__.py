"""`python -m benchmarks`: run every benchmark and print seconds and ratios."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from benchmarks import gradient_boosting
from benchmarks.workbench import server


def main() -> None:
    """Print one table for each benchmark; quote ratios, since machines are noisy."""
    console = Console()
    with server() as connection:
        times = gradient_boosting.run(connection)
    base = times["by hand, in the query"]
    table = Table(
        title=f"gradient boosting, 100 trees of depth 3, {gradient_boosting.ROWS:,} rows, serial"
    )
    for heading in ("way", "seconds", "us a row", "by hand = 1"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    for name, seconds in times.items():
        micro = seconds / gradient_boosting.ROWS * 1e6
        table.add_row(name, f"{seconds:.2f}", f"{micro:.2f}", f"{seconds / base:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()

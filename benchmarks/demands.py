"""Tables that show what is demanded beside what was measured."""

from __future__ import annotations

from rich.table import Table


class Findings:
    """A table with a line per finding.

    Args:
        title: what was measured, on what.
        caption: how it was measured.
    """

    def __init__(self, title: str, caption: str = "") -> None:
        self.table = Table(title=title, caption=caption or None, caption_justify="left")
        self.table.add_column("what")
        for heading in ("measured", "demanded", ""):
            self.table.add_column(heading, justify="right")

    def note(self, what: str, measured: str) -> None:
        """Something that is good to know, of which nothing is demanded."""
        self.table.add_row(what, measured, "", "")

    def at_most(self, what: str, measured: float, limit: float, unit: str = "") -> None:
        """Something that should be small."""
        self._demand(what, measured, f"at most {_figure(limit, unit)}", measured <= limit, unit)

    def at_least(self, what: str, measured: float, limit: float, unit: str = "") -> None:
        """Something that should be large."""
        self._demand(what, measured, f"at least {_figure(limit, unit)}", measured >= limit, unit)

    def _demand(self, what: str, measured: float, demand: str, kept: bool, unit: str) -> None:
        verdict = "[green]kept[/]" if kept else "[red]missed[/]"
        self.table.add_row(what, _figure(measured, unit), demand, verdict)


def _figure(number: float, unit: str) -> str:
    text = f"{number:,.0f}" if abs(number) >= 100 else f"{number:.2f}"
    return f"{text} {unit}".strip()

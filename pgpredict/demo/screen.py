"""How the demo looks: colours and a moving bar on a terminal, plain text elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from textwrap import indent

from rich.console import Console, JustifyMethod, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

INDENT = 3
PLAIN_WIDTH = 100
# Names of colours, so that they are those of the reader's own terminal.
COLOURS = "ansi_dark"


class Screen:
    """Prints the demo to stdout.

    Args:
        console: where to print; by default stdout, in colour if it is a terminal.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, emoji=False)
        if not self._console.is_terminal:
            self._console.width = PLAIN_WIDTH
        self._acts = 0
        self._below_gap = False

    def title(self, title: str, subtitle: str) -> None:
        """Print what this is."""
        self.gap()
        self._print(f"[bold]{title}[/]   [dim]{subtitle}[/]")

    def act(self, title: str) -> None:
        """Begin the next part."""
        self._acts += 1
        self.gap()
        self._print(f"[bold cyan]{self._acts}[/]  [bold]{title}[/]")
        self.gap()

    def gap(self) -> None:
        """Print an empty line, unless there is one."""
        if not self._below_gap:
            self._print("")
        self._below_gap = True

    def say(self, text: str, style: str = "") -> None:
        """Print a paragraph."""
        self._print(Padding(Text(text, style), (0, 0, 0, INDENT)))

    def code(self, text: str, language: str = "sql") -> None:
        """Print code as it is, set apart."""
        self.gap()
        if self._console.is_terminal:
            shown = Syntax(
                text, language, theme=COLOURS, background_color="default", word_wrap=True
            )
            self._console.print(Padding(shown, (0, 0, 0, INDENT + 2)))
        else:
            self._console.file.write(indent(text, " " * (INDENT + 2)) + "\n")
        self._below_gap = False
        self.gap()

    def table(
        self, columns: Sequence[str], rows: Sequence[Sequence[object]], left: int = 1
    ) -> None:
        """Print rows under headings.

        Args:
            columns: the headings.
            rows: as many values each.
            left: how many columns, counted from the left, hold text and not numbers.
        """
        drawn = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 3, 0, 0))
        for number, column in enumerate(columns):
            side: JustifyMethod = "left" if number < left else "right"
            drawn.add_column(column, justify=side, overflow="fold")
        for row in rows:
            drawn.add_row(*(Text("" if value is None else str(value)) for value in row))
        self._print(Padding(drawn, (0, 0, 0, INDENT + 2)))

    def facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Print names and values, side by side."""
        self._print(self._indented(facts))

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show on a terminal that something takes its time."""
        if not self._console.is_terminal:
            yield
            return
        with self._console.status(Text(what, "dim"), spinner="dots", spinner_style="cyan"):
            yield

    @contextmanager
    def progress(self, what: str, steps: int) -> Iterator[Callable[[], None]]:
        """Show a bar on a terminal; gives a function that moves it by one step."""
        bar = Progress(
            TextColumn(" " * INDENT + " {task.description}"),
            BarColumn(bar_width=36, complete_style="cyan", finished_style="cyan"),
            MofNCompleteColumn(),
            TextColumn("months"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        with bar:
            task = bar.add_task(what, total=steps)
            yield lambda: bar.advance(task)

    @contextmanager
    def moving(self) -> Iterator[Callable[[Sequence[tuple[str, str]]], None]]:
        """Show facts on a terminal that change in place; gives a function that shows them."""
        if not self._console.is_terminal:
            yield lambda _: None
            return
        with Live(console=self._console, refresh_per_second=8, transient=True) as live:
            yield lambda facts: live.update(self._indented(facts), refresh=True)

    def _indented(self, facts: Sequence[tuple[str, str]]) -> RenderableType:
        drawn = Table.grid(padding=(0, 3, 0, 0))
        for name, value in facts:
            drawn.add_row(Text(name, "dim"), Text(value))
        return Padding(drawn, (0, 0, 0, INDENT + 2))

    def _print(self, what: RenderableType) -> None:
        self._below_gap = False
        if self._console.is_terminal:
            self._console.print(what)
            return
        # Rich fills lines with spaces, which nobody wants in a file.
        with self._console.capture() as captured:
            self._console.print(what)
        for line in captured.get().splitlines():
            self._console.file.write(f"{line.rstrip()}\n")
        self._console.file.flush()

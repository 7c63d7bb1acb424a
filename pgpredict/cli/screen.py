"""What commands print: JSON for scripts, tables for people, plain text where nobody watches.

Answers go to stdout; errors, warnings and progress to stderr, so that a pipe gets answers only.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

Row = Mapping[str, object]


def say(text: str = "") -> None:
    """Print a line of the answer to stdout, as it is."""
    sys.stdout.write(text + "\n")


def complain(text: str, *, label: str = "") -> None:
    """Print a line to stderr, with a coloured label on a terminal.

    Args:
        text: the line.
        label: "error", "warning" or nothing.
    """
    from rich.console import Console
    from rich.text import Text

    line = Text()
    if label:
        line.append(f"{label}: ", style={"error": "bold red", "warning": "yellow"}[label])
    line.append(text)
    Console(stderr=True, soft_wrap=True, highlight=False).print(line)


def answer(data: object) -> None:
    """Print data as JSON to stdout.

    Args:
        data: of mappings, sequences and scalars. Times become ISO 8601, spans of time seconds;
            numbers that JSON does not have become the texts "NaN", "Infinity" and "-Infinity"; what
            else there is, text.
    """
    say(json.dumps(_for_json(data), ensure_ascii=False, indent=2, allow_nan=False))


def table(rows: Sequence[Row], columns: Sequence[str], *, empty: str) -> None:
    """Print rows as a table: drawn on a terminal, plain and aligned into a pipe.

    Args:
        rows: a mapping per row.
        columns: which of their keys to print, in this order; they are the headings too.
        empty: what to say when there are no rows.
    """
    if not rows:
        say(empty)
        return
    cells = [[cell(row.get(column)) for column in columns] for row in rows]
    numeric = [_is_number([row.get(column) for row in rows]) for column in columns]
    if sys.stdout.isatty():
        _draw(columns, cells, numeric)
    else:
        _align(columns, cells, numeric)


def cell(value: object) -> str:
    r"""One value of a table, as a person reads it.

    Control characters, which could confuse a terminal, are shown as Python writes them.

    Example:
        >>> cell(None), cell(True), cell(0.25), cell({"auc": 0.91})
        ('', 'yes', '0.25', 'auc=0.91')
        >>> print(cell("two\nlines"))
        two\nlines
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M}"
    if isinstance(value, timedelta):
        return span(value)
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={cell(inner)}" for key, inner in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(cell(inner) for inner in value)
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in str(value))


def count(number: int, thing: str) -> str:
    """A number of things.

    Example:
        >>> count(1, "input"), count(1_000, "row")
        ('1 input', '1,000 rows')
    """
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def size(number_of_bytes: int) -> str:
    """A size as people read it.

    Example:
        >>> size(512), size(61_000), size(3_400_000)
        ('512 B', '61 KB', '3.4 MB')
    """
    if number_of_bytes < 1_000:
        return f"{number_of_bytes} B"
    if number_of_bytes < 1_000_000:
        return f"{number_of_bytes / 1_000:.0f} KB"
    return f"{number_of_bytes / 1_000_000:.1f} MB"


def microseconds(time: float) -> str:
    """A time as people read it.

    Example:
        >>> microseconds(0.07), microseconds(6.2), microseconds(2_500)
        ('0.07 us', '6.2 us', '2.5 ms')
    """
    return f"{time / 1_000:.2g} ms" if time >= 1_000 else f"{time:.2g} us"


def span(time: timedelta) -> str:
    """A span of time as people read it.

    Example:
        >>> span(timedelta(milliseconds=4.2)), span(timedelta(milliseconds=931.4))
        ('4.2 ms', '931 ms')
        >>> span(timedelta(minutes=90)), span(timedelta(days=30))
        ('90 min', '30 days')
    """
    seconds = time.total_seconds()
    if seconds < 1:
        milliseconds = 1_000 * seconds
        return f"{milliseconds:.0f} ms" if milliseconds >= 99.5 else f"{milliseconds:.2g} ms"
    for unit, seconds_of_it, shorter_than in (
        ("s", 1, 120),
        ("min", 60, 7_200),
        ("h", 3_600, 172_800),
    ):
        if seconds < shorter_than:
            return f"{seconds / seconds_of_it:.3g} {unit}"
    return f"{seconds / 86_400:.6g} days"


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on a terminal that something takes its time; nothing where nobody watches.

    Args:
        what: is being done, as in "checking golden rows".
    """
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what):
        yield


def _draw(columns: Sequence[str], cells: list[list[str]], numeric: list[bool]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column, right in zip(columns, numeric, strict=True):
        drawn.add_column(column, justify="right" if right else "left", overflow="fold")
    for row in cells:
        # Text, not str: a name in square brackets is not markup.
        drawn.add_row(*(Text(value) for value in row))
    Console().print(drawn)


def _align(columns: Sequence[str], cells: list[list[str]], numeric: list[bool]) -> None:
    widths = [max(len(value) for value in column) for column in zip(columns, *cells, strict=True)]
    for row in [list(columns), *cells]:
        padded = [
            value.rjust(width) if right else value.ljust(width)
            for value, width, right in zip(row, widths, numeric, strict=True)
        ]
        say("  ".join(padded).rstrip())


def _is_number(values: list[object]) -> bool:
    known = [value for value in values if value is not None]
    return bool(known) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in known
    )


def _for_json(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _for_json(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_for_json(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, datetime) else str(value)

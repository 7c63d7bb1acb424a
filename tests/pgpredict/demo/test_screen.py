from __future__ import annotations

import io

from rich.console import Console

from pgpredict.demo.screen import Screen


def shown(*, terminal: bool) -> tuple[Screen, io.StringIO]:
    file = io.StringIO()
    console = Console(
        file=file, force_terminal=terminal, width=80, color_system="standard" if terminal else None
    )
    return Screen(console), file


def test_a_terminal_gets_colours_and_a_bar() -> None:
    screen, file = shown(terminal=True)
    screen.act("Score")
    with screen.progress("v1", 2) as advance:
        advance()
        advance()
    assert "\x1b[" in file.getvalue()
    assert "2/2" in file.getvalue()


def test_elsewhere_there_is_no_bar_and_no_spinner() -> None:
    screen, file = shown(terminal=False)
    with screen.working("loading"), screen.progress("v1", 1) as advance:
        advance()
    assert file.getvalue() == ""


def test_code_keeps_its_lines_however_long_they_are() -> None:
    screen, file = shown(terminal=False)
    code = "SELECT " + ", ".join(f"column_{number}" for number in range(30)) + "\n  FROM [table];"
    screen.code(code)
    assert [line[5:] for line in file.getvalue().splitlines() if line] == code.splitlines()


def test_two_gaps_are_one_empty_line() -> None:
    screen, file = shown(terminal=False)
    screen.act("First")
    screen.code("SELECT 1;")
    screen.gap()
    screen.act("Second")
    assert "\n\n\n" not in file.getvalue()
    assert file.getvalue() == "\n1  First\n\n     SELECT 1;\n\n2  Second\n\n"


def test_brackets_in_a_table_are_text() -> None:
    screen, file = shown(terminal=False)
    screen.table(["type"], [["float8[]"], ["[bold]"], [None]])
    assert file.getvalue().split() == ["type", "float8[]", "[bold]"]

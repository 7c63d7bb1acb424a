"""Tables for people on a terminal, and plain ones for pipes."""

from __future__ import annotations

import sys

import pytest

from pgpredict.cli import screen

ROWS = [{"model": "churn", "rows": 1_000}, {"model": "[red]late", "rows": 7}]


def test_a_pipe_gets_aligned_text(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table(ROWS, ["model", "rows"], empty="none")

    assert capsys.readouterr().out == "model      rows\nchurn      1000\n[red]late     7\n"


def test_a_terminal_gets_headings_that_stand_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)

    screen.table(ROWS, ["model", "rows"], empty="none")

    printed = capsys.readouterr().out
    assert "\x1b[1mmodel" in printed
    assert "[red]late" in printed  # a name, not markup


def test_no_rows_are_said_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table([], ["model"], empty="no models yet")

    assert capsys.readouterr().out == "no models yet\n"


def test_json_has_no_numbers_that_json_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    screen.answer({"worst": float("inf"), "rows": [float("nan"), -float("inf"), 0.5, True, None]})

    printed = "".join(capsys.readouterr().out.split())
    assert printed == '{"worst":"Infinity","rows":["NaN","-Infinity",0.5,true,null]}'


def test_progress_is_silent_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with screen.waiting("checking golden rows"):
        pass

    assert capsys.readouterr() == ("", "")

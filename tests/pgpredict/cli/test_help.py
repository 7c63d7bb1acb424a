"""Every command and every option explains itself, in the help and in docs/commands.md."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from pgpredict import __version__
from pgpredict.cli import app
from pgpredict.cli.exit_codes import ExitCode

from .conftest import Run, Shell

DOCS = Path(__file__).parents[3] / "docs" / "commands.md"


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, inner in getattr(command, "commands", {}).items():
        if hasattr(inner, "commands"):
            yield from _commands(inner, f"{path} {name}")
        else:
            yield f"{path} {name}", inner


COMMANDS = dict(_commands(get_command(app), "pgpredict"))
PARAMETERS = [
    (path, parameter) for path, command in COMMANDS.items() for parameter in command.params
]
OF_ISSUE = {"init", "deploy", "models", "show", "promote", "rollback", "verify", "retire", "sql"}
OF_STREAMS = (
    *("create", "list", "show", "pause", "resume", "backfill", "dead", "retry", "retain"),
    *("shadow", "unshadow", "publish", "unpublish", "drop"),
)
OF_LEARNERS = (
    *("create", "list", "show", "states", "learn", "pause", "resume", "unlearn", "rollback"),
    *("checkpoint", "retain", "export", "import", "quarantine", "release", "discard", "drop"),
    *("reconcile", "watch", "unwatch", "drift"),
    *(f"rule {name}" for name in ("add", "add-range", "add-outlier", "add-category")),
    *(f"rule {name}" for name in ("add-null", "add-distance", "add-rate", "add-flip")),
    *("rule list", "rule drop"),
)


def test_the_commands_are_there() -> None:
    assert {path.split(" ", 1)[1] for path in COMMANDS} == OF_ISSUE | {
        "drift",
        "score",
        "drop",
        "export",
        "supported",
        "worker",
        "doctor",
        "demo",
        "server start",
        "server stop",
        "server status",
        "server psql",
        "server native",
        *(f"stream {name}" for name in OF_STREAMS),
        *(f"learner {name}" for name in OF_LEARNERS),
    }


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_has_help(path: str, run: Run) -> None:
    result = run(*path.split()[1:], "--help")

    assert result.exit_code == 0
    assert COMMANDS[path].help.split(".")[0] in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    ("path", "parameter"), PARAMETERS, ids=[f"{path} {p.name}" for path, p in PARAMETERS]
)
def test_every_argument_and_option_has_help(path: str, parameter: Any) -> None:
    assert len(parameter.help) > 10


@pytest.mark.parametrize("path", COMMANDS)
def test_the_documents_describe_every_command_and_option(path: str) -> None:
    text = DOCS.read_text(encoding="utf-8")
    _, _, rest = text.partition(f"### `{path}")
    described = rest.split("\n#")[0]

    assert rest, f"docs/commands.md has no section `{path}`"
    for parameter in COMMANDS[path].params:
        for option in (*parameter.opts, *parameter.secondary_opts):
            if option.startswith("--") and option != "--help":
                assert f"`{option}" in described, f"{path} {option}"


def test_the_documents_name_no_option_that_is_not_there() -> None:
    known = {
        option
        for _, parameter in PARAMETERS
        for option in (*parameter.opts, *parameter.secondary_opts)
    } | {"--version", "--help", "--install-completion", "--show-completion"}
    named = set(re.findall(r"--[a-z][a-z-]+", DOCS.read_text(encoding="utf-8")))

    assert named <= known


def test_the_documents_list_every_exit_code() -> None:
    text = DOCS.read_text(encoding="utf-8")

    for code in ExitCode:
        assert f"\n| {code:d} | {code.name.lower()} |" in text


def test_the_version_is_printed(run: Run) -> None:
    assert run("--version").stdout == f"pgpredict {__version__}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["deploy", "--help"], ["server", "--help"]])
def test_help_waits_for_no_library(arguments: list[str], shell: Shell) -> None:
    slow = ("sklearn", "pandas", "numpy", "sqlglot", "psycopg", "sqlalchemy", "skops", "dagster")
    program = (
        "import sys\n"
        "from pgpredict.cli import main\n"
        f"sys.argv[1:] = {arguments!r}\n"
        "try:\n    main()\n"
        "except SystemExit:\n"
        f"    print('slow:', [name for name in {slow!r} if name in sys.modules])\n"
    )

    finished = subprocess.run(
        [sys.executable, "-c", program],
        env=shell.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert finished.stdout.endswith("slow: []\n")


def test_a_worker_waits_for_no_library_of_models(shell: Shell) -> None:
    program = (
        "import sys, pgpredict, pgpredict.worker\n"
        "print([name for name in ('sklearn', 'pandas', 'numpy', 'skops', 'river')"
        " if name in sys.modules])"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env=shell.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout == "[]\n"

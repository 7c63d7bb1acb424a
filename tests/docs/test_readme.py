"""Every python, sql and sh block of README.md, run in its order, as a reader would."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pgpredict.cli.families import FAMILIES
from pgpredict_transpiler.lowering.registry import REGISTRY

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(python|sql|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def shop(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[psycopg.Connection]:
    """An empty database that the environment names, and an empty folder."""
    monkeypatch.setenv("PGPREDICT_DSN", dsn)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(ROOT / "transpiler")]))
    monkeypatch.chdir(tmp_path)
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def test_the_tour_runs_from_top_to_bottom(shop: psycopg.Connection) -> None:
    # Roles belong to the whole server, where other tests make theirs.
    analyst = f"readme_analyst_{os.getpid()}"
    readme = README.replace("analyst", analyst)
    names: dict[str, object] = {}
    try:
        for block in BLOCK.finditer(readme):
            language, text = block.groups()
            line = readme.count("\n", 0, block.start()) + 2
            if language == "sql":
                shop.execute(text.encode())
            elif language == "sh":
                for command in text.splitlines():
                    type_in(command)
            else:
                # The line numbers of a traceback are those of README.md.
                exec(compile("\n" * (line - 1) + text, "README.md", "exec"), names)
    finally:
        names.clear()  # the example's connection
        shop.execute("RESET ROLE")
        if shop.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [analyst]).fetchone():
            shop.execute(f"DROP OWNED BY {analyst}")
            shop.execute(f"DROP ROLE {analyst}")


def type_in(command: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, f"{command}\n{ran.stderr}"


def test_what_it_calls_supported_is() -> None:
    section = README.partition("## What has an SQL form")[2].partition("\n## ")[0]
    named = set(re.findall(r"`([A-Z]\w+)`", section))
    assert named
    assert {name for name in named if f"sklearn.{name}" not in REGISTRY} == set()


def test_it_names_the_families_that_the_command_line_lists() -> None:
    section = README.partition("## What has an SQL form")[2].partition("\n## ")[0]

    assert re.findall(r"^\| ([a-z][\w -]+) \| `", section, re.MULTILINE) == list(FAMILIES)


def test_files_that_documents_name_are_there() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")]
    links = [
        (document, link)
        for document in documents
        for link in re.findall(r"\]\(([^):#]+)\)|ARGS=(tests/\S+?)`", document.read_text("utf-8"))
    ]
    missing = [
        (document.name, relative or test)
        for document, (relative, test) in links
        if not ((document.parent / relative) if relative else ROOT / test).exists()
    ]
    assert links
    assert missing == []

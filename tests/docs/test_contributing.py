"""What CONTRIBUTING.md shows of the code is the code, and its parity case works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pgpredict_transpiler import transpile
from pgpredict_transpiler.oracle import ask
from tests.transpiler.parity.compare import differences
from tests.transpiler.parity.engines import in_duckdb
from tests.transpiler.parity.hostile import hostile_rows

ROOT = Path(__file__).parents[2]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
LOWERING = ROOT / "transpiler" / "pgpredict_transpiler" / "lowering"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", CONTRIBUTING, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("file", "block"), [("scaling.py", 0), ("registry.py", 1)])
def test_the_code_that_it_shows_is_there(file: str, block: int) -> None:
    assert blocks("python")[block] in (LOWERING / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("number", [0, 1])
def test_the_case_that_it_shows_holds(number: int) -> None:
    names: dict[str, list[object]] = {}
    exec(compile(blocks("python case")[0], "CONTRIBUTING.md", "exec"), names)
    case = names["CASES"][number]
    model, sample = case.fit()  # type: ignore[attr-defined]
    program = transpile(model, sample)
    rows = hostile_rows(program, sample)
    for told in in_duckdb(program, rows):
        assert differences(ask(model, rows), told.answers, rows) == []


def test_every_folder_of_the_code_is_on_the_map() -> None:
    folders = [
        *(path.parent for path in (ROOT / "pgpredict").glob("*/__init__.py")),
        *(path for path in (ROOT / "sql").iterdir() if path.is_dir()),
    ]
    assert {f.name for f in folders if f"{f.name}/`" not in CONTRIBUTING} == set()

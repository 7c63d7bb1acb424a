"""The walker of trees in C cannot always be built: then it says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from pgpredict.errors import NoServer
from pgpredict.server import VERSIONS, native


@pytest.mark.parametrize(
    ("there", "missing"),
    [([], "no make and no cc"), (["make"], "no cc"), (["cc"], "no make")],
)
def test_a_machine_without_a_compiler(
    there: list[str], missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in there:
        _program(tmp_path / name)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NoServer, match=f"there is {missing} here"):
        native.build(tmp_path, VERSIONS[0])

    assert not (tmp_path / "native").exists()


def test_a_compiler_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("make", "cc"):
        _program(tmp_path / name, "echo the compiler is broken >&2; exit 2")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(NoServer, match="does not compile") as caught:
        native.build(tmp_path, VERSIONS[0])

    assert caught.value.details == ("the compiler is broken",)
    assert list((tmp_path / "native").iterdir()) == []


def _program(path: Path, does: str = "exit 0") -> None:
    path.write_text(f"#!/bin/sh\n{does}\n")
    path.chmod(0o755)

"""`pgpredict stream` on a database with customers and a model of their value, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pgpredict
from tests.pgpredict import valued
from tests.pgpredict.cli.conftest import Result, Run
from tests.postgres import Server

Stream = Callable[..., Result]


@pytest.fixture(scope="module")
def template(template: Callable[[Server], str]) -> Iterator[Callable[[Server], str]]:
    yield from valued.deployed(template)


@pytest.fixture
def stream(run: Run, installed_dsn: str) -> Stream:
    """Runs `pgpredict stream …` on the database of `db`: ``stream("show", "worth")``."""
    return lambda *arguments: run("stream", *arguments, "--dsn", installed_dsn)


@pytest.fixture
def worth(db: pgpredict.Database) -> str:
    return db.create_stream("worth", "value", "customers").name


def said(result: Result) -> list[str]:
    """The lines of an answer; without one word of complaint."""
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return list(result.stdout.splitlines())


def data(result: Result) -> Any:
    """The JSON of an answer."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def fail(db: pgpredict.Database, name: str) -> None:
    """A row that cannot be predicted, since its key is NULL."""
    with db.connection() as connection:
        connection.execute("CREATE TABLE guests (code text UNIQUE, tenure integer, spend float8)")
        db.create_stream(name, "value", "guests", "code")
        connection.execute("INSERT INTO guests VALUES (NULL, 1, 2)")
    assert db.work(name) == 1

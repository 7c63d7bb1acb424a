"""Trees in the form nodes answer as Python does, whichever function walks them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd
import psycopg
import pytest

from pgpredict_transpiler import transpile
from pgpredict_transpiler.lowering.registry import REGISTRY
from tests.postgres import EVERY, Server
from tests.transpiler.parity import engines
from tests.transpiler.parity.case import Case
from tests.transpiler.parity.compare import differences
from tests.transpiler.parity.prepared import cases_of, fitted, prepared
from tests.walkers import LANGUAGES, walking

TREES = {
    name
    for name, lowering in REGISTRY.items()
    if lowering.__module__.rpartition(".")[2] in ("trees", "boosting")
}


@pytest.fixture(scope="module", params=LANGUAGES)
def walker(
    request: pytest.FixtureRequest, servers: Callable[[str], Server], worker_id: str
) -> Iterator[psycopg.Connection]:
    """A database with pgpredict, where that function walks trees."""
    server = servers(EVERY[0])
    name = f"pgpredict_nodes_{request.param}_{worker_id}"
    with walking(server, request.param, name) as dsn, psycopg.connect(dsn) as connection:
        yield connection


@cases_of(TREES)
def test_walked_trees_answer_as_python(case: Case, walker: psycopg.Connection) -> None:
    program = transpile(*fitted(case), nodes=True)
    if not program.walks:  # its categories are sets
        assert all("HistGradientBoosting" in name for name in case.covers if name in TREES)
        return
    _, rows, expected, extremes = prepared(case)
    both = pd.concat([rows, extremes], ignore_index=True)
    for told in engines.in_nodes(walker, program, both):
        assert differences(expected, told.answers.head(len(rows)), rows) == [], told.form

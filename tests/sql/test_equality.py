"""One rule of equality, in SQL and in Python."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pgpredict import sqlfiles
from pgpredict_transpiler.equality import difference, same
from tests.postgres import Server, fresh_database

INF, NAN = float("inf"), float("nan")
LARGEST, SMALLEST = 1.7976931348623157e308, 5e-324

numbers = st.none() | st.floats()
close = st.floats(allow_nan=False, allow_infinity=False).flatmap(
    lambda x: st.tuples(st.just(x), st.floats(-3e-9, 3e-9).map(lambda d: x * (1 + d)))
)
tiny = st.tuples(st.floats(-2e-12, 2e-12), st.floats(-2e-12, 2e-12))
Pair = tuple[float | None, float | None]


@pytest.mark.parametrize(
    ("expected", "actual", "equal"),
    [
        (1.0, 1.0, True),
        (1.0, 1.0 + 0.9e-9, True),
        (1.0, 1.0 + 1.1e-9, False),
        (-1e300, -1e300 * (1 + 0.9e-9), True),
        (0.0, 0.9e-12, True),
        (0.0, 1.1e-12, False),
        (0.0, -0.0, True),
        (None, None, True),
        (None, NAN, True),
        (NAN, NAN, True),
        (None, 0.0, False),
        (0.0, NAN, False),
        (INF, INF, True),
        (INF, -INF, False),
        (INF, LARGEST, False),
        (LARGEST, -LARGEST, False),
        (SMALLEST, LARGEST, False),
        (SMALLEST, 0.0, True),
    ],
)
def test_what_is_equal(
    rule: psycopg.Connection, expected: float | None, actual: float | None, equal: bool
) -> None:
    assert same([expected], [actual]).tolist() == [equal]
    assert same([actual], [expected]).tolist() == [equal]
    assert _in_sql(rule, expected, actual)[0] is equal
    assert _in_sql(rule, actual, expected)[0] is equal


@pytest.fixture(scope="module")
def rule(server: Server) -> Iterator[psycopg.Connection]:
    """A database with nothing in it but the rule."""
    with (
        fresh_database(server, f"pgpredict_test_equality_{os.getpid()}") as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        connection.execute("CREATE SCHEMA pgpredict")
        connection.execute((sqlfiles.folder() / "schema" / "30_equality.sql").read_text())
        yield connection


def _in_sql(rule: psycopg.Connection, *pair: float | None) -> tuple[bool, float]:
    row = rule.execute(
        "SELECT pgpredict.same(%s::float8, %s::float8), pgpredict.difference(%s, %s)",
        [*pair, *pair],
    ).fetchone()
    assert row is not None
    return row


@settings(max_examples=300, deadline=None)
@given(st.tuples(numbers, numbers) | close | tiny)
@example((LARGEST, -LARGEST))
@example((SMALLEST, LARGEST))
@example((1e-23, 1e-3))
def test_sql_and_python_agree(rule: psycopg.Connection, pair: Pair) -> None:
    equal, apart = _in_sql(rule, *pair)
    assert same([pair[0]], [pair[1]]).tolist() == [equal]
    assert difference([pair[0]], [pair[1]]).tolist() == [apart]


@given(close)
def test_rule_is_that_of_isclose(pair: tuple[float, float]) -> None:
    """Away from the rounding of the rule itself."""
    apart = difference([pair[0]], [pair[1]])[0]
    if abs(apart - 1e-9) > 1e-15 and not any(math.isinf(x) for x in pair):
        equal = math.isclose(*pair, rel_tol=1e-9, abs_tol=1e-12)
        assert same([pair[0]], [pair[1]]).tolist() == [equal]


@pytest.mark.parametrize(
    ("expected", "actual", "apart"),
    [
        ([0.25, 0.75], [0.25, 0.75], 0.0),
        ([0.25, 0.75], [0.75, 0.25], 2 / 3),
        ([0.25, NAN], [0.25, None], 0.0),
        ([0.25], [0.25, 0.75], INF),
        (None, [0.25], INF),
        (None, None, 0.0),
        ([], [], 0.0),
    ],
)
def test_lists_are_as_far_apart_as_their_worst_pair(
    rule: psycopg.Connection,
    expected: list[float | None] | None,
    actual: list[float | None] | None,
    apart: float,
) -> None:
    row = rule.execute(
        "SELECT pgpredict.difference_of_lists(%s::float8[], %s::float8[])", [expected, actual]
    ).fetchone()
    assert row == (pytest.approx(apart),)


def test_many_pairs_at_once() -> None:
    expected = np.array([1.0, 2.0, np.nan])
    assert same(expected, np.array([1.0, 2.1, np.nan])).tolist() == [True, False, True]

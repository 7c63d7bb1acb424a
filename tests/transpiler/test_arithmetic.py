"""Arithmetic on float8: what numpy gives, and never an error, for any number at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pgpredict_transpiler import arithmetic
from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.arithmetic import Number
from pgpredict_transpiler.equality import same
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.render.writer import Writer
from tests.postgres import Server, fresh_database

numbers = st.floats(allow_nan=False)
constants = st.floats(allow_nan=False, allow_infinity=False)
shared_server = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
X = sql.reference("x")

Evaluate = Callable[[Expression, float], float | None]


@pytest.fixture(scope="module")
def evaluate(servers: Callable[[str], Server], worker_id: str) -> Iterator[Evaluate]:
    """Evaluates an expression over a column x in Postgres."""
    writer = Writer("postgres")
    name = f"pgpredict_arithmetic_{worker_id}"
    with fresh_database(servers("18"), name) as dsn, psycopg.connect(dsn) as connection:

        def run(expression: Expression, x: float) -> float | None:
            query = f'SELECT {writer.write(expression)} FROM (VALUES (%s::float8)) AS rows ("x")'
            row = connection.execute(query.encode(), [x]).fetchone()
            assert row is not None
            return None if row[0] is None else float(row[0])

        yield run


def assert_like_numpy(told: float | None, wanted: float) -> None:
    assert bool(same([wanted], [told]).all()), (told, wanted)


@shared_server
@given(numbers, constants)
def test_shift(evaluate: Evaluate, x: float, by: float) -> None:
    with np.errstate(all="ignore"):
        wanted = float(np.float64(x) + by)
    assert_like_numpy(evaluate(arithmetic.shift(Number(X), by).expression, x), wanted)


@shared_server
@given(numbers, constants.filter(bool))
def test_scale(evaluate: Evaluate, x: float, by: float) -> None:
    with np.errstate(all="ignore"):
        wanted = float(np.float64(x) * by)
    assert_like_numpy(evaluate(arithmetic.scale(Number(X), by).expression, x), wanted)


@shared_server
@given(numbers, constants.filter(lambda by: abs(by) > 1e-300))
def test_unscale(evaluate: Evaluate, x: float, by: float) -> None:
    with np.errstate(all="ignore"):
        wanted = float(np.float64(x) / by)
    assert_like_numpy(evaluate(arithmetic.unscale(Number(X), by).expression, x), wanted)


@shared_server
@given(numbers)
def test_exponential(evaluate: Evaluate, x: float) -> None:
    with np.errstate(all="ignore"):
        wanted = float(np.exp(x))
    assert_like_numpy(evaluate(arithmetic.exponential(Number(X)).expression, x), wanted)


@shared_server
@given(numbers)
def test_logistic(evaluate: Evaluate, x: float) -> None:
    wanted = 1 / (1 + math.exp(-x)) if x > -700 else 0.0
    assert_like_numpy(evaluate(arithmetic.logistic(X), x), wanted)


@shared_server
@given(numbers, st.tuples(constants, constants).map(sorted))
def test_clip(evaluate: Evaluate, x: float, bounds: list[float]) -> None:
    wanted = float(np.clip(x, bounds[0], bounds[1]))
    assert_like_numpy(
        evaluate(arithmetic.clip(Number(X), bounds[0], bounds[1]).expression, x), wanted
    )


@shared_server
@given(numbers)
def test_a_constant_reads_back_to_the_same_bits(evaluate: Evaluate, x: float) -> None:
    told = evaluate(sql.number(x), 0.0)
    assert told is not None
    assert told.hex() == x.hex()

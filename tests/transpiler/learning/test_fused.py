"""A multiplication and an addition rounded once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import psycopg

from pgpredict_transpiler.learning import fused, text
from tests.transpiler.learning.bench import Floats


def triples(count: int) -> Floats:
    """Numbers whose products nearly cancel the third, or lie half-way between two floats."""
    random = np.random.default_rng(0)
    a, x = random.normal(size=(2, count)) * 2.0 ** random.integers(-30, 30, size=(2, count))
    y = random.normal(size=count)
    y[::4] = -(a * x)[::4]
    y[1::4] = (a * x)[1::4] * 2.0**53
    y[2::4] = (a * x)[2::4] * 2.0**-53
    halves = random.integers(1, 2**26, size=(2, count)).astype(float)
    a[::3], x[::3] = halves[0, ::3] + 0.5, halves[1, ::3]
    # 2^-53 but for the last of its bits, beside a number with an odd last digit
    near = 2.0 ** -random.integers(27, 50, size=len(a[5::6]))
    a[5::6], x[5::6] = 1.0 + near, (1.0 - near) * random.choice([-1.0, 1.0], len(near)) * 2.0**-53
    y[5::6] = 1.0 + 2.0**-52 * random.integers(1, 9, size=len(near))
    return np.stack([a, x, y], axis=1)


def test_rounds_once(connection: psycopg.Connection) -> None:
    declared = " ".join(f"{name} float8;" for name in fused.VARIABLES)
    statements = fused.multiply_add("y", "a", "x", text.plain)
    connection.execute(
        "CREATE FUNCTION fma (a float8, x float8, y float8) RETURNS float8 LANGUAGE plpgsql AS "
        f"$body$DECLARE {declared} BEGIN {statements} RETURN y; END$body$".encode()
    )
    cases = triples(3000)
    found = connection.execute(
        "SELECT fma(a, x, y) FROM unnest(%s::float8[], %s::float8[], %s::float8[]) AS t (a, x, y)",
        cases.T.tolist(),
    ).fetchall()
    exact = [float(Fraction(a) * Fraction(x) + Fraction(y)) for a, x, y in cases.tolist()]
    assert [row[0] for row in found] == exact
    assert exact != (cases[:, 0] * cases[:, 1] + cases[:, 2]).tolist()

"""PSI, its threshold and the bins: against numpy and scipy, and by simulation."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from pgpredict.database.baseline import MOST_BINS, Baseline, bin_edges, of_labels, of_numbers
from tests.postgres import Server, fresh_database

INF, NAN = math.inf, math.nan
MISSING = 999

finite = st.floats(allow_nan=False, allow_infinity=False)
few = st.sampled_from([0.0, -0.0, 1.0, 2.0, 1e-300, 5e-324, 1e308, -1.7e308, 0.1, INF, -INF])
numbers = st.lists(st.none() | few | finite | st.just(NAN), min_size=1, max_size=60)
words = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=3
) | st.sampled_from(["a", "A", "a ", "", "NULL", "{}", '"', "\\", "(other)", "é", "e\u0301"])
texts = st.lists(st.none() | words, min_size=1, max_size=60)


@pytest.fixture(scope="module")
def sql(template: Callable[[Server], str], server: Server) -> Iterator[psycopg.Connection[Any]]:
    name = f"pgpredict_test_drift_{os.getpid()}"
    with (
        fresh_database(server, name, template(server)) as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        yield connection


def ask(sql: psycopg.Connection[Any], question: str, *parameters: object) -> Any:
    row = sql.execute(question, parameters).fetchone()
    assert row is not None
    return row[0]


def psi_of(expected: list[int], actual: list[int]) -> float:
    """Half a row more in every bin that is not empty on both sides."""
    e, a = (np.array(side, float) for side in (expected, actual))
    there = (e > 0) | (a > 0)
    e, a = e[there] + 0.5, a[there] + 0.5
    e, a = e / e.sum(), a / a.sum()
    return float(((a - e) * np.log(a / e)).sum())


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**6)), min_size=1, max_size=30))
@example([(10, 10), (0, 0), (0, 5)])
@settings(max_examples=50, deadline=None)
def test_psi_is_that_of_numpy(sql: psycopg.Connection[Any], bins: list[tuple[int, int]]) -> None:
    expected, actual = [list(side) for side in zip(*bins, strict=True)]
    found = ask(sql, "SELECT pgpredict.psi(%s::float8[], %s::float8[])", expected, actual)
    if sum(expected) == 0 or sum(actual) == 0:
        assert found is None
    else:
        assert found == pytest.approx(psi_of(expected, actual), rel=1e-9, abs=1e-12)


def test_psi_of_a_textbook(sql: psycopg.Connection[Any]) -> None:
    """Of many rows the half row is nothing: 0.1 * ln 1.25 + 0.1 * ln 1.2."""
    found = ask(sql, "SELECT pgpredict.psi('{500000,500000}', '{600000,400000}')")
    assert found == pytest.approx(0.1 * math.log(1.2) - 0.1 * math.log(0.8), rel=1e-5)


@pytest.mark.parametrize("degrees", [1, 2, 3, 5, 10, 20, 50])
@pytest.mark.parametrize("tail", [1e-2, 1e-3, 1e-4, 1e-5])
def test_chi_square_is_that_of_scipy(
    sql: psycopg.Connection[Any], degrees: int, tail: float
) -> None:
    found = ask(sql, "SELECT pgpredict.chi_square(%s, %s)", degrees, tail)
    assert 0.99 < found / chi2.isf(tail, degrees) < (1.055 if degrees > 2 else 1.12)


def test_threshold_follows_the_rows_down_to_the_minimum(sql: psycopg.Connection[Any]) -> None:
    def threshold(rows: int, bins: int = 10, columns: int = 1) -> float:
        question = "SELECT pgpredict.psi_threshold(%s, 1000, %s, %s, 0.1)"
        return float(ask(sql, question, bins, rows, columns))

    assert threshold(50) == pytest.approx((1 / 1000 + 1 / 50) * chi2.isf(1e-3, 9), rel=0.01)
    assert threshold(50) > threshold(100) > threshold(1_000_000) == 0.1
    assert threshold(50, columns=20) == pytest.approx(
        (1 / 1000 + 1 / 50) * chi2.isf(1e-3 / 20, 9), rel=0.02
    )
    assert threshold(50, bins=1) == 0.1
    assert ask(sql, "SELECT pgpredict.psi_threshold(10, 1000, 0, 1, 0.1)") is None


SOURCES: dict[str, Callable[[np.random.Generator, int], np.ndarray[Any, Any]]] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "mostly zero": lambda rng, n: np.where(rng.random(n) < 0.9, 0, rng.exponential(size=n)),
    "few values": lambda rng, n: rng.binomial(4, 0.3, n).astype(float),
    "some missing": lambda rng, n: np.where(rng.random(n) < 0.05, NAN, rng.normal(size=n)),
    "heavy tail": lambda rng, n: rng.standard_cauchy(n),
}


def fires(
    sql: psycopg.Connection[Any],
    sample_rows: int,
    rows: int,
    draw: Callable[[np.random.Generator, int], np.ndarray[Any, Any]],
    later: Callable[[np.random.Generator, int], np.ndarray[Any, Any]],
    minimum: float,
    times: int,
) -> float:
    """How often the PSI between a sample and later rows is above the threshold."""
    rng = np.random.default_rng(sample_rows + rows)
    expected, actual = [], []
    for _ in range(times):
        baseline = of_numbers("input", "x", draw(rng, sample_rows))
        shares = [*baseline.shares, baseline.null_share]
        expected.append([share * sample_rows for share in shares])
        actual.append(counted(baseline, later(rng, rows)))
    with sql.transaction(), sql.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE draws (e float8[], a float8[]) ON COMMIT DROP")
        with cursor.copy("COPY draws FROM STDIN") as copy:
            for row in zip(expected, actual, strict=True):
                copy.write_row(row)
        found = cursor.execute(
            """
            SELECT avg((pgpredict.psi(e, a) > pgpredict.psi_threshold(
                (SELECT count(*) FROM unnest(e, a) AS b (e, a) WHERE b.e > 0 OR b.a > 0)::integer,
                %s, %s, 1, %s))::integer)::float8
            FROM draws
            """,
            [sample_rows, rows, minimum],
        ).fetchone()
    assert found is not None
    return float(found[0])


def counted(baseline: Baseline, values: np.ndarray[Any, Any]) -> list[int]:
    present = values[~np.isnan(values)]
    edges = baseline.edges or []
    bins = np.bincount(np.searchsorted(edges, present, "right"), minlength=len(edges) + 1)
    return [*bins.tolist(), len(values) - len(present)]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("sample_rows", [60, 1_000])
@pytest.mark.parametrize("rows", [5, 30, 100, 3_000])
def test_without_drift_alarms_are_rare(
    sql: psycopg.Connection[Any], source: str, sample_rows: int, rows: int
) -> None:
    """By chance alone once in 1,000 checks: here of the threshold without its minimum."""
    draw = SOURCES[source]
    alarms = fires(sql, sample_rows, rows, draw, draw, minimum=0.0, times=600)
    assert alarms <= 0.005


def test_a_constant_threshold_would_not_do(sql: psycopg.Connection[Any]) -> None:
    """What the sample size is for: 30 rows without drift are above 0.1 most of the time."""
    draw = SOURCES["normal"]
    rng = np.random.default_rng(0)
    baseline = of_numbers("input", "x", draw(rng, 1_000))
    expected = [share * 1_000 for share in [*baseline.shares, baseline.null_share]]
    above = [
        ask(
            sql,
            "SELECT pgpredict.psi(%s::float8[], %s::float8[]) > 0.1",
            expected,
            counted(baseline, draw(rng, 30)),
        )
        for _ in range(100)
    ]
    assert np.mean(above) > 0.9


@pytest.mark.parametrize(
    ("rows", "later"),
    [
        (100, lambda rng, n: rng.normal(1.5, 1, n)),
        (3_000, lambda rng, n: rng.normal(0.5, 1, n)),
        (3_000, lambda rng, n: rng.normal(0, 1.6, n)),
        (3_000, lambda rng, n: np.where(rng.random(n) < 0.1, NAN, rng.normal(size=n))),
        (100, lambda rng, n: np.where(rng.random(n) < 0.5, 0, rng.normal(size=n))),
    ],
    ids=["far", "a little", "wider", "missing", "stuck"],
)
def test_shifts_are_found(
    sql: psycopg.Connection[Any],
    rows: int,
    later: Callable[[np.random.Generator, int], np.ndarray[Any, Any]],
) -> None:
    assert fires(sql, 1_000, rows, SOURCES["normal"], later, minimum=0.1, times=50) == 1.0


# The bins of SQL are those of Python.


def bins_in_sql(sql: psycopg.Connection[Any], baseline: Baseline, values: list[Any]) -> list[int]:
    type_ = "float8" if baseline.kind == "number" else "text"
    expression = ask(
        sql,
        """
        SELECT pgpredict.bin_of(ROW(
            'm', 1, 1, 'input', 'x', %s::text, %s::float8[], %s::text[], '{}'::float8[], 0, 1
        )::pgpredict.baseline, 'v.x')
        """,
        baseline.kind,
        baseline.edges,
        baseline.labels,
    )
    rows = sql.execute(
        f"SELECT {expression} FROM unnest(%s::{type_}[]) WITH ORDINALITY AS v (x, place)"
        " ORDER BY place",
        [values],
    )
    return [row[0] for row in rows]


@given(numbers, numbers)
@settings(max_examples=150, deadline=None)
def test_numbers_fall_into_the_bins_of_numpy(
    sql: psycopg.Connection[Any], sample: list[float | None], later: list[float | None]
) -> None:
    known = np.array([NAN if x is None else x for x in sample])
    baseline = of_numbers("input", "x", known)
    assert baseline.edges is not None
    expected = [
        MISSING
        if x is None or math.isnan(x)
        else int(np.searchsorted(baseline.edges, x, side="right"))
        for x in [*later, *sample]
    ]
    assert bins_in_sql(sql, baseline, [*later, *sample]) == expected


@given(texts, texts)
@example(["a"] * 5 + ["A"] * 5, ["a", "A", "ａ", None])
@settings(max_examples=150, deadline=None)
def test_texts_fall_into_the_bins_of_their_bytes(
    sql: psycopg.Connection[Any], sample: list[str | None], later: list[str | None]
) -> None:
    baseline = of_labels("input", "x", Counter(sample))
    assert baseline.labels is not None
    place = {label: number for number, label in enumerate(baseline.labels, 1)}
    expected = [MISSING if x is None else place.get(x, 0) for x in [*later, *sample]]
    assert bins_in_sql(sql, baseline, [*later, *sample]) == expected


@given(numbers)
def test_a_baseline_accounts_for_every_row(sample: list[float | None]) -> None:
    known = np.array([NAN if x is None else x for x in sample])
    baseline = of_numbers("input", "x", known)
    assert baseline.edges is not None
    assert baseline.edges == sorted(set(baseline.edges))
    assert len(baseline.edges) <= 2 * MOST_BINS + 2
    assert sum(baseline.shares) + baseline.null_share == pytest.approx(1)
    assert [round(share * len(sample)) for share in baseline.shares] == counted(baseline, known)[
        :-1
    ]


@given(st.lists(finite, min_size=1, max_size=50), finite)
def test_a_value_that_fills_a_bin_has_it_alone(others: list[float], heavy: float) -> None:
    sample = np.array(others + [heavy] * max(5, len(others)))
    edges = bin_edges(sample)
    mine = np.searchsorted(edges, heavy, side="right")
    with_it = np.unique(sample[np.searchsorted(edges, sample, side="right") == mine])
    # Values with fewer than five rows, who fill no bin, are taken in.
    counts = {float(value): int((sample == value).sum()) for value in with_it}
    assert {value for value, count in counts.items() if count >= 5} <= {float(heavy)}


@pytest.mark.parametrize(
    ("sample", "edges"),
    [
        ([], []),
        ([3.0], []),
        ([0.0] * 90 + [1.0] * 10, [-0.5, 0.5, 1.5]),
        ([0.0] * 5, [-1e-09, 1e-09]),
        (list(range(20)), [4.5, 9.5, 14.5]),
        ([INF] * 10, []),
    ],
)
def test_edges(sample: list[float], edges: list[float]) -> None:
    assert bin_edges(np.array(sample, float)) == edges

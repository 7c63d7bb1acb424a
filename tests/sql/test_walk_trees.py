"""The function that walks trees: in PL/pgSQL, and in C where it can be built."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.lowering.splits import Comparison
from pgpredict_transpiler.lowering.walking import LEAF, Walk
from tests.postgres import Server
from tests.walkers import LANGUAGES, walking

INF, NAN = math.inf, math.nan
STUMP = [1, 0.5, 11, 1, 3, 9, 0, 1, 0, 2]  # a half, and 1 up to x = 3, else 2

bounds = st.sampled_from([-INF, -1.5, 0.0, 1.0, 1.0000000000000002, 3e30, INF])
inputs = st.none() | st.sampled_from([NAN, *np.nextafter([-1.5, 0.0, 1.0], 9)]) | bounds


@pytest.fixture(scope="module", params=LANGUAGES)
def walker(
    request: pytest.FixtureRequest, server: Server, worker_id: str
) -> Iterator[psycopg.Connection]:
    """A database of each version with pgpredict, where that function walks trees."""
    name = f"pgpredict_walk_{request.param}_{server.name}_{worker_id}"
    with (
        walking(server, request.param, name) as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        yield connection


@pytest.mark.parametrize(
    ("x", "answer"),
    [(2.0, 1.5), (3.0, 1.5), (math.nextafter(3, 4), 2.5), (INF, 2.5), (None, 2.5), (NAN, 2.5)],
)
def test_a_number_up_to_the_bound_goes_one_way(
    walker: psycopg.Connection, x: float | None, answer: float
) -> None:
    assert walk(walker, STUMP, [x]) == [answer]


def test_a_missing_number_goes_the_way_of_small_ones_where_the_input_is_negative(
    walker: psycopg.Connection,
) -> None:
    left = [1, 0, 11, -1, 3, 9, 0, 1, 0, 2]

    assert walk(walker, left, [None]) == walk(walker, left, [NAN]) == [1.0]
    assert walk(walker, left, [4]) == [2.0]


def test_null_for_all_is_null(walker: psycopg.Connection) -> None:
    asked = (
        "SELECT predict_runtime.walk_trees(NULL, '{1}'), predict_runtime.walk_trees('{1}', NULL)"
    )

    assert walker.execute(asked.encode()).fetchone() == (None, None)


def test_a_row_with_fewer_inputs_than_those_before_is_refused(walker: psycopg.Connection) -> None:
    asks_the_second = "{1,0,11,2,3,9,0,1,0,2}"

    assert ask(walker, asks_the_second, [[9.0, 9.0]] * 20) == [[2.0]] * 20
    with pytest.raises(psycopg.DataError, match="these are no trees"):
        ask(walker, asks_the_second, [*[[9.0, 9.0]] * 20, [9.0]])


def test_trees_that_are_no_constant_may_be_others_for_each_row(
    walker: psycopg.Connection,
) -> None:
    walker.execute("""
        CREATE FUNCTION pg_temp.answers() RETURNS float8[] LANGUAGE plpgsql AS $$
        DECLARE
            trees float8[];
            answers float8[] := '{}';
        BEGIN
            FOR n IN 1 .. 30 LOOP
                trees := ARRAY[1, 100, 6, 0, n];
                answers := answers || predict_runtime.walk_trees(trees, '{1}');
            END LOOP;
            RETURN answers;
        END $$""")
    row = walker.execute("SELECT pg_temp.answers()").fetchone()

    assert row == ([100.0 + n for n in range(1, 31)],)


@pytest.mark.parametrize(
    "trees",
    [
        [],
        [0],
        [2, 0],
        [1, 0, 11],
        [1, 0, 2, 0, 1],
        [1, 0, 99, 0, 1],
        [1, 0, 6, 1, 3],
        [1, 0, 11, 2, 3, 9, 0, 1, 0, 2],
        [1, 0, 11, 1, 3, 4, 0, 1, 0, 2],
        [1, 0, 11, 1, 3, 99, 0, 1, 0, 2],
        [1, 0, 4, 7, 0, 1],
        [1, 0, 10, 1, 5, 11, 0, 1, 0, 15, 0, 7, 0, 2],
        [1, 0, NAN, 0, 1],
        [NAN, 0, 6, 0, 1],
    ],
)
@pytest.mark.parametrize("rows", [1, 50])
def test_what_are_no_trees_is_refused(
    walker: psycopg.Connection, trees: list[float], rows: int
) -> None:
    with pytest.raises(psycopg.DataError, match=r"these are no trees|integer out of range"):
        walk(walker, trees, [9.0], rows)


@st.composite
def forests(draw: st.DrawFn) -> list[tuple[list[int], list[int], list[Comparison | list[float]]]]:
    """Trees by arrays: children, and of each node what it asks or what its leaf adds."""
    outputs = draw(st.integers(1, 3))
    return [_tree(draw, outputs) for _ in range(draw(st.integers(1, 12)))]


def _tree(
    draw: st.DrawFn, outputs: int
) -> tuple[list[int], list[int], list[Comparison | list[float]]]:
    left, right, content = [LEAF], [LEAF], [None]
    for node in range(draw(st.integers(0, 6))):
        if node >= len(left):
            break
        left[node], right[node] = len(left), len(left) + 1
        left, right = [*left, LEAF, LEAF], [*right, LEAF, LEAF]
        content = [*content, None, None]
    asked: list[Comparison | list[float]] = []
    for node in range(len(content)):
        if left[node] == LEAF:
            asked.append([float(draw(st.integers(-9, 9))) for _ in range(outputs)])
        else:
            base = sql.reference(draw(st.sampled_from("xyz")))
            bound = draw(bounds | st.just(NAN))
            asked.append(Comparison(base, bound, draw(st.booleans()), draw(st.booleans())))
    return left, right, asked


@given(forests(), st.lists(st.tuples(inputs, inputs, inputs), min_size=1, max_size=30))
def test_sums_are_those_of_the_trees(
    walker: psycopg.Connection,
    trees: list[tuple[list[int], list[int], list[Comparison | list[float]]]],
    rows: list[tuple[float | None, ...]],
) -> None:
    outputs = next(len(content) for content in trees[0][2] if isinstance(content, list))
    walk_ = Walk([0.25] * outputs)
    for left, right, content in trees:
        walk_.add(left, right, content.__getitem__, content.__getitem__)  # type: ignore[arg-type]
    node = walk_.expression()
    names = [each.name for each in node.expressions]
    numbers = [dict(zip("xyz", row, strict=True)) for row in rows]
    asked = [[number[name] for name in names] for number in numbers]

    assert ask(walker, node.this.this, asked) == [by_hand(trees, row, outputs) for row in numbers]


def by_hand(
    trees: list[tuple[list[int], list[int], list[Comparison | list[float]]]],
    row: dict[str, float | None],
    outputs: int,
) -> list[float]:
    sums = [0.25] * outputs
    for left, right, content in trees:
        node = 0
        while isinstance(asked := content[node], Comparison):
            x = row[asked.base.name]
            if x is None or math.isnan(x):
                goes_left = asked.missing_left
            else:
                goes_left = x <= asked.bound if asked.increasing else x >= asked.bound
            node = left[node] if goes_left else right[node]
        leaf = content[node]
        assert isinstance(leaf, list)
        sums = [total + value for total, value in zip(sums, leaf, strict=True)]
    return sums


@given(
    st.lists(st.integers(-4, 14) | st.floats(), max_size=14),
    st.lists(inputs, max_size=3),
)
@example([1, 0, 8, 0, 1, 2, 3], [1.0])
@example([1, 0, 5, 0.5, 2, 9], [1.0])
def test_any_array_is_answered_or_refused(
    walker: psycopg.Connection, trees: list[float], row: list[float | None]
) -> None:
    for rows in (1, 20):
        try:
            answer = walk(walker, trees, row, rows)
        except psycopg.errors.DataError:
            continue
        assert len(answer) == int(trees[0])


def walk(
    connection: psycopg.Connection,
    trees: Sequence[float],
    row: Sequence[float | None],
    rows: int = 1,
) -> list[float]:
    """What each of so many equal rows is answered."""
    text = "{" + ",".join(map(repr, map(float, trees))) + "}"
    answers = ask(connection, text.replace("inf", "Infinity"), [row] * rows)
    assert all(np.array_equal(answer, answers[0], equal_nan=True) for answer in answers)
    return answers[0]


def ask(
    connection: psycopg.Connection, trees: str, rows: Sequence[Sequence[float | None]]
) -> list[list[float]]:
    """What one statement answers for rows."""
    statement = f"""
        SELECT predict_runtime.walk_trees('{trees}', ARRAY(
            SELECT x::float8 FROM jsonb_array_elements_text(r.row) WITH ORDINALITY AS v (x, place)
            ORDER BY place))
        FROM jsonb_array_elements(%s::jsonb) WITH ORDINALITY AS r (row, place) ORDER BY r.place"""
    texts = [[None if x is None else str(x) for x in row] for row in rows]  # JSON has no NaN
    return [answer for (answer,) in connection.execute(statement.encode(), [Jsonb(texts)])]

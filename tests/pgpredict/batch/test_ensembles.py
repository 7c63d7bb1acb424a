"""Sums of trees are the same in another order, and a row is asked less."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import psycopg
import pytest
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

import pgpredict
from pgpredict.batch.ensembles import regrouped

BOUNDS = (-1.0, 0.0, 0.5, 2.0)


def stump(column: str, operator: str, bound: float, yes: float | str, no: float | str) -> str:
    leaves = [f"'{leaf!r}'::float8" if isinstance(leaf, float) else leaf for leaf in (yes, no)]
    question = f"\"{column}\" {operator} '{bound!r}'::float8"
    return f"CASE WHEN {question} THEN {leaves[0]} ELSE {leaves[1]} END"


def trees() -> str:
    """Nests of every operator and bound over two columns, with leaves that tell all paths apart."""
    values = (float(2**number) for number in itertools.count())
    below = [
        stump("y", operator, bound, next(values), next(values))
        for operator, bound in itertools.product(("<", ">="), BOUNDS)
    ]
    above = [
        stump("x", operator, bound, inner, next(values))
        for (operator, bound), inner in zip(
            itertools.product(("<=", ">"), BOUNDS), below, strict=True
        )
    ]
    return " + ".join([*above, stump("x", "<", 0.5, below[0], below[1])])


def test_a_sum_is_the_same_on_every_side_of_every_bound(connection: psycopg.Connection) -> None:
    before = trees()
    after = regrouped(before)
    assert after is not None
    sides = [bound + step for bound in BOUNDS for step in (-0.1, 0.0, 0.1)]
    values = ", ".join(f"('{side}'::float8)" for side in [*sides, "NaN", "Infinity"])

    differing = connection.execute(
        f"""SELECT x, y FROM (VALUES {values}, (NULL)) AS a (x), (VALUES {values}, (NULL)) AS b (y)
            WHERE ({before}) IS DISTINCT FROM ({after.text})""".encode()
    ).fetchall()

    assert differing == []


def test_trees_that_ask_the_same_are_asked_once() -> None:
    first = stump("x", "<=", 1.0, stump("y", ">", 0.0, 1.0, 2.0), 3.0)
    second = stump("x", "<=", 1.0, stump("y", ">", 0.0, 10.0, 20.0), 30.0)

    sum_of_both = regrouped(f"'100'::float8 + {first} + {second}")

    assert sum_of_both is not None
    expected = stump("x", "<=", 1.0, stump("y", ">", 0.0, 111.0, 122.0), 133.0)
    assert sum_of_both.text == expected


def test_what_an_answer_settles_is_not_asked_behind_it() -> None:
    low, high = stump("x", "<=", 1.0, 1.0, 2.0), stump("x", "<=", 5.0, 10.0, 20.0)

    both = regrouped(f"{low} + {high}")

    assert both is not None
    assert both.text == stump("x", "<=", 5.0, stump("x", "<=", 1.0, 11.0, 12.0), 22.0)


def test_other_questions_and_the_mean_of_trees() -> None:
    question = """("plan" COLLATE "C") IN ('a THEN b', 'c')"""
    tree = f"CASE WHEN {question} THEN '1'::float8 ELSE '2'::float8 END"

    mean = regrouped(f"({tree} + {tree}) / '2'::float8")

    assert mean is not None
    assert mean.text == tree.replace("'1'", "'2.0'").replace("'2'", "'4.0'").join(
        ("(", ") / '2.0'::float8")
    )


@pytest.mark.parametrize(
    "text",
    [
        "'1'::float8",
        stump("x", "<=", 1.0, 1.0, 2.0),
        f"{stump('x', '<=', 1.0, 1.0, 2.0)} * '2'::float8",
        f"{stump('x', '<=', 1.0, 1.0, 2.0)} - {stump('x', '<=', 1.0, 1.0, 2.0)}",
        f'"subtotal" + {stump("x", "<=", 1.0, 1.0, 2.0)}',
        "CASE WHEN \"x\" IS NULL THEN 'a' ELSE 'b' END",
        f"EXP({stump('x', '<=', 1.0, 1.0, 2.0)} + '1'::float8)",
    ],
)
def test_anything_else_is_left_as_it_is(text: str) -> None:
    assert regrouped(text) is None


def test_a_label_on_the_edge_is_the_one_that_the_function_gives(
    db: pgpredict.Database, connection: psycopg.Connection, several: None
) -> None:
    """Trees that cancel each other out: the sum is zero in Python, or was before it was rounded."""
    frame = pd.DataFrame({"x": np.tile([0.0, 0.0, 1.0, 1.0], 50), "y": np.tile([0.0, 1.0], 100)})
    labels = np.tile([True, False, False, True, False, True, True, False], 25)
    model = GradientBoostingClassifier(n_estimators=20, max_depth=1).fit(frame, labels)
    assert abs(model.decision_function(frame)).max() < 1e-12
    connection.execute(
        "CREATE TABLE edges AS SELECT n AS id, (n / 2 % 2)::float8 AS x, (n % 2)::float8 AS y "
        "FROM generate_series(1, 500) AS n"
    )
    db.deploy("edge", model, frame, source="edges")

    db.score("edge", source="edges", into="edge_scores", key="id")

    differing = connection.execute(
        "SELECT id FROM edges AS e JOIN edge_scores AS s USING (id) "
        "WHERE s.prediction <> predict.edge(e)"
    ).fetchall()
    assert differing == []


def test_a_regressor_says_of_a_table_what_it_says_of_a_row(
    db: pgpredict.Database, connection: psycopg.Connection, several: None
) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c"])
    target = frame["a"] * frame["b"] + np.sin(frame["c"])
    model = GradientBoostingRegressor(n_estimators=130, max_depth=3).fit(frame, target)
    connection.execute(
        "CREATE TABLE points AS SELECT n AS id, sin(n) AS a, cos(3 * n) AS b, sin(7 * n) AS c "
        "FROM generate_series(1, 500) AS n"
    )
    db.deploy("height", model, frame, source="points")

    db.score("height", source="points", into="heights", key="id")

    worst = connection.execute(
        "SELECT max(abs(h.prediction - predict.height(p))), count(h.prediction) "
        "FROM points AS p JOIN heights AS h USING (id)"
    ).fetchone()
    assert worst is not None
    assert worst[0] < 1e-12
    assert worst[1] == 500

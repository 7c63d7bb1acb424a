"""The rule about several numbers at once: Mahalanobis distance from the rows of the source."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import pgpredict
from pgpredict.errors import InvalidLearner
from tests.sql.learners.asking import Connection, drain, learnt, one, quarantine
from tests.sql.learners.payments import create


@pytest.fixture
def points(connection: Connection) -> NDArray[np.float64]:
    """200 rows whose two numbers go together, of very different size."""
    draw = np.random.default_rng(0)
    amount = draw.normal(1e6, 1e4, 200)
    both = np.column_stack([amount, np.round(amount / 1e4 + draw.normal(0, 1, 200))])
    connection.cursor().executemany(
        "INSERT INTO payments (id, amount, hours) VALUES (%s, %s, %s)",
        [(i, *row) for i, row in enumerate(both.tolist(), 1)],
    )
    return both


def distance(points: NDArray[np.float64], row: list[float]) -> float:
    apart = np.array(row) - points.mean(axis=0)
    return float(np.sqrt(apart @ np.linalg.inv(np.cov(points.T)) @ apart))


@pytest.mark.usefixtures("fraud")
def test_rows_are_judged_by_how_their_numbers_go_together(
    db: pgpredict.Database, connection: Connection, points: NDArray[np.float64]
) -> None:
    # Each number alone is usual in all of these.
    given = [[1_010_000.0, 101], [1_010_000.0, 96], [1_000_000.0, 100], [1e307, 1], [990_000.0, 99]]
    limit = distance(points, given[2]) + 3
    assert db.add_distance_rule("fraud", at_most=limit) == "amount_hours_distance"
    for key, row in enumerate(given, 1001):
        connection.execute("INSERT INTO payments VALUES (%s, %s, %s, true)", [key, *row])
    drain(connection)
    assert sorted(map(int, quarantine(connection))) == [1002, 1004]
    assert [distance(points, row) > limit for row in given if row[0] < 1e300] == [
        *(False, True, False, False)
    ]
    assert quarantine(connection)["1002"] == (
        f"amount is 1010000, hours is 96: rule amount_hours_distance, at most {limit} from the mean"
        " of 200 rows, by Mahalanobis"
    )


@pytest.mark.usefixtures("fraud")
def test_the_distance_is_that_of_numpy(connection: Connection) -> None:
    draw = np.random.default_rng(1)
    rows = draw.normal(size=(300, 12)) @ draw.normal(size=(12, 12)) * np.logspace(-8, 8, 12)
    names = [f"x{i}" for i in range(12)]
    connection.execute(f"CREATE TABLE wide (id serial, {' float8, '.join(names)} float8)")
    with connection.cursor().copy(f"COPY wide ({', '.join(names)}) FROM STDIN") as copy:
        for row in rows.tolist():
            copy.write_row(row)
    found = connection.execute(
        "WITH s AS MATERIALIZED (SELECT s.mean, pgpredict.cholesky(s.covariance) AS factor"
        "  FROM pgpredict.spread_of('wide', %s) AS s)"
        f" SELECT pgpredict.mahalanobis(ARRAY[{', '.join(names)}], s.mean, s.factor)"
        " FROM wide, s ORDER BY id",
        [names],
    ).fetchall()
    apart = rows - rows.mean(axis=0)
    scale = apart.std(axis=0)
    inverse = np.linalg.inv(np.cov((apart / scale).T))
    expected = np.sqrt(np.einsum("ij,jk,ik->i", apart / scale, inverse, apart / scale))
    np.testing.assert_allclose([d for (d,) in found], expected, rtol=1e-8)


@pytest.mark.usefixtures("fraud", "points")
def test_null_and_no_number(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute("ALTER TABLE payments ADD weight numeric")
    connection.execute("UPDATE payments SET weight = id * id % 97")
    assert db.add_distance_rule("fraud", ["amount", "weight"], at_most=4)
    connection.execute(
        "INSERT INTO payments (id, amount, hours, is_fraud, weight) VALUES"
        " (1001, 1e6, 1, true, NULL), (1002, 1e6, 1, true, 'NaN'), (1003, 1e6, 1, true, 1e300),"
        " (1004, 1e6, 1, true, 50)"
    )
    drain(connection)
    assert learnt(connection) == [1001, 1004]
    assert one(connection, "SELECT pgpredict.mahalanobis('{1,NULL}', '{0,0}', '{1,0,1}')") is None


@pytest.mark.usefixtures("fraud", "points")
def test_what_has_no_distance_is_refused(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute(
        "ALTER TABLE payments ADD twice float8, ADD one float8 DEFAULT 1, ADD few float8"
    )
    connection.execute("UPDATE payments SET twice = 2 * amount - 1")
    connection.execute("UPDATE payments SET few = id WHERE id < 3")
    for features, at_most, says in [
        (["amount", "hours"], 0, "of amount: 0 is no distance"),
        (["amount"], 3, "a distance is of two columns or more"),
        ([], 3, "of NULL: it names no column"),
        (["amount", "amount"], 3, "of amount: it stands there twice"),
        (["amount", "note"], 3, "note is text, the rule needs"),
        (["amount", "hours", "twice"], 3, r"of twice: it follows .* \(amount, hours\)"),
        (["amount", "one"], 3, "of one: it is the same in all rows"),
        (["amount", "few"], 3, "of few: 2 rows of public.payments have all these numbers"),
    ]:
        with pytest.raises(InvalidLearner, match=says):
            db.add_distance_rule("fraud", features, at_most=at_most)
    assert db.rules() == []


def test_the_distance_on_every_postgres(every_db: pgpredict.Database) -> None:
    create(every_db)
    with every_db.connection() as connection:
        connection.execute(
            "INSERT INTO payments (id, amount, hours) SELECT i, i % 7, i % 5"
            " FROM generate_series(1, 50) AS i"
        )
        connection.commit()
    every_db.add_distance_rule("fraud", at_most=3)
    assert every_db.rules("fraud")[0].columns == ["amount", "hours"]

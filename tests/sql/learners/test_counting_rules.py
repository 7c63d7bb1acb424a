"""Rules that count: rows of one key in a window of time, and sources that flip labels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import psycopg
import pytest
from sklearn.linear_model import SGDClassifier, SGDRegressor

import pgpredict
from pgpredict.errors import InvalidLearner
from tests.sql.learners.asking import Connection, drain, learn, learnt, one, quarantine
from tests.sql.learners.payments import create

HOUR = timedelta(hours=1)


def come(connection: Connection, *rows: tuple[int, str | None, str | None]) -> None:
    """Insert rows of (key, note, time)."""
    connection.cursor().executemany(
        "INSERT INTO payments (id, note, at, amount, hours, is_fraud)"
        " VALUES (%s, %s, %s, 1, 1, true)",
        rows,
    )


@pytest.fixture
def timed(connection: Connection, fraud: str) -> str:
    connection.execute("ALTER TABLE payments ADD at timestamptz")
    return fraud


@pytest.mark.usefixtures("timed")
def test_so_many_rows_of_one_key_in_an_hour(db: pgpredict.Database, connection: Connection) -> None:
    come(connection, (1, "a", "2026-01-01 10:00Z"))
    # What is tried when the rule is added is not counted.
    assert db.add_rate_rule("fraud", "note", at_most=2, within=HOUR, at="at") == "note_rate"
    come(connection, (2, "a", "2026-01-01 10:59Z"), (3, "b", "2026-01-01 10:01Z"))
    come(connection, (4, "a", "2026-01-01 10:10Z"), (5, "a", "2026-01-01 11:00Z"))
    assert drain(connection, batch=2) == 5
    come(connection, (6, None, "2026-01-01 10:30Z"), (7, "a", None), (8, "a", "2026-01-01 10:30Z"))
    drain(connection)
    assert learnt(connection) == [1, 2, 3, 5, 6, 7]
    held = quarantine(connection)
    assert sorted(held) == ["4", "8"]
    assert held["4"].endswith(": rule note_rate, at most 2 rows of one note within 01:00:00")
    assert held["4"].startswith("note is a, at is 2026-01-01 ")


@pytest.mark.usefixtures("timed")
def test_rows_without_a_time_of_their_own_are_when_they_are_learnt(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.add_rate_rule("fraud", "note", at_most=3, within=timedelta(days=3000))
    come(connection, *((key, "a", None) for key in range(1, 6)))
    drain(connection, batch=2)
    assert (learnt(connection), list(quarantine(connection))) == ([1, 2, 3], ["4", "5"])


@pytest.mark.usefixtures("timed")
def test_what_another_rule_holds_or_somebody_released_is_not_counted(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.add_rate_rule("fraud", "note", at_most=1, within=HOUR, at="at")
    db.add_rule("fraud", "odd", "id % 2 = 1")
    come(connection, *((key, "a", "2026-01-01 10:00Z") for key in (2, 4, 1, 3)))
    drain(connection)
    assert learnt(connection) == [1]
    assert quarantine(connection)["2"] == "id is 2: rule odd, id % 2 = 1"
    db.release_quarantine("fraud")
    drain(connection)
    assert learnt(connection) == [1, 2, 4, 3]


@pytest.mark.usefixtures("timed")
def test_a_batch_that_is_lost_was_not_counted(
    db: pgpredict.Database, connection: Connection, another: Callable[[], Connection]
) -> None:
    db.add_rate_rule("fraud", "note", at_most=3, within=HOUR, at="at")
    come(connection, *((key, "a", "2026-01-01 10:00Z") for key in (1, 2, 3)))
    worker = another()
    worker.execute("BEGIN")
    assert learn(worker) == 3
    connection.execute("SELECT pg_terminate_backend(%s)", [worker.info.backend_pid])
    worker.close()
    drain(connection)
    assert learnt(connection) == [1, 2, 3]


@pytest.mark.usefixtures("timed")
def test_windows_that_are_past_are_forgotten(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.add_rate_rule("fraud", "note", at_most=3, within=HOUR, at="at")
    come(connection, (1, "a", "2026-01-01 10:00Z"), (2, "b", "2026-01-01 10:00Z"))
    come(connection, (3, "a", "2026-01-01 20:00Z"))
    drain(connection)
    windows = "SELECT count(*) FROM pgpredict.gate_rate"
    connection.execute("SELECT pgpredict.maintain('fraud')")
    assert one(connection, windows) == 3
    come(connection, (4, "c", "2026-01-01 21:00Z"))
    drain(connection)
    connection.execute("SELECT pgpredict.maintain('fraud')")
    assert one(connection, windows) == 2
    db.drop_rule("fraud", "note_rate")
    assert one(connection, windows) == 0


def crowd(
    connection: Connection, first: int, sources: list[str], flipped: str, noise: float = 0.1
) -> None:
    """Rows by turns of some sources, one in ten mislabelled; those of one source all turned."""
    draw = np.random.default_rng(first)
    rows = []
    for place, note in enumerate(sources):
        x, y = draw.normal(size=2).tolist()
        label = (x + y > 0) ^ (draw.random() < noise) ^ (note in flipped)
        rows.append((first + place, x, round(3 * y), label, note))
    connection.cursor().executemany(
        "INSERT INTO payments (id, amount, hours, is_fraud, note) VALUES (%s, %s, %s, %s, %s)", rows
    )


@pytest.fixture
def steady(db: pgpredict.Database) -> None:
    """A learner that knows after a few hundred rows what they have in common."""
    create(db, estimator=SGDClassifier("log_loss", learning_rate="constant", eta0=0.01))


@pytest.mark.usefixtures("steady")
def test_a_source_that_flips_labels_is_held_and_free_again_when_it_does_not(
    db: pgpredict.Database, connection: Connection
) -> None:
    assert db.add_flip_rule("fraud", "note", after=500) == "note_flip"
    crowd(connection, 1, ["a", "b", "c", "d"] * 250, flipped="")
    drain(connection, 100)
    assert quarantine(connection) == {}
    crowd(connection, 2001, ["a", "b", "c", "d"] * 100, flipped="d")
    drain(connection, 100)
    held = quarantine(connection)
    assert {int(key) % 4 for key in held} == {2004 % 4}
    assert 40 <= len(held) < 90  # the first of them look like chance
    assert held["2400"].endswith(
        "note is d: rule note_flip, labels of one note are not what is predicted with at most 3"
        " times the usual odds"
    )
    sources = "SELECT value, held FROM pgpredict.gate_source WHERE NOT everybody ORDER BY value"
    assert dict(connection.execute(sources).fetchall()) == {
        "a": False,
        "b": False,
        "c": False,
        "d": True,
    }
    db.discard_quarantine("fraud")
    crowd(connection, 3001, ["d"] * 150, flipped="")
    drain(connection, 100)
    assert 0 < len(quarantine(connection)) < 100
    assert dict(connection.execute(sources).fetchall())["d"] is False


@pytest.mark.usefixtures("steady")
def test_where_all_change_at_once_nobody_is_held(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.add_flip_rule("fraud", "note", after=200)
    everybody = "abcdefghijklmnop"
    crowd(connection, 1, [*everybody] * 50, flipped="")
    crowd(connection, 1001, [*everybody] * 30, flipped=everybody)
    drain(connection, 100)
    assert quarantine(connection) == {}


@pytest.mark.usefixtures("timed")
@pytest.mark.parametrize(
    ("method", "arguments", "says"),
    [
        ("add_rate_rule", {"by": "gone"}, "by gone: public.payments has no such column"),
        ("add_rate_rule", {"at_most": 0}, "0 is no number of rows"),
        ("add_rate_rule", {"within": timedelta(0)}, "no time within which"),
        ("add_rate_rule", {"at": "gone"}, "no column gone"),
        ("add_rate_rule", {"at": "amount"}, "amount is double precision, not a time"),
        ("add_flip_rule", {"by": "gone"}, "has no such column"),
        ("add_flip_rule", {"at_most": 0.5}, "0.5 times the odds: it is above 1"),
        ("add_flip_rule", {"memory": 1}, "a memory of 1 rows"),
        ("add_flip_rule", {"after": -1}, "-1 is no number of rows"),
        ("add_null_rule", {"by": "gone"}, 'column "gone" does not exist'),
    ],
)
def test_what_cannot_be_counted_is_refused(
    db: pgpredict.Database, method: str, arguments: dict[str, Any], says: str
) -> None:
    options = {"at_most": 3, "within": HOUR} if method == "add_rate_rule" else {}
    wanted = options | arguments
    with pytest.raises(InvalidLearner, match=says):
        getattr(db, method)("fraud", wanted.pop("by", "note"), **wanted)
    assert db.rules() == []


def test_months_and_regressors_are_refused(db: pgpredict.Database, connection: Connection) -> None:
    create(db)
    db.create_learner(
        "size", SGDRegressor(), source="payments", target="amount", features=["hours"]
    )
    with pytest.raises(InvalidLearner, match="it is no classifier"):
        db.add_flip_rule("size", "note")
    with pytest.raises(psycopg.Error, match="not equally long"):
        connection.execute("SELECT pgpredict.add_rate_rule('fraud', 'note', 3, '1 month')")


@pytest.mark.usefixtures("fraud")
def test_null_in_a_column_that_is_not_learnt_from(
    db: pgpredict.Database, connection: Connection
) -> None:
    assert db.add_null_rule("fraud", "note") == "note_null"
    connection.execute("INSERT INTO payments VALUES (1, 1, 1, true, NULL), (2, 1, 1, true, 'good')")
    drain(connection)
    assert learnt(connection) == [2]
    assert quarantine(connection) == {"1": "note is NULL: rule note_null, a value"}


def test_counting_on_every_postgres(every_db: pgpredict.Database) -> None:
    create(every_db)
    every_db.add_flip_rule("fraud", "note", after=0)
    every_db.add_rate_rule("fraud", "note", at_most=1, within=HOUR)
    with every_db.connection() as connection:
        connection.execute("INSERT INTO payments VALUES (1, 1, 1, true, 'a'), (2, 1, 1, true, 'a')")
        connection.commit()
    assert every_db.learn("fraud") == 2
    assert every_db.learner("fraud").rows == 1

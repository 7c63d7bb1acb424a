"""Rules of the gate: rows that break one are in quarantine with the reason, and change nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sklearn.linear_model import SGDClassifier

import pgpredict
from tests.sql.learners.asking import (
    Connection,
    drain,
    learn,
    learnt,
    parameters,
    quarantine,
    state,
)
from tests.sql.learners.payments import create, insert


def put(connection: Connection, key: int, amount: float | None, note: str | None = None) -> None:
    connection.execute(
        "INSERT INTO payments (id, amount, hours, is_fraud, note) VALUES (%s, %s, 1, true, %s)",
        [key, amount, note],
    )


@pytest.mark.usefixtures("fraud")
def test_rows_that_break_a_condition_are_not_learnt(
    db: pgpredict.Database, connection: Connection
) -> None:
    assert db.add_rule("fraud", "few", "amount + hours < 100") == "few"
    insert(connection, 1, 5)
    put(connection, 6, 1e9)
    assert learn(connection) == 6
    assert learnt(connection) == [1, 2, 3, 4, 5]
    assert quarantine(connection) == {
        "6": "amount is 1000000000, hours is 1: rule few, amount + hours < 100"
    }
    assert db.learner_states("fraud")[0].quarantined == 1


@pytest.mark.usefixtures("fraud")
def test_null_breaks_no_rule(db: pgpredict.Database, connection: Connection) -> None:
    db.add_rule("fraud", "noted", "note = 'good'")
    db.add_category_rule("fraud", "note", ["good", "fair"])
    put(connection, 1, 1)
    drain(connection)
    assert learnt(connection) == [1]
    db.add_rule("fraud", "has a note", "note IS NOT NULL")
    put(connection, 2, 1)
    drain(connection)
    assert quarantine(connection) == {"2": "note is NULL: rule has a note, note IS NOT NULL"}


@pytest.mark.usefixtures("fraud")
@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (0, 5000, {1: "range 0 to 5000", 4: "range 0 to 5000"}),
        (None, 5000, {4: "at most 5000"}),
        (0, None, {1: "at least 0"}),
    ],
)
def test_a_range(
    db: pgpredict.Database,
    connection: Connection,
    low: float | None,
    high: float | None,
    said: dict[int, str],
) -> None:
    assert db.add_range_rule("fraud", "amount", low, high) == "amount_range"
    amounts = [-1, 0, 5000, 5001]
    for key, amount in enumerate(amounts, 1):
        put(connection, key, amount)
    drain(connection)
    assert quarantine(connection) == {
        str(key): f"amount is {amounts[key - 1]}: rule amount_range, {words}"
        for key, words in said.items()
    }


@pytest.mark.usefixtures("fraud")
def test_outliers_are_told_by_the_rows_of_the_source(
    db: pgpredict.Database, connection: Connection
) -> None:
    for key, amount in enumerate([1, 2, 3, 4, 5, None, float("nan"), float("inf")], 1):
        put(connection, key, amount)
    drain(connection)
    db.discard_quarantine("fraud")
    # The median is 3, the median of the distances from it 1.
    assert db.add_outlier_rule("fraud", "amount", 2) == "amount_outlier"
    put(connection, 10, 3 + 2 * 1.4826 - 1e-9)
    put(connection, 11, 3 - 2 * 1.4826 - 1e-9)
    put(connection, 12, 100)
    drain(connection)
    assert learnt(connection) == [1, 2, 3, 4, 5, 10]
    assert quarantine(connection)["12"] == (
        "amount is 100: rule amount_outlier,"
        " at most 2 robust deviations of 1.4826 from the median 3"
    )
    assert sorted(quarantine(connection)) == ["11", "12"]


@pytest.mark.usefixtures("fraud")
def test_categories(db: pgpredict.Database, connection: Connection) -> None:
    assert db.add_category_rule("fraud", "note", ["it's", "50%", 'a"b\\']) == "note_category"
    for key, note in enumerate(["it's", "50%", 'a"b\\', "other"], 1):
        put(connection, key, 1, note)
    drain(connection)
    assert learnt(connection) == [1, 2, 3]
    assert quarantine(connection) == {
        "4": "note is other: rule note_category, one of it's, 50%, a\"b\\"
    }


@pytest.mark.usefixtures("fraud")
def test_a_row_that_breaks_two_rules_has_both_reasons(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.add_range_rule("fraud", "amount", 0, 10)
    db.add_category_rule("fraud", "note", ["good"])
    put(connection, 1, 11, "bad")
    put(connection, 2, 11, "good")
    put(connection, 3, 1, "good")
    drain(connection)
    assert learnt(connection) == [3]
    assert quarantine(connection) == {
        "1": "amount is 11: rule amount_range, range 0 to 10;"
        " note is bad: rule note_category, one of good",
        "2": "amount is 11: rule amount_range, range 0 to 10",
    }
    assert [rule.name for rule in db.rules("fraud")] == ["amount_range", "note_category"]


def test_a_learner_is_as_if_it_had_never_seen_what_broke_a_rule(
    db: pgpredict.Database, connection: Connection
) -> None:
    create(db, "fraud")
    create(db, "clean")
    db.add_rule("fraud", "not those", "id NOT BETWEEN 41 AND 60")
    for first in range(1, 100, 10):
        insert(connection, first, first + 9)
        if first in (41, 51):
            connection.execute("UPDATE pgpredict.learner SET status = 'paused' WHERE name='clean'")
            connection.execute("DELETE FROM pgpredict.clean_queue")
            connection.execute("UPDATE pgpredict.learner SET status = 'learning'")
        learn(connection)
        learn(connection, learner="clean")
    assert learnt(connection) == learnt(connection, "clean") == [*range(1, 41), *range(61, 101)]
    assert parameters(connection).tolist() == parameters(connection, "clean").tolist()
    assert state(connection) == state(connection, "clean") == 8


@pytest.mark.usefixtures("fraud")
def test_a_rule_judges_no_row_that_was_released(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.add_range_rule("fraud", "amount", 0, 10)
    put(connection, 1, 11)
    drain(connection)
    db.release_quarantine("fraud")
    drain(connection)
    assert (learnt(connection), quarantine(connection)) == ([1], {})


@pytest.mark.usefixtures("fraud")
def test_a_rule_that_is_dropped_judges_no_more(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.add_range_rule("fraud", "amount", 0, 10)
    db.add_rule("fraud", "noted", "note <> 'bad'")
    db.drop_rule("fraud", "amount_range")
    put(connection, 1, 11)
    put(connection, 2, 11, "bad")
    drain(connection)
    assert (learnt(connection), list(quarantine(connection))) == ([1], ["2"])
    db.drop_rule("fraud", "noted")
    put(connection, 3, 11, "bad")
    drain(connection)
    assert (learnt(connection), db.rules()) == ([1, 3], [])
    assert [event.what for event in db.events("fraud")][-2:] == ["drop_rule", "drop_rule"]


@pytest.mark.usefixtures("fraud")
def test_a_worker_that_learnt_before_obeys_a_new_rule(
    db: pgpredict.Database, another: Callable[[], Connection], connection: Connection
) -> None:
    worker = another()
    insert(connection, 1, 3)
    drain(worker)
    db.add_range_rule("fraud", "amount", -5, 5)
    put(connection, 4, 11)
    drain(worker)
    db.drop_rule("fraud", "amount_range")
    put(connection, 5, 11)
    drain(worker)
    assert (learnt(connection), list(quarantine(connection))) == ([1, 2, 3, 5], ["4"])


@pytest.mark.usefixtures("fraud")
def test_a_row_on_which_a_rule_fails_is_kept_and_the_others_are_learnt(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.add_rule("fraud", "share", "1 / (amount - 7) < 10")
    for key, amount in enumerate([1, 7, 2], 1):
        put(connection, key, amount)
    drain(connection)
    assert learnt(connection) == [1, 3]
    assert quarantine(connection) == {"2": "rule share fails: division by zero"}


def test_columns_with_odd_names(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute(
        'CREATE TABLE odd_rows (id bigint PRIMARY KEY, "A b""%s" float8, released float8,'
        ' "r" float8, "loop" text COLLATE "C", "then" date, "it\'s" boolean)'
    )
    db.create_learner(
        "odd",
        SGDClassifier(shuffle=False),
        source="odd_rows",
        features=['A b"%s', "released", "r"],
        target="it's",
        classes=[False, True],
    )
    db.add_range_rule("odd", 'A b"%s', 0, 1)
    db.add_rule("odd", "it's %s", 'released < "r" AND loop > \'a\' -- "%s')
    db.add_rule("odd", "when", """CASE WHEN "then" > '2026-01-01' THEN "A b""%s" > 0 END""")
    db.add_category_rule("odd", "then", ["2026-02-01", "2025-02-01"])
    connection.execute(
        "INSERT INTO odd_rows VALUES (1, 0.5, 1, 2, 'b', '2026-02-01', true),"
        " (2, 1.5, 1, 2, 'b', '2026-02-01', true), (3, 0.5, 3, 2, 'B', NULL, true),"
        " (4, 0, 1, 2, 'b', '2026-02-01', true), (5, 0, 1, 2, 'b', '2025-02-02', false)"
    )
    drain(connection, learner="odd")
    assert learnt(connection, "odd") == [1]
    assert quarantine(connection, "odd") == {
        "2": 'A b"%s is 1.5: rule A b"%s_range, range 0 to 1',
        "3": "released is 3, r is 2, loop is B:"
        " rule it's %s, released < \"r\" AND loop > 'a' -- \"%s",
        "4": 'A b"%s is 0, then is 2026-02-01:'
        """ rule when, CASE WHEN "then" > '2026-01-01' THEN "A b""%s" > 0 END""",
        "5": "then is 2025-02-02: rule then_category, one of 2026-02-01, 2025-02-01",
    }


@pytest.mark.usefixtures("fraud")
def test_a_condition_may_ask_other_rows(db: pgpredict.Database, connection: Connection) -> None:
    db.add_rule(
        "fraud",
        "rate",
        "(SELECT count(*) FROM public.payments AS p WHERE p.note = r.note) <= 2",
    )
    for key, note in enumerate(["a", "b", "b", "b"], 1):
        put(connection, key, 1, note)
    drain(connection)
    assert learnt(connection) == [1]
    assert sorted(quarantine(connection)) == ["2", "3", "4"]


@pytest.mark.usefixtures("fraud")
def test_rules_stay_when_the_source_is_renamed_and_go_with_the_learner(
    db: pgpredict.Database, connection: Connection
) -> None:
    db.add_range_rule("fraud", "amount", 0, 10)
    connection.execute("ALTER TABLE payments RENAME TO paid")
    connection.execute("SELECT pgpredict.maintain('fraud')")
    connection.execute("INSERT INTO paid VALUES (1, 11, 1, true), (2, 1, 1, true)")
    drain(connection)
    assert learnt(connection) == [2]
    db.drop_learner("fraud")
    assert db.rules() == []


def test_rules_on_every_postgres(every_db: pgpredict.Database) -> None:
    create(every_db)
    every_db.add_rule("fraud", "few", "amount < 100")
    assert every_db.rules("fraud")[0].columns == ["amount"]
    every_db.drop_rule("fraud", "few")

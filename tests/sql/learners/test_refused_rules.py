"""Rules that cannot be: a clear error, and nothing is left."""

from __future__ import annotations

from typing import Any

import pytest

import pgpredict
from pgpredict.errors import InvalidLearner, UnknownLearner
from tests.sql.learners.asking import Connection, drain, one
from tests.sql.learners.payments import insert


@pytest.mark.usefixtures("fraud")
@pytest.mark.parametrize(
    ("condition", "says"),
    [
        ("amount <", "syntax error"),
        ("amount", "argument of NOT must be type boolean"),
        ("amounts < 1", 'column "amounts" does not exist'),
        ("amount < 'x'", "invalid input syntax"),
        ("count(*) > 1", "aggregate functions are not allowed in WHERE"),
        ("amount < 1) OR (true", "syntax error"),
        ("true); DROP TABLE payments; SELECT (true", "syntax error"),
        ("true; DROP TABLE payments", "syntax error"),
        ("amount < $1", "there is no parameter"),
        ("true /*", "unterminated /. comment"),
        ("nothing(amount)", "function nothing.* does not exist"),
        ("counts_as_equal(amount)", "function counts_as_equal.* does not exist"),
        ("  ", "it has no condition"),
        (None, "it has no condition"),
    ],
)
def test_a_broken_condition_leaves_nothing(
    db: pgpredict.Database, connection: Connection, condition: str, says: str
) -> None:
    insert(connection, 1, 2)
    gate = "SELECT pg_get_functiondef('pgpredict.fraud_gate'::regproc)"
    before = one(connection, gate)
    with pytest.raises(
        InvalidLearner, match=f"(?s)learner fraud cannot have the rule odd: .*{says}"
    ):
        db.add_rule("fraud", "odd", condition)
    assert (db.rules(), one(connection, gate)) == ([], before)
    assert drain(connection) == 2


@pytest.mark.usefixtures("fraud")
@pytest.mark.parametrize(
    ("method", "arguments", "says"),
    [
        ("add_rule", ["mine", "true"], "there is one already: drop it first"),
        ("add_rule", [" ", "true"], "has 1 to 63 characters"),
        ("drop_rule", ["yours"], "learner fraud has no rule yours"),
        ("add_range_rule", ["amount", None, None], "it has no bound"),
        ("add_range_rule", ["amount", 2, 1], "2 is above 1"),
        ("add_range_rule", ["amount", float("nan"), 1], "a bound is NaN"),
        ("add_range_rule", ["gone", 0, 1], "no column gone"),
        ("add_range_rule", ["note", 0, 1], "note is text, the rule needs"),
        ("add_outlier_rule", ["amount", 0], "0 is no number of deviations"),
        ("add_outlier_rule", ["amount", 3], "half of .* or more have the same, 1"),
        ("add_outlier_rule", ["hours", 3], "holds no numbers of it yet"),
        ("add_range_rule", [None, 0, 1], "this rule of NULL: it names no column"),
        ("add_category_rule", ["note", []], "it has no condition"),
        ("add_category_rule", ["note", [None]], "it has no condition"),
        ("add_category_rule", ["gone", ["a"]], 'column "gone" does not exist'),
    ],
)
def test_what_cannot_be_a_rule_is_refused(
    db: pgpredict.Database,
    connection: Connection,
    method: str,
    arguments: list[Any],
    says: str,
) -> None:
    connection.execute("INSERT INTO payments (id, amount) VALUES (1, 1)")
    db.add_rule("fraud", "mine", "true")
    with pytest.raises(InvalidLearner, match=says):
        getattr(db, method)("fraud", *arguments)
    assert [rule.name for rule in db.rules()] == ["mine"]


@pytest.mark.usefixtures("fraud")
@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("add_rule", ["mine", "true"]),
        ("add_range_rule", ["amount", 0, 1]),
        ("add_outlier_rule", ["amount", 3]),
        ("add_category_rule", ["note", ["a"]]),
        ("drop_rule", ["mine"]),
        ("rules", []),
    ],
)
def test_unknown_learners(db: pgpredict.Database, method: str, arguments: list[Any]) -> None:
    with pytest.raises(UnknownLearner, match="there is no learner other"):
        getattr(db, method)("other", *arguments)


@pytest.mark.usefixtures("fraud")
def test_nobody_may_call_what_belongs_to_rules(
    db: pgpredict.Database, connection: Connection
) -> None:
    everybody = (
        "SELECT count(*) FROM pg_proc AS p,"
        " aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a"
        " WHERE p.pronamespace = 'pgpredict'::regnamespace AND a.grantee = 0"
    )
    db.add_rule("fraud", "few", "amount < 100")
    assert one(connection, everybody) == 0
    db.drop_rule("fraud", "few")
    assert one(connection, everybody) == 0
    assert (
        one(
            connection,
            "SELECT count(*) FROM pg_proc WHERE pronamespace = 'pgpredict'::regnamespace"
            " AND proname ~ '^(add|drop)_(\\w+_)?rule$'",
        )
        == 9
    )

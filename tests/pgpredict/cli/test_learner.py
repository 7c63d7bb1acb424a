"""`pgpredict learner` on a table of payments, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import skops.io
from sklearn.decomposition import LatentDirichletAllocation
from sklearn.linear_model import SGDClassifier
from sklearn.naive_bayes import BernoulliNB
from sklearn.neural_network import MLPClassifier

import pgpredict
from tests.pgpredict.cli.conftest import Result, Run
from tests.sql.learners.payments import PAYMENTS, insert

Learner = Callable[..., Result]


@pytest.fixture
def learner(run: Run, installed_dsn: str) -> Learner:
    """Runs `pgpredict learner …` on the database of `db`: ``learner("show", "fraud")``."""
    return lambda *arguments: run("learner", *arguments, "--dsn", installed_dsn)


@pytest.fixture
def shop(db: pgpredict.Database) -> Iterator[Any]:
    with db.connection() as connection:
        connection.execute(PAYMENTS)
        connection.commit()
        connection.autocommit = True
        yield connection


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.skops"
    skops.io.dump(SGDClassifier(loss="log_loss", shuffle=False), path)
    return path


@pytest.fixture
def fraud(learner: Learner, shop: Any, model: Path) -> Any:
    """The learner, with 30 payments learnt in three batches. Gives the connection."""
    insert(shop, 1, 30)
    said(learner(*CREATE, str(model), "payments", *OPTIONS, "--backfill"))
    said(learner("learn", "fraud", "--batch", "10"))
    return shop


CREATE = ("create", "fraud")
OPTIONS = ("--features", "amount,hours", "--target", "is_fraud")


def said(result: Result) -> list[str]:
    """The lines of an answer; without one word of complaint."""
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return list(result.stdout.splitlines())


def data(result: Result) -> Any:
    """The JSON of an answer."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_create_and_learn(learner: Learner, shop: Any, model: Path) -> None:
    insert(shop, 1, 30)
    assert said(learner(*CREATE, str(model), "payments", *OPTIONS, "--backfill")) == [
        "fraud   SGDClassifier(loss='log_loss', shuffle=False)",
        "  learns        is_fraud from 2 features of public.payments",
        "  try           SELECT predict.fraud(t) FROM public.payments AS t LIMIT 5",
        "  waiting       30 rows",
        "  next          pgpredict worker fraud",
    ]
    assert said(learner("learn", "fraud", "--batch", "10")) == [
        "fraud has done 30 rows, and is at state 3"
    ]
    assert data(learner("learn", "fraud", "--json")) == {"learner": "fraud", "rows": 0, "state": 3}


def test_create_says_what_it_made(learner: Learner, shop: Any, model: Path) -> None:
    made = data(
        learner(
            *(*CREATE, str(model), "payments", *OPTIONS, "--classes", "false,true"),
            *("--key", "id", "--retention", "5", "--no-notify", "--level", "row", "--json"),
        )
    )
    assert made["classes"] == ["false", "true"]
    assert (made["retention"], made["notify"], made["level"]) == (5, False, "row")


def test_what_cannot_be_is_refused(learner: Learner, shop: Any, model: Path) -> None:
    result = learner(*CREATE, str(model), "payments", "--features", "note", "--target", "is_fraud")
    assert result.exit_code == 3
    assert "cannot create learner fraud" in result.stderr
    result = learner("show", "nothing")
    assert (result.exit_code, "there is no learner nothing" in result.stderr) == (3, True)


def test_what_a_learner_knows(learner: Learner, fraud: Any) -> None:
    assert "fraud" in said(learner("list"))[1]
    shown = said(learner("show", "fraud"))
    assert shown[0] == "fraud   learning"
    assert any("log loss" in line for line in shown)
    states = data(learner("states", "fraud", "--last", "2", "--json"))
    assert [state["state"] for state in states] == [3, 2]
    assert len(said(learner("states", "fraud"))) == 5


def test_back_and_forth(learner: Learner, fraud: Any, tmp_path: Path) -> None:
    assert said(learner("unlearn", "fraud", "15", "25")) == [
        "fraud has unlearnt 2 rows, and is at state 6"
    ]
    assert said(learner("unlearn", "fraud", "15")) == ["fraud had learnt none of these"]
    assert said(learner("rollback", "fraud", "1")) == [
        "fraud is at state 7, which knows what state 1 knew"
    ]
    assert said(learner("checkpoint", "fraud")) == ["state 7 of fraud stays"]
    assert said(learner("retain", "fraud", "2")) == ["fraud keeps 2 states; 5 states forgotten now"]
    assert said(learner("retain", "fraud", "all"))[0].startswith("fraud keeps all its states")
    assert learner("retain", "fraud", "some").exit_code == 2
    file = tmp_path / "fraud.skops"
    assert said(learner("export", "fraud", str(file), "--state", "7"))[0].startswith("fraud is in")
    assert skops.io.load(file).t_ == 11.0
    assert learner("export", "fraud", str(file)).exit_code != 0
    assert said(learner("import", "fraud", str(file))) == [f"fraud goes on from {file}: state 8"]
    other = tmp_path / "other.skops"
    skops.io.dump(BernoulliNB().fit([[0, 1], [1, 0]], [False, True]), other)
    refused = learner("import", "fraud", str(other))
    assert refused.exit_code != 0
    assert refused.stderr.startswith(f"error: cannot import {other} into fraud: ")
    assert learner("import", "fraud", str(tmp_path / "none.skops")).exit_code != 0


def test_pause_resume_drop(learner: Learner, fraud: Any) -> None:
    assert said(learner("pause", "fraud")) == [
        "fraud is paused: rows wait until pgpredict learner resume fraud"
    ]
    insert(fraud, 31, 40)
    assert said(learner("learn", "fraud")) == ["fraud has done 0 rows, and is at state 3"]
    assert said(learner("resume", "fraud")) == ["fraud learns; 10 rows waiting"]
    assert said(learner("drop", "fraud")) == ["fraud is gone, with its history; 10 rows waited"]
    assert said(learner("list")) == [
        "no learners yet; create one: pgpredict learner create NAME ESTIMATOR TABLE"
    ]


def test_quarantine(learner: Learner, fraud: Any) -> None:
    fraud.execute("INSERT INTO payments VALUES (50, 'NaN', 1, true), (51, NULL, 1, true)")
    learner("learn", "fraud")
    assert "amount is NaN" in said(learner("quarantine", "fraud"))[1]
    held = data(learner("quarantine", "fraud", "--json"))
    assert said(learner("discard", "fraud", str(held[0]["id"]))) == ["fraud: 1 row discarded"]
    assert said(learner("release", "fraud")) == ["fraud: 1 row released, to be learnt next"]
    assert said(learner("quarantine", "fraud")) == ["nothing is in quarantine"]


def test_rules(learner: Learner, fraud: Any) -> None:
    for arguments, name in [
        (("add", "fraud", "few", "amount < 100"), "few"),
        (("add-range", "fraud", "amount", "--low", "-5", "--high", "1e3"), "amount_range"),
        (("add-outlier", "fraud", "hours", "--at-most", "9"), "hours_outlier"),
        (("add-category", "fraud", "note", "good", "fair"), "note_category"),
        (("add-null", "fraud", "hours"), "hours_null"),
        (("add-distance", "fraud", "--at-most", "1e12"), "amount_hours_distance"),
        (("add-distance", "fraud", "id", "hours", "--at-most", "1e12"), "id_hours_distance"),
        (("add-rate", "fraud", "note", "--at-most", "9", "--within", "10min"), "note_rate"),
        (("add-flip", "fraud", "note", "--memory", "50"), "note_flip"),
    ]:
        assert said(learner("rule", *arguments)) == [
            f"fraud has the rule {name}: rows that break it go to quarantine"
        ]
    fraud.execute("INSERT INTO payments VALUES (50, 2000, 1, true, 'bad'), (51, 1, 1, true, NULL)")
    learner("learn", "fraud")
    assert data(learner("quarantine", "fraud", "--json"))[0]["reason"] == (
        "amount is 2000: rule few, amount < 100;"
        " amount is 2000: rule amount_range, range -5 to 1000;"
        " note is bad: rule note_category, one of good, fair"
    )
    assert [rule["kind"] for rule in data(learner("rule", "list", "fraud", "--json"))] == [
        *("condition", "range", "outlier", "category", "null", "distance", "distance"),
        *("rate", "flip"),
    ]
    assert "amount < 100" in said(learner("rule", "list"))[1]
    assert data(learner("rule", "drop", "fraud", "few", "--json")) == {
        "learner": "fraud",
        "dropped": "few",
    }
    assert said(learner("rule", "drop", "fraud", "note_category")) == [
        "fraud has no rule note_category any more"
    ]
    assert data(learner("rule", "add", "fraud", "few", "amount < 1", "--json"))["rule"] == "few"


@pytest.mark.usefixtures("fraud")
def test_what_cannot_be_a_rule(learner: Learner) -> None:
    for arguments, code, says in [
        (("add", "fraud", "late", "paid"), 3, 'column "paid" does not exist'),
        (("add-range", "fraud", "amount"), 3, "it has no bound"),
        (("add-range", "fraud", "note", "--low", "1"), 3, "note is text"),
        (("add-outlier", "fraud", "amount"), 2, "--at-most"),
        (("add-distance", "fraud", "amount", "--at-most", "3"), 3, "two columns or more"),
        (("add-rate", "fraud", "note", "--at-most", "3", "--within", "1 year"), 2, "is no time"),
        (("add-flip", "fraud", "gone"), 3, "has no such column"),
        (("add-category", "other", "note", "good"), 3, "there is no learner other"),
        (("list", "other"), 3, "there is no learner other"),
        (("drop", "fraud", "late"), 3, "learner fraud has no rule late"),
    ]:
        result = learner("rule", *arguments)
        assert (result.exit_code, says in result.stderr) == (code, True), result.stderr


def test_drift(learner: Learner, fraud: Any) -> None:
    assert said(learner("drift")) == [
        "no learner is watched; watch one: pgpredict learner watch NAME"
    ]
    assert said(learner("watch", "fraud", "--then", "pause")) == [
        "fraud is watched by pgpredict worker; when its errors grow: pause"
    ]
    insert(fraud, 31, 40)
    learner("learn", "fraud")
    (watched,) = data(learner("drift", "fraud", "--json"))
    assert (watched["action"], watched["fed_state"], watched["behind"]) == ("pause", 3, 1)
    assert "pause" in said(learner("drift"))[1]
    assert data(learner("unwatch", "fraud", "--json")) == {"learner": "fraud", "changed": True}
    assert said(learner("unwatch", "fraud")) == ["fraud was not watched"]
    assert learner("watch", "fraud", "--then", "shout").exit_code == 2
    refused = learner("watch", "fraud", "--delta", "7")
    assert (refused.exit_code, "delta is 7" in refused.stderr) == (3, True)


def test_a_learner_that_revises(learner: Learner, shop: Any, tmp_path: Path) -> None:
    insert(shop, 1, 30)
    counts = tmp_path / "counts.skops"
    skops.io.dump(BernoulliNB(), counts)
    made = said(learner(*CREATE, str(counts), "payments", *OPTIONS, "--updates", "revise"))
    assert made[3:5] == [
        "  updates       take back what was learnt of a row",
        "  waiting       30 rows",
    ]
    said(learner("learn", "fraud"))
    shop.execute("DELETE FROM payments WHERE id <= 5")
    said(learner("learn", "fraud"))
    assert any("take back" in line for line in said(learner("show", "fraud")))
    states = said(learner("states", "fraud"))
    assert "taken back" in states[0]
    assert "revised" in states[1]
    assert said(learner("reconcile", "fraud")) == ["fraud knows its table as it is"]
    shop.execute("DROP TABLE pgpredict.fraud_rows; SELECT pgpredict.maintain('fraud')")
    said(learner("learn", "fraud"))
    shop.execute("ALTER TABLE payments DISABLE TRIGGER USER; DELETE FROM payments WHERE id <= 7")
    assert said(learner("reconcile", "fraud")) == ["fraud: 2 rows differ, to be learnt next"]
    assert data(learner("reconcile", "fraud", "--json")) == {"learner": "fraud", "rows": 2}
    assert learner(*CREATE, str(counts), "payments", *OPTIONS, "--updates", "so").exit_code == 2


def test_create_where_scikit_learn_learns(
    learner: Learner, shop: Any, tmp_path: Path, model: Path
) -> None:
    network, topics = tmp_path / "network.skops", tmp_path / "topics.skops"
    skops.io.dump(MLPClassifier((3,)), network)
    skops.io.dump(LatentDirichletAllocation(2), topics)
    insert(shop, 1, 30)
    assert said(learner(*CREATE, str(network), "payments", *OPTIONS, "--backfill")) == [
        "fraud   MLPClassifier(hidden_layer_sizes=(3,))",
        "  learns        is_fraud from 2 features of public.payments",
        "  taught by     scikit-learn, in the worker",
        "  try           SELECT predict.fraud(t) FROM public.payments AS t LIMIT 5",
        "  waiting       30 rows",
        "  next          pgpredict worker fraud",
    ]
    assert said(learner("learn", "fraud", "--batch", "10")) == [
        "fraud has done 30 rows, and is at state 3"
    ]
    assert said(learner("unlearn", "fraud", "15"))
    assert data(learner("show", "fraud", "--json"))["rows"] == 29
    told = said(learner("create", "topics", str(topics), "payments", "--features", "amount"))
    assert told[2:4] == [
        "  taught by     scikit-learn, in the worker",
        "  answers       in Python alone: pgpredict learner export",
    ]
    forced = learner(
        "create", "sgd", str(model), "payments", *OPTIONS, "--place", "worker", "--json"
    )
    assert data(forced)["place"] == "worker"
    refused = learner("create", "no", str(network), "payments", *OPTIONS, "--place", "database")
    assert refused.exit_code == 3
    assert "it can learn in the worker" in refused.stderr

"""Shadows: another version is scored beside the live one, into the log, and is never in its way."""

from __future__ import annotations

import numpy as np
import psycopg
import pytest

import pgpredict
from pgpredict.errors import InUse, SignatureChanged
from tests.sql.streams.asking import Connection, agrees, drain, one
from tests.sql.streams.faults import raising
from tests.sql.streams.models import payments
from tests.sql.streams.test_promotion import OTHER_ANSWERS, classifier
from tests.sql.streams.versions import by_version, insert

pytestmark = pytest.mark.usefixtures("stream")

LOG = "SELECT version, shadow, count(*) FROM predict.s_log GROUP BY 1, 2 ORDER BY 1, 2"
TYPES = "double precision, double precision, text"
ERRORS = "SELECT version, error FROM pgpredict.shadow ORDER BY version"


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


def shadow(connection: Connection, version: int = 2) -> None:
    assert one(connection, "SELECT pgpredict.add_shadow('s', %s)", [version]) == version


def test_both_versions_are_asked_of_the_same_row_at_the_same_moment(connection: Connection) -> None:
    shadow(connection)
    insert(connection, 1, 60)
    drain(connection)
    connection.execute("UPDATE payments SET amount = amount + 1 WHERE id <= 10")
    drain(connection)
    assert connection.execute(LOG).fetchall() == [(1, False, 70), (2, True, 70)]
    assert agrees(connection) == 60
    assert one(connection, "SELECT shadows FROM pgpredict.streams") == [2]
    # v2 says the opposite of everything.
    assert connection.execute("""
        SELECT version, shadow_version, count(*), count(DISTINCT (id, at)),
               bool_or(agree), bool_or(prediction = shadow_prediction),
               max(abs(1 - probability - shadow_probability)) < 1e-6
        FROM predict.s_shadows GROUP BY 1, 2
    """).fetchall() == [(1, 2, 70, 70, False, False, True)]
    assert by_version(connection) == {1: 60}
    connection.execute("DELETE FROM predict.s_log WHERE at < (SELECT max(at) FROM predict.s_log)")
    assert by_version(connection, "predict.s_log") == {1: 10, 2: 10}


def test_several_shadows(db: pgpredict.Database, connection: Connection) -> None:
    sample = payments()[["amount", "days"]]
    db.deploy("risk", classifier(sample), sample)
    shadow(connection, 2)
    shadow(connection, 3)
    shadow(connection, 3)
    insert(connection, 1, 20)
    drain(connection)
    assert connection.execute(LOG).fetchall() == [(1, False, 20), (2, True, 20), (3, True, 20)]
    assert connection.execute(
        "SELECT shadow_version, count(*) FROM predict.s_shadows GROUP BY 1 ORDER BY 1"
    ).fetchall() == [(2, 20), (3, 20)]


def test_an_input_that_the_shadow_alone_reads_is_watched_too(
    db: pgpredict.Database, connection: Connection
) -> None:
    connection.execute("ALTER TABLE payments ADD income float8 DEFAULT 1")
    sample = payments().assign(income=np.arange(60) * 7 % 11)[["amount", "income"]]
    db.deploy("risk", classifier(sample), sample)
    insert(connection, 1, 5)
    drain(connection)
    shadow(connection, 3)
    connection.execute("UPDATE payments SET income = 5")
    drain(connection)
    assert connection.execute(LOG).fetchall() == [(1, False, 10), (3, True, 5)]


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (raising("risk_v2", "text", "'safe'"), "no risk below zero: -1"),
        (
            "DROP FUNCTION predict_versions.risk_v2 CASCADE",
            f"function predict_versions.risk_v2({TYPES}) does not exist",
        ),
    ],
    ids=["raises", "dropped"],
)
def test_a_shadow_that_fails_hurts_nobody_and_is_told(
    connection: Connection, broken: str, error: str
) -> None:
    shadow(connection)
    connection.execute(broken)
    insert(connection, 1, 50)
    connection.execute("INSERT INTO payments VALUES (51, -1, 1, 'west')")
    drain(connection)
    assert agrees(connection) == 51
    assert one(connection, "SELECT count(*) FROM pgpredict.failure") == 0
    assert connection.execute(ERRORS).fetchall() == [(2, error)]
    assert one(connection, "SELECT shadow_error FROM pgpredict.streams") == f"v2: {error}"
    assert one(connection, "SELECT error_at > added_at FROM pgpredict.shadow")
    assert one(connection, "SELECT count(*) FROM predict.s_log WHERE NOT shadow") == 51


def test_a_shadow_goes_on_after_a_row_that_it_failed_for(connection: Connection) -> None:
    shadow(connection)
    connection.execute(raising("risk_v2", "text", "'safe'"))
    connection.execute("INSERT INTO payments VALUES (1, -1, 1, 'west')")
    drain(connection)
    insert(connection, 2, 11)
    drain(connection)
    assert connection.execute(LOG).fetchall() == [(1, False, 11), (2, True, 10)]


def test_drop_shadow_leaves_what_was_said(connection: Connection) -> None:
    assert one(connection, "SELECT pgpredict.drop_shadow('s', 2)") is False
    shadow(connection)
    insert(connection, 1, 5)
    drain(connection)
    assert one(connection, "SELECT pgpredict.drop_shadow('s', 2)") is True
    assert one(connection, "SELECT pgpredict.drop_shadow('s', 2)") is False
    insert(connection, 6, 10)
    drain(connection)
    assert connection.execute(LOG).fetchall() == [(1, False, 10), (2, True, 5)]
    assert one(connection, "SELECT count(*) FROM predict.s_shadows") == 5
    assert one(connection, "SELECT shadows FROM pgpredict.streams") == []


def test_a_shadow_that_is_promoted_comes_out_of_the_shadow(
    db: pgpredict.Database, connection: Connection
) -> None:
    shadow(connection)
    db.promote("risk", 2)
    insert(connection, 1, 5)
    drain(connection)
    assert connection.execute(LOG).fetchall() == [(2, False, 5)]
    shadow(connection, 1)
    insert(connection, 6, 10)
    drain(connection)
    assert connection.execute(LOG).fetchall() == [(1, True, 5), (2, False, 10)]
    db.rollback("risk")
    insert(connection, 11, 15)
    drain(connection)
    assert connection.execute(LOG).fetchall() == [
        (1, False, 5),
        (1, True, 5),
        (2, False, 10),
        (2, True, 5),
    ]
    assert agrees_with_all(connection) == 15


def agrees_with_all(connection: Connection) -> int:
    """How many predictions there are, after each was found to be what its version says."""
    return sum(by_version(connection).values())


def test_a_shadow_is_not_retired(db: pgpredict.Database, connection: Connection) -> None:
    shadow(connection)
    with pytest.raises(InUse, match="cannot retire risk v2: it is scored in the shadow of") as told:
        db.retire("risk", 2)
    assert "pgpredict.drop_shadow('s', 2)" in str(told.value)
    connection.execute("SELECT pgpredict.drop_shadow('s', 2)")
    assert db.retire("risk", 2) == 2


def test_a_shadow_answers_as_the_live_version_does(
    db: pgpredict.Database, connection: Connection
) -> None:
    sample = payments()[["amount", "days"]]
    db.deploy("risk", OTHER_ANSWERS["numbers"](sample), sample)
    with pytest.raises(SignatureChanged, match="cannot score v3 in the shadow of stream s"):
        db.add_shadow("s", 3)
    assert connection.execute(ERRORS).fetchall() == []


def test_without_a_log_nothing_is_scored_in_the_shadow(connection: Connection) -> None:
    shadow(connection)
    connection.execute("SELECT pgpredict.set_retention('s', '0')")
    insert(connection, 1, 5)
    drain(connection)
    assert connection.execute(LOG).fetchall() == []
    connection.execute("SELECT pgpredict.set_retention('s', '1 day')")
    insert(connection, 6, 10)
    drain(connection)
    assert connection.execute(LOG).fetchall() == [(1, False, 5), (2, True, 5)]


def test_the_live_version_is_no_shadow(connection: Connection) -> None:
    with pytest.raises(psycopg.Error, match="v1 in the shadow of stream s: it is the live version"):
        shadow(connection, 1)
    assert one(connection, "SELECT shadows FROM pgpredict.streams") == []


def test_a_shadow_that_never_failed_has_no_error(connection: Connection) -> None:
    shadow(connection)
    insert(connection, 1, 3)
    drain(connection)
    assert one(connection, "SELECT shadow_error FROM pgpredict.streams") is None

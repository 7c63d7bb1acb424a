"""The user's INSERT survives everything, in both modes, and no row is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import psycopg
import pytest

from tests.sql.streams.asking import Connection, agrees, drain, live, one, settles
from tests.sql.streams.fates import fates, hurry, now
from tests.sql.streams.faults import FAULTS, RAISES, Fault

pytestmark = pytest.mark.usefixtures("stream")


@pytest.fixture(params=list(FAULTS.values()), ids=list(FAULTS))
def fault(request: pytest.FixtureRequest) -> Fault:
    assert isinstance(request.param, Fault)
    return request.param


def test_every_statement_survives_a_fault_and_every_row_is_found_again(
    connection: Connection, fault: Fault
) -> None:
    connection.execute(
        "INSERT INTO payments SELECT n, n, n % 30, 'west' FROM generate_series(1, 50) AS n"
    )
    assert settles(connection) == 50

    connection.execute(fault.broken)
    since = now(connection)
    columns = [c.name for c in connection.execute("SELECT * FROM payments").description or []]
    key, amount = columns[:2]
    # DDL of a fault may have given the column `days` a text.
    for number in range(51, 61):
        connection.execute(f"INSERT INTO payments SELECT {number}, 120, days FROM payments LIMIT 1")
    connection.execute(
        f"INSERT INTO payments SELECT n, n, p.days, 'south'"
        f" FROM generate_series(61, 300) AS n, (SELECT * FROM payments WHERE {key} = 1) AS p"
    )
    connection.execute(f"UPDATE payments SET {amount} = 7.5 WHERE {key} <= 10")
    connection.execute(f"UPDATE payments SET {key} = 1000 WHERE {key} = 11")
    connection.execute(f"DELETE FROM payments WHERE {key} = 12")
    with suppress(psycopg.Error):  # what a worker is told in such a case is another matter
        drain(connection)
    assert one(connection, "SELECT count(*) FROM payments") == 299
    touched = [*range(1, 11), *range(51, 301), 1000]
    assert fates(connection, touched, since)["lost"] == 0

    connection.execute(fault.mended)
    connection.execute("SELECT pgpredict.maintain('s')")
    hurry(connection)
    drain(connection)
    assert agrees(connection) == 299
    left = one(connection, "SELECT count(*) FROM pgpredict.failure")
    assert left > 250 if fault.without_key else left == 0


def test_rows_that_the_model_raises_for_keep_no_other_from_its_prediction(
    connection: Connection,
) -> None:
    connection.execute(RAISES)
    since = now(connection)
    connection.execute(
        "INSERT INTO payments SELECT n, CASE n % 10 WHEN 0 THEN -n ELSE n END, 1, 'west'"
        " FROM generate_series(1, 1000) AS n"
    )
    connection.execute("INSERT INTO payments VALUES (1001, -5, 1, 'west')")
    connection.execute("INSERT INTO payments VALUES (1002, 5, 1, 'west')")
    drain(connection)
    assert fates(connection, range(1, 1003), since) == {"predicted": 901, "again": 101}
    assert connection.execute(
        "SELECT DISTINCT f.error, f.sqlstate, p.amount FROM pgpredict.failure AS f"
        " JOIN payments AS p ON f.key = jsonb_build_object('id', p.id)"
        " WHERE p.id > 990 ORDER BY p.amount DESC"
    ).fetchall() == [
        ("no risk below zero: -5", "23514", -5),
        ("no risk below zero: -1000", "23514", -1000),
    ]


def test_a_row_that_cannot_be_predicted_any_more_keeps_its_last_prediction(
    connection: Connection,
) -> None:
    """It is told by the failure, and by the moment of the prediction."""
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    settles(connection)
    before = live(connection, columns="id, prediction, at")
    connection.execute(RAISES)
    connection.execute("UPDATE payments SET amount = -1")
    drain(connection)
    assert live(connection, columns="id, prediction, at") == before
    assert one(connection, "SELECT key ->> 'id' FROM pgpredict.failure") == "1"


def test_where_nothing_can_be_kept_a_warning_says_so(connection: Connection, mode: str) -> None:
    connection.execute("ALTER TABLE pgpredict.failure RENAME TO elsewhere")
    gone = "pgpredict.s_queue" if mode == "queue" else "predict.s_live"
    connection.execute(f"DROP TABLE {gone}")
    notices: list[tuple[str | None, ...]] = []
    connection.add_notice_handler(
        lambda n: notices.append((n.severity, n.message_primary, n.message_hint))
    )
    connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south')")
    connection.execute("TRUNCATE payments; INSERT INTO payments VALUES (2, 120, 3, 'south')")
    assert one(connection, "SELECT id FROM payments") == 2
    told = [n for n in notices if str(n[1]).startswith("stream s: what this statement did is kept")]
    assert len(told) >= 2
    assert {(severity, hint) for severity, _, hint in told} == {
        ("WARNING", "SELECT pgpredict.backfill_stream('s')")
    }
    assert all("does not exist" in str(message) for _, message, _ in told)


def test_a_queue_that_is_locked_for_long_costs_no_row(
    connection: Connection, another: Callable[[], Connection], mode: str
) -> None:
    """The writer waits as long as he wants to wait for locks, then the row is kept elsewhere."""
    since = now(connection)
    locked = "pgpredict.s_queue" if mode == "queue" else "predict.s_live"
    connection.execute("SET lock_timeout = '50ms'")
    other = another()
    with other.transaction():
        other.execute(f"LOCK TABLE {locked}")
        connection.execute("INSERT INTO payments VALUES (1, 120, 3, 'south'), (2, 9, 30, 'west')")
    assert fates(connection, [1, 2], since) == {"again": 2}
    assert one(connection, "SELECT min(sqlstate) FROM pgpredict.failure") == "55P03"
    drain(connection)
    assert agrees(connection) == 2

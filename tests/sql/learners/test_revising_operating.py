"""What people do with a learner that revises, and what they cannot do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from sklearn.linear_model import LinearRegression, Ridge, SGDRegressor
from sklearn.naive_bayes import GaussianNB, MultinomialNB

import pgpredict
from pgpredict.errors import InvalidLearner, UnsupportedEstimator
from tests.postgres import EVERY, Server
from tests.sql.learners.asking import Connection, drain, one, parameters, quarantine, state
from tests.sql.learners.flats import FEATURES, FLATS, assert_fitted, create, insert


@pytest.fixture(autouse=True)
def flats(connection: Connection) -> None:
    connection.execute(FLATS)
    insert(connection, 1, 60)


def test_unlearnt_rows_stay_out_until_they_change_or_are_released(
    db: pgpredict.Database, connection: Connection
) -> None:
    create(db, Ridge())
    drain(connection, learner="flat")
    assert db.unlearn("flat", [7, 8, 9, 9, 1000]) == 3
    assert db.unlearn("flat", [7]) == 0
    assert_fitted(db, connection, Ridge(), but="id IN (7, 8, 9)")
    (last,) = db.learner_states("flat", 1)
    assert (last.made_by, last.rows, last.taken_back) == ("unlearnt", 57, 3)
    assert quarantine(connection, "flat") == dict.fromkeys("789", "unlearnt")
    connection.execute("UPDATE flats SET note = 'x'")
    assert db.reconcile_learner("flat") == 0
    connection.execute("UPDATE flats SET rent = rent + 1 WHERE id = 7")
    drain(connection, learner="flat")
    assert_fitted(db, connection, Ridge(), but="id IN (8, 9)")
    assert db.release_quarantine("flat") == 2
    drain(connection, learner="flat")
    assert_fitted(db, connection, Ridge())
    assert quarantine(connection, "flat") == {}


def test_rolled_back_it_waits_and_resumed_it_is_back_at_its_rows(
    db: pgpredict.Database, connection: Connection
) -> None:
    create(db, LinearRegression())
    drain(connection, 20, "flat")
    now = parameters(connection, "flat").tolist()
    made = db.rollback_learner("flat", 1)
    assert (db.learner("flat").status, db.learner("flat").rows) == ("paused", 20)
    then = one(connection, "SELECT predict.flat_parameters(1)")
    assert parameters(connection, "flat").tolist() == then != now
    insert(connection, 61, 61)
    assert drain(connection, learner="flat") == 0
    assert db.resume_learner("flat")
    (last,) = db.learner_states("flat", 1)
    assert (last.state, last.made_by, last.rows) == (made + 1, "revised", 60)
    assert parameters(connection, "flat").tolist() == now
    drain(connection, learner="flat")
    assert_fitted(db, connection, LinearRegression())


def test_history_is_kept_as_long_as_asked_for(
    db: pgpredict.Database, connection: Connection
) -> None:
    create(db, Ridge(), retention=2)
    drain(connection, 20, "flat")
    assert db.checkpoint("flat") == 3
    for number in range(1, 6):
        connection.execute("DELETE FROM flats WHERE id = %s", [number])
        drain(connection, learner="flat")
    assert [s.state for s in db.learner_states("flat")] == [8, 7, 3, 0]
    assert db.export_learner("flat", 3).coef_ != pytest.approx(db.export_learner("flat").coef_)
    connection.execute("ALTER TABLE flats RENAME TO homes")
    connection.execute("SELECT pgpredict.maintain('flat')")
    connection.execute("UPDATE homes SET rent = 1 WHERE id > 6")
    assert drain(connection, learner="flat") == 54
    connection.execute("DROP TABLE pgpredict.flat_rows")
    said = one(connection, "SELECT pgpredict.maintain('flat')")
    assert said == "the rows that were learnt were gone: all are learnt again"
    drain(connection, learner="flat")
    connection.execute("ALTER TABLE homes RENAME TO flats")
    assert_fitted(db, connection, Ridge())
    assert db.drop_learner("flat") == 0
    left = "SELECT count(*) FROM pg_class WHERE relname LIKE 'flat\\_%' AND relkind <> 'i'"
    assert one(connection, left) == 0


def test_partitions_that_come_and_go(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute("ALTER TABLE flats RENAME TO old_flats")
    connection.execute(f"{FLATS} PARTITION BY RANGE (id)")
    connection.execute("ALTER TABLE flats ATTACH PARTITION old_flats FOR VALUES FROM (0) TO (100)")
    create(db, Ridge())
    drain(connection, learner="flat")
    connection.execute("CREATE TABLE new_flats (LIKE flats INCLUDING ALL)")
    connection.execute("INSERT INTO new_flats SELECT id + 100, size, rooms, 5 FROM old_flats")
    connection.execute(
        "ALTER TABLE flats ATTACH PARTITION new_flats FOR VALUES FROM (100) TO (200)"
    )
    connection.execute("ALTER TABLE flats DETACH PARTITION old_flats")
    said = connection.execute("SELECT pgpredict.maintain('flat')").fetchall()
    assert said == [
        ("1 new partitions of public.flats",),
        ("public.old_flats is no partition of the source any more: its rows are taken back",),
    ]
    drain(connection, learner="flat")
    assert_fitted(db, connection, Ridge())
    connection.execute("UPDATE old_flats SET rent = 7")
    assert db.learner("flat").depth == 0


def test_a_partition_that_is_dropped(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute("ALTER TABLE flats RENAME TO old_flats")
    connection.execute(f"{FLATS} PARTITION BY RANGE (id)")
    connection.execute("ALTER TABLE flats ATTACH PARTITION old_flats FOR VALUES FROM (0) TO (100)")
    connection.execute("CREATE TABLE new_flats PARTITION OF flats FOR VALUES FROM (100) TO (200)")
    create(db, Ridge())
    connection.execute("INSERT INTO flats SELECT id + 100, size, rooms, 5 FROM old_flats")
    drain(connection, learner="flat")
    connection.execute("DROP TABLE new_flats")
    asked = "SELECT pgpredict.maintain('flat')"
    assert connection.execute(asked).fetchall() == [
        ("a table of the source is gone: all rows are compared",)
    ]
    assert connection.execute(asked).fetchall() == []
    drain(connection, learner="flat")
    assert_fitted(db, connection, Ridge())


def test_rows_that_have_no_solution(db: pgpredict.Database, connection: Connection) -> None:
    connection.execute("DELETE FROM flats")
    create(db, LinearRegression(fit_intercept=False))
    tiny = "INSERT INTO flats VALUES (100, 1e-200, 0, 1e200)"
    connection.execute(tiny)
    drain(connection, learner="flat")
    assert quarantine(connection, "flat") == {
        "100": "learning it fails: a parameter would not be finite"
    }
    assert db.learner("flat").rows == 0
    insert(connection, 1, 3)
    drain(connection, learner="flat")
    assert db.release_quarantine("flat") == 1
    drain(connection, learner="flat")
    assert (db.learner("flat").rows, quarantine(connection, "flat")) == (4, {})
    before = parameters(connection, "flat").tolist()
    connection.execute("DELETE FROM flats WHERE id < 100")
    drain(connection, learner="flat")
    learner = db.learner("flat")
    assert (learner.status, learner.rows) == ("stopped", 4)
    assert "no parameters that are finite" in str(learner.why)
    assert parameters(connection, "flat").tolist() == before
    insert(connection, 1, 3)
    db.resume_learner("flat")
    drain(connection, learner="flat")
    assert (db.learner("flat").status, db.learner("flat").rows) == ("learning", 4)
    assert parameters(connection, "flat").tolist() == before


def test_a_worker_without_rights_on_the_source(
    db: pgpredict.Database, connection: Connection, another: Callable[[], Connection]
) -> None:
    create(db, Ridge())
    connection.execute("CREATE ROLE flat_worker")
    try:
        connection.execute("GRANT USAGE ON SCHEMA pgpredict TO flat_worker")
        connection.execute(
            "GRANT EXECUTE ON FUNCTION pgpredict.ready_streams(), pgpredict.work(text, integer),"
            " pgpredict.maintain(text) TO flat_worker"
        )
        worker = another()
        worker.execute("SET ROLE flat_worker")
        assert one(worker, "SELECT pgpredict.ready_streams()") == "flat"
        assert one(worker, "SELECT pgpredict.work('flat', 1000)") == 60
        connection.execute("TRUNCATE flats")
        assert one(worker, "SELECT pgpredict.work('flat', 1000)") == 1
        assert one(worker, "SELECT pgpredict.work('flat', 1000)") == 60
        worker.execute("RESET ROLE")
        assert db.learner("flat").rows == 0
    finally:
        connection.execute("DROP OWNED BY flat_worker")
        connection.execute("DROP ROLE flat_worker")


def test_in_a_replica(
    db: pgpredict.Database,
    connection: Connection,
    servers: Callable[[str], Server],
    installed_dsn: str,
) -> None:
    create(db, Ridge(), level="row")
    drain(connection, learner="flat")
    admin_dsn = servers(EVERY[0]).dsn_of_admin(installed_dsn.rpartition("/")[2])
    with psycopg.connect(admin_dsn, autocommit=True) as replica:
        if not one(replica, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            pytest.skip("only a superuser may set session_replication_role")
        replica.execute("SET session_replication_role = replica")
        replica.execute("UPDATE flats SET rent = 9 WHERE id < 9")
        replica.execute("DELETE FROM flats WHERE id > 50")
        assert drain(connection, learner="flat") == 18
        assert_fitted(db, connection, Ridge())
        replica.execute("TRUNCATE flats")
        drain(connection, learner="flat")
    assert db.learner("flat").rows == 0


@pytest.mark.parametrize(
    ("estimator", "options", "error", "reason"),
    [
        (SGDRegressor(), {}, UnsupportedEstimator, "do not follow from sums"),
        (GaussianNB(), {}, UnsupportedEstimator, "do not follow from sums"),
        (Ridge(), {"updates": "ignore"}, UnsupportedEstimator, "updates='revise'"),
        (Ridge(), {"updates": "forget"}, InvalidLearner, "it is ignore or revise"),
        (Ridge(), {"backfill": False}, InvalidLearner, "backfill cannot be false"),
        (Ridge(), {"target": None}, InvalidLearner, "learns numbers, and no target is named"),
        (Ridge(), {"classes": ["a", "b"]}, InvalidLearner, "has no classes"),
        (
            MultinomialNB().fit([[1, 2], [2, 1]], ["loft", "whole"]),
            {"classes": None},
            InvalidLearner,
            "has learnt rows already",
        ),
    ],
    ids=lambda each: each.__name__ if isinstance(each, type) else None,
)
def test_what_cannot_be_created(
    db: pgpredict.Database,
    estimator: Any,
    options: dict[str, Any],
    error: type[Exception],
    reason: str,
) -> None:
    with pytest.raises(error, match=reason):
        create(db, estimator, **options)
    assert db.learners() == []


def test_what_cannot_be_done(db: pgpredict.Database, connection: Connection) -> None:
    create(db, Ridge())
    with pytest.raises(InvalidLearner, match="takes no numbers from elsewhere"):
        db.import_learner("flat", Ridge())
    with pytest.raises(InvalidLearner, match="cannot forget them"):
        db.set_learner_drift("flat", "reset")
    with pytest.raises(Exception, match="takes no parameters from elsewhere"):
        connection.execute("SELECT pgpredict.import_parameters('flat', '{1,2,3,4,5}')")
    db.create_learner("other", SGDRegressor(), source="flats", target="rent", features=FEATURES)
    with pytest.raises(InvalidLearner, match="does not go after rows that it has learnt"):
        db.reconcile_learner("other")
    create_in_sql = (
        "SELECT pgpredict.create_learner('raw', 'flats', 'rent', '{{size}}', 'r', 'float8', '{{}}',"
        " '[{{\"name\": \"c\", \"shape\": []}}]', '{{0}}', 'BEGIN RETURN sums; END', '$1[1]',"
        " updates => 'revise', {})"
    )
    for options, reason in {
        "sums => 2": "it needs sums, and what solves them",
        "solve => 'BEGIN RETURN sums::float8[]; END', sums => 0": "it needs sums",
        "solve => 'BEGIN RETURN sums::float8[]; END', sums => 2": "changes what it learnt nothing",
    }.items():
        with pytest.raises(Exception, match=reason):
            connection.execute(create_in_sql.format(options))
    assert state(connection, "flat") == 0

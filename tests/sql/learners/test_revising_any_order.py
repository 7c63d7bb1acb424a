"""Whatever was done in whatever order: the sums are those of a learner of what is left."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import MultinomialNB

import pgpredict
from tests.sql.learners.asking import Connection, drain, learn, one, state
from tests.sql.learners.flats import create

LEARNERS = {"rents": Ridge(), "kinds": MultinomialNB()}
PLAIN = """
    CREATE TABLE flats (id bigint NOT NULL, town integer NOT NULL, size float8, rooms numeric,
        rent float8, kind text, note text, PRIMARY KEY (id, town))"""
IDS = st.integers(0, 9)
SIZES = st.sampled_from(["NULL", "0.1", "1e-300", "7.5", "1.7e308", "'NaN'", "-3"])
RENTS = st.sampled_from(["NULL", "500", "0.3", "-1e200"])
KINDS = st.sampled_from(["NULL", "'loft'", "'whole'", "'tent'"])
STATEMENTS = st.one_of(
    st.builds(
        "INSERT INTO flats VALUES ({}, 1, {}, 3, {}, {}) ON CONFLICT (id, town)"
        " DO UPDATE SET size = excluded.size, kind = excluded.kind".format,
        IDS,
        SIZES,
        RENTS,
        KINDS,
    ),
    st.builds(
        "INSERT INTO flats SELECT n, n % 2, {}, n, n * 0.7, {} FROM generate_series({}, 15) AS n"
        " ON CONFLICT DO NOTHING".format,
        SIZES,
        KINDS,
        IDS,
    ),
    st.builds("UPDATE flats SET size = {} WHERE id >= {}".format, SIZES, IDS),
    st.builds("UPDATE flats SET rent = {}, kind = {} WHERE id = {}".format, RENTS, KINDS, IDS),
    st.builds("UPDATE flats SET kind = {}, note = 'x' WHERE id < {}".format, KINDS, IDS),
    st.just("UPDATE flats SET note = 'y'"),
    st.builds(
        "UPDATE flats SET id = {0}, rooms = 5 WHERE id = {1}"
        " AND NOT EXISTS (SELECT FROM flats WHERE id = {0})".format,
        IDS,
        IDS,
    ),
    st.just("UPDATE flats SET town = town + 10 WHERE note IS NULL"),
    st.builds("DELETE FROM flats WHERE id BETWEEN {} AND {}".format, IDS, IDS),
    st.builds("DELETE FROM flats_low WHERE id = {}".format, IDS),
    st.just("TRUNCATE flats"),
    st.just("TRUNCATE flats_low"),
)


class AnyOrder(RuleBasedStateMachine):
    """Two learners of a table, and everything that people do to them and to it."""

    db: ClassVar[pgpredict.Database]
    connection: ClassVar[Connection]

    @initialize(partitioned=st.booleans(), level=st.sampled_from(["statement", "row"]))
    def create(self, partitioned: bool, level: str) -> None:
        if partitioned:
            self.connection.execute(f"{PLAIN} PARTITION BY RANGE (id)")
            for name, limits in {"low": "MINVALUE) TO (5", "high": "5) TO (MAXVALUE"}.items():
                self.connection.execute(
                    f"CREATE TABLE flats_{name} PARTITION OF flats FOR VALUES FROM ({limits})"
                )
        else:
            self.connection.execute(PLAIN)
            self.connection.execute("CREATE VIEW flats_low AS SELECT * FROM flats WHERE id < 5")
        self.connection.execute("INSERT INTO flats SELECT n, 0, n, n, n, 'loft'"
                                " FROM generate_series(3, 7) AS n")  # fmt: skip
        self.partitioned = partitioned
        self.level = level
        for name, estimator in LEARNERS.items():
            create(self.db, estimator, name, classes=self.classes(name), level=self.level)

    def classes(self, name: str) -> list[str] | None:
        return ["loft", "whole"] if name.startswith("kinds") else None

    @rule(
        statements=st.lists(STATEMENTS, min_size=1, max_size=4),
        undone=st.sampled_from([False, False, False, True]),
        batch=st.sampled_from([0, 0, 0, 2]),
    )
    def write(self, statements: list[str], undone: bool, batch: int) -> None:
        with self.connection.transaction(force_rollback=undone):
            for statement in statements:
                if self.partitioned or statement != "TRUNCATE flats_low":
                    self.connection.execute(statement)
            if batch:
                learn(self.connection, batch, "rents")

    @rule(batch=st.sampled_from([1, 2, 5, 1000]), name=st.sampled_from([*LEARNERS]))
    def learn(self, batch: int, name: str) -> None:
        learn(self.connection, batch, name)

    @rule()
    def write_unseen(self) -> None:
        tables = ["flats", *(["flats_low", "flats_high"] if self.partitioned else [])]
        with self.connection.transaction():
            for table in tables if self.level == "statement" else []:
                self.connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            self.connection.execute("DELETE FROM flats WHERE id IN (4, 8)")
            self.connection.execute("UPDATE flats SET size = 1.25 WHERE id IN (1, 6)")
            self.connection.execute("INSERT INTO flats VALUES (4, 9, 1, 1, 1, 'loft')"
                                    " ON CONFLICT DO NOTHING")  # fmt: skip
            for table in tables if self.level == "statement" else []:
                self.connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for name in LEARNERS:
            self.db.reconcile_learner(name)

    @rule(name=st.sampled_from([*LEARNERS]), key=IDS)
    def unlearn_and_release(self, name: str, key: int) -> None:
        self.db.unlearn(name, [{"id": key, "town": 1}, {"id": key, "town": 0}])
        if key % 2:
            self.db.release_quarantine(name)

    @rule(back=st.integers(0, 3))
    def roll_back(self, back: int) -> None:
        self.db.rollback_learner("rents", max(0, state(self.connection, "rents") - back))

    @rule()
    def resume(self) -> None:
        self.db.resume_learner("rents")

    @rule()
    def maintain(self) -> None:
        for name in LEARNERS:
            said = self.connection.execute("SELECT pgpredict.maintain(%s)", [name]).fetchall()
            assert said == []

    def teardown(self) -> None:
        if self.db.learners():
            self.come_to_rest()
        for name in [learner.name for learner in self.db.learners()]:
            assert self.db.drop_learner(name) == 0
        self.connection.execute("DROP TABLE IF EXISTS flats CASCADE")

    def come_to_rest(self) -> None:
        for name, estimator in LEARNERS.items():
            self.db.release_quarantine(name)
            self.db.resume_learner(name)
            drain(self.connection, 3, name)
            create(self.db, estimator, f"{name}_anew", classes=self.classes(name), level=self.level)
            drain(self.connection, 1000, f"{name}_anew")
            found, expected = (self.knows(learner) for learner in (name, f"{name}_anew"))
            assert found == expected

    def knows(self, name: str) -> dict[str, Any]:
        """What is known of the rows, to the last bit."""
        return {
            "rows": one(
                self.connection,
                f"SELECT array_agg(r::text ORDER BY r) FROM pgpredict.{name}_rows AS r",
            ),
            "sums": one(
                self.connection,
                "SELECT sums::text FROM pgpredict.learner_sums WHERE learner = %s",
                [name],
            ),
            "parameters": one(self.connection, f"SELECT predict.{name}_parameters()"),
            "count": self.db.learner(name).rows,
            "refused": one(
                self.connection,
                "SELECT array_agg((key, reason)::text ORDER BY key) FROM pgpredict.quarantine"
                " WHERE learner = %s",
                [name],
            ),
        }


def test_any_order(db: pgpredict.Database, connection: Connection) -> None:
    AnyOrder.db, AnyOrder.connection = db, connection
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=8,
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

"""Whatever was done in whatever order: the sums are those of a learner of what is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import MultinomialNB

import pgpredict
from tests.sql.learners.asking import Connection, drain, learn, one, state
from tests.sql.learners.flats import create

LEARNERS = {"rents": Ridge(), "kinds": MultinomialNB()}
TABLE = """
    CREATE TABLE flats (id bigint NOT NULL, town integer NOT NULL, size float8, rooms numeric,
        rent float8, kind text, note text, PRIMARY KEY (id, town))"""
IDS = st.integers(0, 9)
# No sum is beyond float8: which rows then are in quarantine depends on the order.
SIZES = st.sampled_from(["NULL", "0.1", "1e-300", "7.5", "1.7e300", "'NaN'", "-3"])
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


class Flats:
    """A table of flats, two learners of it, and everything that people do to them."""

    def __init__(
        self, db: pgpredict.Database, connection: Connection, level: str, partitioned: bool
    ) -> None:
        self.db, self.connection, self.level = db, connection, level
        self.tables = ["flats"]
        for learner in db.learners():  # of an example that failed
            db.drop_learner(learner.name)
        connection.execute("DROP TABLE IF EXISTS flats CASCADE")
        if partitioned:
            connection.execute(f"{TABLE} PARTITION BY RANGE (id)")
            for name, limits in {"low": "MINVALUE) TO (5", "high": "5) TO (MAXVALUE"}.items():
                self.tables.append(f"flats_{name}")
                connection.execute(
                    f"CREATE TABLE flats_{name} PARTITION OF flats FOR VALUES FROM ({limits})"
                )
        else:
            connection.execute(TABLE)
        self.write("INSERT INTO flats SELECT n, 0, n, n, n, 'loft' FROM generate_series(3, 7) AS n")
        for name in LEARNERS:
            self.create(name)
            drain(connection, learner=name)

    def create(self, name: str, suffix: str = "") -> None:
        classes = ["loft", "whole"] if name == "kinds" else None
        create(self.db, LEARNERS[name], name + suffix, classes=classes, level=self.level)

    def write(self, statement: str) -> None:
        """Where the table has no partitions, `flats_low` is all of it."""
        if len(self.tables) == 1:
            statement = statement.replace("flats_low", "flats")
        self.connection.execute(statement)

    def write_undone(self, statement: str) -> None:
        with self.connection.transaction(force_rollback=True):
            self.write(statement)
            learn(self.connection, 2, "rents")

    def write_unseen(self, statement: str) -> None:
        """As triggers that fire always have no switch for all of them, they see it."""
        switched = self.tables if self.level == "statement" else []
        with self.connection.transaction():
            for table in switched:
                self.connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            self.write(statement)
            for table in switched:
                self.connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        for name in LEARNERS:
            self.db.reconcile_learner(name)

    def learn(self, batch: int, name: str) -> None:
        learn(self.connection, batch, name)

    def unlearn(self, key: int, name: str) -> None:
        self.db.unlearn(name, [{"id": key, "town": town} for town in (0, 1)])
        if key % 2:
            self.db.release_quarantine(name)

    def roll_back(self, back: int) -> None:
        self.db.rollback_learner("rents", max(0, state(self.connection, "rents") - back))

    def resume(self) -> None:
        self.db.resume_learner("rents")

    def maintain(self) -> None:
        for name in LEARNERS:
            assert one(self.connection, "SELECT array_agg(m) FROM pgpredict.maintain(%s) AS m",
                       [name]) is None  # fmt: skip

    def come_to_rest(self, name: str) -> None:
        self.db.release_quarantine(name)
        self.db.resume_learner(name)
        drain(self.connection, 3, name)

    def knows(self, name: str) -> dict[str, Any]:
        """What a learner knows of the rows, to the last bit."""
        asked = {
            "rows": f"SELECT array_agg(r::text ORDER BY r) FROM pgpredict.{name}_rows AS r",
            "sums": f"SELECT sums::text FROM pgpredict.learner_sums WHERE learner = '{name}'",
            "parameters": f"SELECT predict.{name}_parameters()",
            "refused": "SELECT array_agg((key, reason)::text ORDER BY key)"
            f" FROM pgpredict.quarantine WHERE learner = '{name}'",
        }
        found = {what: one(self.connection, query) for what, query in asked.items()}
        return found | {"count": self.db.learner(name).rows}


def step(method: Callable[..., None], *arguments: st.SearchStrategy[Any]) -> Any:
    """Draws a call of a method."""
    return st.tuples(*arguments).map(lambda drawn: lambda flats: method(flats, *drawn))


NAMES = st.sampled_from([*LEARNERS])
BATCHES = st.sampled_from([1, 2, 5, 1000])
STEPS = st.one_of(
    step(Flats.write, STATEMENTS),
    step(Flats.write, STATEMENTS),
    step(Flats.write, STATEMENTS),
    step(Flats.learn, BATCHES, NAMES),
    step(Flats.learn, BATCHES, NAMES),
    step(Flats.write_undone, STATEMENTS),
    step(Flats.write_unseen, STATEMENTS),
    step(Flats.unlearn, IDS, NAMES),
    step(Flats.roll_back, st.integers(0, 3)),
    step(Flats.resume),
    step(Flats.maintain),
)


def test_any_order(db: pgpredict.Database, connection: Connection) -> None:
    # An example takes half a second: to make one that fails small takes minutes.
    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        level=st.sampled_from(["statement", "row"]),
        partitioned=st.booleans(),
        steps=st.lists(STEPS, min_size=12, max_size=20),
    )
    def check(level: str, partitioned: bool, steps: list[Callable[[Flats], None]]) -> None:
        flats = Flats(db, connection, level, partitioned)
        for each in steps:
            each(flats)
        for name in LEARNERS:
            flats.come_to_rest(name)
            flats.create(name, "_anew")
            drain(connection, learner=f"{name}_anew")
            assert flats.knows(name) == flats.knows(f"{name}_anew")

    check()

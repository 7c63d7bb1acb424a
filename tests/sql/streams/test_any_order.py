"""Whatever is done in whatever order: when a stream has come to rest, it agrees with its source."""

from __future__ import annotations

from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.sql.streams.asking import Connection, agrees, drain, one, work

IDS = st.integers(0, 9)
NUMBERS = st.sampled_from(["NULL", "0", "7.5", "120", "'NaN'"])
REGIONS = st.sampled_from(["NULL", "'south'", "'west'", "'mars'"])
STATEMENTS = st.one_of(
    st.builds(
        "INSERT INTO payments VALUES ({}, {}, 3, {}) ON CONFLICT (id)"
        " DO UPDATE SET amount = excluded.amount".format,
        IDS,
        NUMBERS,
        REGIONS,
    ),
    st.builds(
        "INSERT INTO payments SELECT n, {}, n FROM generate_series({}, 15) AS n"
        " ON CONFLICT DO NOTHING".format,
        NUMBERS,
        IDS,
    ),
    st.builds("UPDATE payments SET amount = {} WHERE id >= {}".format, NUMBERS, IDS),
    st.builds("UPDATE payments SET region = {}, note = 'x' WHERE id = {}".format, REGIONS, IDS),
    st.just("UPDATE payments SET note = 'y'"),
    st.builds(
        "UPDATE payments SET id = {0}, days = 5 WHERE id = {1}"
        " AND NOT EXISTS (SELECT FROM payments WHERE id = {0})".format,
        IDS,
        IDS,
    ),
    st.builds(
        "WITH two AS (DELETE FROM payments WHERE id IN ({0}, {1}) RETURNING *)"
        " INSERT INTO payments SELECT {0} + {1} + 30 - id, amount, days, region FROM two"
        " ON CONFLICT DO NOTHING".format,
        IDS,
        IDS,
    ),
    st.builds("DELETE FROM payments WHERE id BETWEEN {} AND {}".format, IDS, IDS),
    st.just("TRUNCATE payments"),
)


class AnyOrder(RuleBasedStateMachine):
    """A stream, and everything that people do to it and to its source."""

    connection: ClassVar[Connection]

    def call(self, function: str, *arguments: object) -> object:
        places = ", ".join("%s" for _ in arguments)
        return one(self.connection, f"SELECT pgpredict.{function}({places})", [*arguments])

    @initialize(
        mode=st.sampled_from(["queue", "transaction"]),
        level=st.sampled_from(["statement", "row"]),
        rows=st.integers(0, 12),
    )
    def create(self, mode: str, level: str, rows: int) -> None:
        self.connection.execute("DELETE FROM payments")
        self.call("promote", "risk", 1)
        self.connection.execute(
            "INSERT INTO payments SELECT n, n, n FROM generate_series(1, %s::int) AS n", [rows]
        )
        self.connection.execute(
            "SELECT pgpredict.create_stream('s', 'risk', 'payments', mode => %s, level => %s,"
            " backfill => true)",
            [mode, level],
        )

    @rule(
        statements=st.lists(STATEMENTS, min_size=1, max_size=4),
        undone=st.sampled_from([False, False, False, True]),
        batch=st.sampled_from([0, 0, 0, 2]),
    )
    def write(self, statements: list[str], undone: bool, batch: int) -> None:
        with self.connection.transaction(force_rollback=undone):
            for statement in statements:
                self.connection.execute(statement)
            if batch:
                work(self.connection, batch=batch)

    @rule(batch=st.sampled_from([1, 2, 5, 1000]))
    def work(self, batch: int) -> None:
        work(self.connection, batch=batch)

    @rule()
    def pause(self) -> None:
        self.call("pause_stream", "s")

    @rule()
    def resume(self) -> None:
        self.call("resume_stream", "s")

    @rule()
    def backfill(self) -> None:
        self.call("backfill_stream", "s")

    @rule(version=st.sampled_from([1, 2]))
    def promote(self, version: int) -> None:
        """What was said before stays, until everything is said again."""
        self.call("promote", "risk", version)
        self.backfill()

    @rule(version=st.sampled_from([1, 2]), add=st.booleans())
    def shadow(self, version: int, add: bool) -> None:
        if not add:
            self.call("drop_shadow", "s", version)
        elif version != one(self.connection, "SELECT version FROM pgpredict.streams"):
            self.call("add_shadow", "s", version)

    @rule()
    def maintain(self) -> None:
        said = self.connection.execute("SELECT pgpredict.maintain('s')").fetchall()
        assert said == []

    @rule()
    def come_to_rest(self) -> None:
        self.call("resume_stream", "s")
        drain(self.connection, batch=3)
        assert one(self.connection, "SELECT array_agg(error) FROM pgpredict.failure") is None
        assert agrees(self.connection) == one(self.connection, "SELECT count(*) FROM payments")

    def teardown(self) -> None:
        if one(self.connection, "SELECT count(*) FROM pgpredict.stream"):
            self.come_to_rest()
            assert self.call("drop_stream", "s") == 0


def test_any_order(connection: Connection) -> None:
    AnyOrder.connection = connection
    run_state_machine_as_test(
        AnyOrder,
        settings=settings(
            max_examples=15,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

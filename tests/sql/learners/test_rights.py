"""Who may do what with a learner: nobody anything, until it is granted."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.sql.learners.asking import Connection, drain, learnt, one
from tests.sql.learners.payments import insert
from tests.sql.streams.roles import Roles, some_roles

pytestmark = pytest.mark.usefixtures("fraud")


@pytest.fixture
def roles(installed_dsn: str, admin_dsn: str) -> Iterator[Roles]:
    with some_roles(installed_dsn, admin_dsn) as roles:
        yield roles


def refused(connection: Connection, *statements: str) -> None:
    for statement in statements:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def test_whoever_may_use_predict_may_ask(connection: Connection, roles: Roles) -> None:
    insert(connection, 1, 10)
    drain(connection)
    role = roles.make("analyst")
    analyst = roles.connect(role)
    refused(analyst, "SELECT predict.fraud(1, 1)")
    connection.execute(f"GRANT USAGE ON SCHEMA predict TO {role}")
    for call in ("fraud(1, 1)", "fraud_proba(1, 1)", "fraud_at(0, 1, 1)", "fraud_state()"):
        assert one(analyst, f"SELECT predict.{call}") is not None
    refused(
        analyst,
        "SELECT pgpredict.learn('fraud')",
        "SELECT * FROM pgpredict.learner_state",
        "SELECT pgpredict.fraud_kernel('{1}', '{1}', '{1}')",
        "SELECT pgpredict.unlearn('fraud', '{1}')",
    )


def test_a_worker_needs_the_right_to_work_alone(connection: Connection, roles: Roles) -> None:
    role = roles.make("worker")
    connection.execute(f"GRANT USAGE ON SCHEMA pgpredict TO {role}")
    connection.execute(
        "GRANT EXECUTE ON FUNCTION pgpredict.work, pgpredict.ready_streams, pgpredict.maintain"
        f" TO {role}"
    )
    insert(connection, 1, 10)
    worker = roles.connect(role)
    assert one(worker, "SELECT pgpredict.ready_streams()") == "fraud"
    assert one(worker, "SELECT pgpredict.work('fraud')") == 10
    assert list(worker.execute("SELECT pgpredict.maintain('fraud')")) == []
    refused(
        worker,
        "SELECT * FROM payments",
        "SELECT pgpredict.pause_learner('fraud')",
        "SELECT pgpredict.unlearn('fraud', '{1}')",
    )
    assert learnt(connection) == [*range(1, 11)]


def test_a_writer_needs_no_right_but_to_write(connection: Connection, roles: Roles) -> None:
    role = roles.make("writer")
    connection.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    connection.execute(f"GRANT INSERT ON payments TO {role}")
    roles.connect(role).execute("INSERT INTO payments VALUES (1, 1, 1, true)")
    assert drain(connection) == 1

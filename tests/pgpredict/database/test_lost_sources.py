"""Source tables that were renamed, dropped or changed: versions must be switched all the same."""

from __future__ import annotations

import psycopg
import pytest

import pgpredict
from pgpredict.errors import SignatureChanged
from tests.pgpredict.database.models import customers, value


@pytest.fixture
def installed_dsn(every_installed_dsn: str) -> str:
    """Each test here runs on every Postgres."""
    return every_installed_dsn


@pytest.fixture
def db(db: pgpredict.Database, connection: psycopg.Connection) -> pgpredict.Database:
    """A model whose v2 is live, and was promoted over v1."""
    db.deploy("value", value(1), customers(), source="customers")
    db.deploy("value", value(2), customers(), promote=True)
    return db


def answers(connection: psycopg.Connection, query: str) -> list[object]:
    return [row[0] for row in connection.execute(query.encode()).fetchall()]


def sources(db: pgpredict.Database) -> list[str | None]:
    return [version.source for version in db.versions()]


def test_renamed_source_is_followed(db: pgpredict.Database, connection: psycopg.Connection) -> None:
    connection.execute("""
        CREATE VIEW worth AS SELECT predict.value(c) AS worth FROM customers c WHERE id = 10;
        CREATE SCHEMA "New York";
        ALTER TABLE customers RENAME TO "Clients";
        ALTER TABLE "Clients" SET SCHEMA "New York";
    """)
    name = '"New York"."Clients"'
    assert sources(db) == [name, name]
    assert db.rollback("value") == 1
    assert sources(db) == [name, name]
    assert answers(connection, "SELECT worth FROM worth") == [pytest.approx(22.5)]
    assert db.events()[-1].detail == {"from": 2}
    assert db.deploy("value", value(3), customers()).source == name


def test_dropped_source_takes_the_row_form_with_it_and_nothing_else(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("DROP TABLE customers CASCADE")
    assert (sources(db), db.models()[0].source) == ([None, None], None)
    told = []
    connection.add_notice_handler(
        lambda notice: told.append((notice.message_primary, notice.message_hint))
    )
    assert answers(connection, "SELECT pgpredict.rollback('value')") == [1]
    assert told == [
        (
            "predict.value takes no rows of public.customers: it is gone",
            "once they fit: SELECT pgpredict.promote('value', 1)",
        )
    ]
    assert db.events()[-1].detail == {
        "from": 2,
        "without_rows_of": "public.customers",
        "because": "it is gone",
    }
    assert db.promote("value", 2) == 2
    assert answers(connection, "SELECT predict.value(1, 2)") == [pytest.approx(6)]


def test_source_that_is_back_is_taken_again(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("DROP TABLE customers CASCADE")
    db.rollback("value")
    connection.execute("CREATE VIEW customers AS SELECT 1.5::float8 AS tenure, 2 AS spend")
    assert sources(db) == [None, "public.customers"]
    db.promote("value", 1)
    assert sources(db) == ["public.customers", "public.customers"]
    assert answers(connection, "SELECT predict.value(c) FROM customers c") == [pytest.approx(3.5)]


def test_source_that_lost_a_column_stops_no_rollback(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("ALTER TABLE customers RENAME COLUMN spend TO spent")
    assert db.rollback("value") == 1
    assert db.events()[-1].detail == {
        "from": 2,
        "without_rows_of": "public.customers",
        "because": "no column spend",
    }
    assert db.versions()[0].source is None
    assert answers(connection, "SELECT predict.value(1, 2)") == [pytest.approx(3)]


def test_row_form_in_use_is_not_dropped_for_a_column_that_is_lost(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE VIEW worth AS SELECT predict.value(c) AS worth FROM customers c WHERE id = 10;
        ALTER TABLE customers RENAME COLUMN spend TO spent;
    """)
    with pytest.raises(SignatureChanged, match="cannot roll value back to v1: its sig") as caught:
        db.rollback("value")
    assert caught.value.details == (
        "~ the rows of public.customers do not fit any more: no column spend",
        "in use by: view public.worth",
    )
    assert answers(connection, "SELECT worth FROM worth") == [pytest.approx(45)]


def test_deploy_tells_that_the_row_form_goes_where_a_column_was_renamed(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("ALTER TABLE customers RENAME COLUMN spend TO spent")
    assert db.deploy("value", value(3), customers()).notes == (), "the row form still stands"
    assert answers(connection, "SELECT count(predict.value(c)) FROM customers c") == [200]
    deployed = db.deploy("value", value(4), customers(), promote=True)
    lost = {"without_rows_of": "public.customers", "because": "no column spend"}
    assert deployed.notes == ("predict.value takes no rows of public.customers: no column spend",)
    assert (deployed.source, deployed.calls) == (None, ("predict.value(tenure, spend)",))
    assert db.events()[-1].detail == {"from": 2, **lost}
    assert answers(connection, "SELECT predict.value(1, 2)") == [pytest.approx(12)]
    assert db.rollback("value") == 2
    assert db.events()[-1].detail == {"from": 4, **lost}
    connection.execute("ALTER TABLE customers RENAME COLUMN spent TO spend")
    assert db.promote("value", 2) == 2
    assert answers(connection, "SELECT count(predict.value(c)) FROM customers c") == [200]


def test_another_source_tells_that_the_rows_of_the_first_are_taken_no_more(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE TABLE clients (LIKE customers)")
    deployed = db.deploy("value", value(3), customers(), source="clients", promote=True)
    (note,) = deployed.notes
    assert note.startswith("predict.value takes no rows of public.customers: ")
    assert note.endswith("value v3 was deployed with the source public.clients")
    assert db.rollback("value") == 2
    assert db.events()[-1].detail["without_rows_of"] == "public.clients"
    assert answers(connection, "SELECT count(predict.value(c)) FROM customers c") == [200]


def test_live_version_put_in_place_without_its_row_form_tells_so_and_is_no_step(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("ALTER TABLE customers RENAME COLUMN spend TO spent")
    assert db.promote("value", 2) == 2
    assert db.events()[-1].detail["because"] == "no column spend"
    assert db.rollback("value") == 1

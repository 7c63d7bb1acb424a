"""Samples from a query: types, and what a query may not do."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from pgpredict.errors import NoRights, UnreadableSample
from pgpredict.sample import query, read_query

Connection = psycopg.Connection[Any]


def test_columns_get_the_types_that_a_model_was_trained_on(connection: Connection) -> None:
    frame = read_query(
        """
        SELECT 1::smallint AS small, 2::bigint AS big, 1.25 AS numeric, 0.5::real AS real,
               true AS active, 'gold' AS plan, 'x'::varchar(3) AS code, 'y'::char(3) AS padded,
               date '2024-02-29' AS day, timestamp '2024-02-29 12:30' AS moment,
               timestamptz '2024-02-29 12:30+02' AS instant
        """,
        connection,
    )

    assert frame.dtypes.astype(str).to_dict() == {
        "small": "int64",
        "big": "int64",
        "numeric": "float64",
        "real": "float64",
        "active": "bool",
        "plan": "str",
        "code": "str",
        "padded": "str",
        "day": "datetime64[us]",
        "moment": "datetime64[us]",
        "instant": "datetime64[us, UTC]",
    }
    assert frame["instant"][0].isoformat() == "2024-02-29T10:30:00+00:00"
    assert frame["numeric"][0] == 1.25


def test_null_becomes_a_missing_value_of_each_type(connection: Connection) -> None:
    frame = read_query(
        "SELECT NULL::int AS number, NULL::numeric AS price, NULL::boolean AS active, "
        "NULL::text AS plan, NULL::timestamp AS moment, NULL::timestamptz AS instant "
        "UNION ALL SELECT 1, 1, true, 'gold', now()::timestamp, now()",
        connection,
    )

    assert frame.iloc[0].isna().all()
    assert frame.dtypes.astype(str).to_dict() == {
        "number": "float64",
        "price": "float64",
        "active": "object",
        "plan": "str",
        "moment": "datetime64[us]",
        "instant": "datetime64[us, UTC]",
    }


def test_an_enum_and_a_domain_are_text_and_number(connection: Connection) -> None:
    connection.execute("CREATE TYPE plan AS ENUM ('basic', 'gold')")
    connection.execute("CREATE DOMAIN months AS integer CHECK (VALUE >= 0)")
    connection.commit()

    frame = read_query("SELECT 'gold'::plan AS plan, 3::months AS tenure", connection)

    assert frame.dtypes.astype(str).to_dict() == {"plan": "str", "tenure": "int64"}


@pytest.mark.parametrize(
    "text",
    [
        "select 1 as a;",
        "values (1, 'x')",
        "with r as (select 1 as a) select a from r",
        "select 7 % 4",
    ],
)
def test_every_kind_of_reading_query_is_run(text: str, connection: Connection) -> None:
    assert len(read_query(text, connection)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("select 1 as a, 2 as a", "columns appear twice: a"),
        ("select 1 as a where false", "it gives no rows"),
        ("select * from nowhere", 'relation "nowhere" does not exist'),
        ("select from generate_series(1, 2)", "it gives no columns"),
        ("selekt 1", "syntax error"),
        ("select 1 / 0", "division by zero"),
        ("select 1; drop table kept", "multiple commands"),
        ("with w as (insert into kept values (1) returning 1) select * from w", "must not contain"),
        ("select writes()", "the query writes"),
        ("select 'infinity'::timestamp", "timestamp too large"),
    ],
)
def test_what_a_query_may_not_be(text: str, message: str, connection: Connection) -> None:
    connection.execute("CREATE TABLE kept (i int)")
    connection.execute(
        "CREATE FUNCTION writes() RETURNS int LANGUAGE sql "
        "AS 'INSERT INTO kept VALUES (1) RETURNING 1'"
    )
    connection.commit()

    with pytest.raises(UnreadableSample, match=message):
        read_query(text, connection)

    assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_table_that_the_role_may_not_read_names_the_right(connection: Connection) -> None:
    connection.execute("CREATE TABLE secret (i int)")
    connection.execute("REVOKE ALL ON secret FROM CURRENT_USER")
    connection.commit()

    with pytest.raises(NoRights, match="permission denied for table secret"):
        read_query("select * from secret", connection)


def test_a_huge_answer_is_cut(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "MOST_ROWS", 10)
    said: list[str] = []

    frame = read_query("select generate_series(1, 1000000000) as i", connection, said.append)

    assert frame["i"].tolist() == list(range(1, 11))
    assert said == ["the sample is cut: the query gives more than 10 rows"]


def test_an_answer_that_just_fits_is_whole(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "MOST_ROWS", 10)
    said: list[str] = []

    assert len(read_query("select generate_series(1, 10) as i", connection, said.append)) == 10
    assert said == []


def test_the_connection_is_as_it_was_before(connection: Connection) -> None:
    read_query("select 1.5 as a", connection)

    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    connection.execute("CREATE TABLE writable (n numeric)")
    row = connection.execute("SELECT 1.5::numeric").fetchone()
    assert row is not None
    assert type(row[0]).__name__ == "Decimal"

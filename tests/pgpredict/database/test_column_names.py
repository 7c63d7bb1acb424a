"""Columns of any name, in the sample, in the table, and as arguments."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

import pgpredict
from tests.pgpredict.database.models import customers, value

NAMES = [
    "Größe",
    "UPPER case",
    'with "quotes"',
    "it's",
    "per%cent",
    "back\\slash",
    "semi;colon--",
    "{braces}",
    "$one",
    "日本",
    "select",
    "table.column",
    " ",
    "c",
    "model",
    "prediction",
    "a b",
    "x" * 63,
]


def test_every_name_reaches_the_model(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    sample = customers(columns=NAMES)
    model = value(columns=NAMES)
    relation = Identifier("Täble of \"things\"; 100% %s 'x'")
    declared = SQL(", ").join(SQL("{} float8").format(Identifier(name)) for name in NAMES)
    connection.execute(SQL("CREATE TABLE {} ({})").format(relation, declared))
    with connection.cursor().copy(SQL("COPY {} FROM STDIN").format(relation)) as copy:
        for row in sample.itertuples(index=False):
            copy.write_row(row)

    deployed = db.deploy("names", model, sample, source=relation.as_string(connection))
    assert deployed.max_difference < 1e-9
    assert deployed.source == "public." + relation.as_string(connection)
    assert [i["name"] for i in db.versions()[0].signature] == NAMES

    by_row = connection.execute(SQL("SELECT predict.names(t) FROM {} t").format(relation))
    assert [answer for (answer,) in by_row] == pytest.approx(model.predict(sample).tolist())
    named = SQL(", ").join(
        SQL("{} => {}").format(Identifier(name), i) for i, name in enumerate(NAMES)
    )
    by_name = connection.execute(SQL("SELECT predict.names({})").format(named)).fetchone()
    assert by_name == (pytest.approx(sum(range(len(NAMES)))),)

    connection.execute(
        SQL("CREATE VIEW {} AS SELECT predict.names(t) AS n FROM {} t").format(
            Identifier('V "1"'), relation
        )
    )
    db.deploy("names", value(2, columns=NAMES), sample, promote=True)
    doubled = connection.execute(SQL("SELECT n FROM {}").format(Identifier('V "1"'))).fetchone()
    assert doubled == (pytest.approx(2 * model.predict(sample)[0]),)
    assert db.verify("names").differing == 0
    assert db.retire("names", 1) == 1


def test_source_in_a_schema_that_needs_quotes(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("""
        CREATE SCHEMA "My Shop";
        CREATE TABLE "My Shop"."Kunden" AS SELECT 1::smallint AS tenure, 2::real AS spend;
    """)
    deployed = db.deploy("value", value(), customers(), source='"My Shop"."Kunden"')
    assert deployed.calls == ('predict.value("My Shop"."Kunden")',)
    answer = connection.execute('SELECT predict.value(k) FROM "My Shop"."Kunden" k').fetchone()
    assert answer == (pytest.approx(3),)


def test_source_is_found_on_the_search_path_of_the_caller(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    connection.execute("CREATE SCHEMA shop; ALTER TABLE customers SET SCHEMA shop")
    connection.execute("SET search_path = shop")
    deployed = pgpredict.connect(connection).deploy(
        "value", value(), customers(), source="customers"
    )
    assert deployed.source == "shop.customers"
    assert deployed.calls == ("predict.value(shop.customers)",)


def test_table_with_the_name_of_our_own(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    """A table that is called like one of ours, or shadows a type, is not taken for it."""
    connection.execute("""
        CREATE TABLE version (tenure float8, spend float8);
        CREATE TABLE float8 (tenure float8, spend float8);
        CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'no' $$;
        SET search_path = public, pg_catalog;
    """)
    mine = pgpredict.connect(connection)
    for name in ("version", "float8"):
        assert mine.deploy(name, value(), customers(), source=name).source == f"public.{name}"
    assert connection.execute("SHOW search_path").fetchone() == ("public, pg_catalog",)
    answer = connection.execute("SELECT predict.version(v) FROM public.version v").fetchall()
    assert answer == []
    assert mine.verify("float8").differing == 0

"""Streams that cannot be, and what is said of each."""

from __future__ import annotations

from typing import NamedTuple

from tests.sql.streams.models import INPUTS

# Relations that cannot be sources, and columns that cannot be keys.
TABLES = f"""
    CREATE VIEW a_view AS TABLE payments;
    CREATE MATERIALIZED VIEW a_matview AS TABLE payments;
    CREATE SEQUENCE a_sequence;
    CREATE TABLE without_key ({INPUTS});
    CREATE TABLE narrow (id bigint PRIMARY KEY, amount float8);
    CREATE TABLE typed (id bigint PRIMARY KEY, amount text, days boolean, region text);
    CREATE TABLE keys (a int NOT NULL, b int NOT NULL, c int UNIQUE DEFERRABLE, d int, e text,
                       f int[] UNIQUE, version int UNIQUE, {INPUTS});
    CREATE UNIQUE INDEX ON keys (d) WHERE d > 0;
    CREATE UNIQUE INDEX ON keys (lower(e));
    CREATE UNIQUE INDEX ON keys (a, b);
    CREATE INDEX ON keys (a);
    CREATE TEMP TABLE passing (LIKE payments INCLUDING ALL);
    CREATE TABLE whole (id bigint PRIMARY KEY, {INPUTS}) PARTITION BY RANGE (id);
    CREATE TABLE a_partition PARTITION OF whole FOR VALUES FROM (1) TO (9);
    CREATE TABLE parent (id bigint PRIMARY KEY, {INPUTS});
    CREATE TABLE child () INHERITS (parent);
"""
# A foreign table needs a wrapper, which only an administrator makes.
FOREIGN = f"""
    CREATE FOREIGN DATA WRAPPER pgpredict_test;
    CREATE SERVER far_away FOREIGN DATA WRAPPER pgpredict_test;
    CREATE FOREIGN TABLE a_foreign_table (id bigint, {INPUTS}) SERVER far_away;
"""


class Refused(NamedTuple):
    """Arguments of create_stream after the name; what is said of them."""

    arguments: str
    code: str
    message: str
    detail: str | None = None


KEYS = "'risk', 'keys', key => '{{{}}}'"
REFUSED = {
    "unknown model": Refused(
        "'nope', 'payments'", "PP001", "there is no model nope", "models: idle, risk"
    ),
    "no live version": Refused(
        "'idle', 'payments'", "PP001", "idle has no live version", "versions: 1"
    ),
    "no model": Refused(
        "NULL, 'payments'", "PP001", "there is no model NULL", "models: idle, risk"
    ),
    "unknown source": Refused("'risk', 'nope'", "42P01", 'relation "nope" does not exist'),
    "no source": Refused(
        "'risk', NULL", "PP005", "the source is not named: a stream needs a table"
    ),
    "a view": Refused(
        "'risk', 'a_view'", "PP005", "public.a_view is a view: a stream needs a table"
    ),
    "a partition": Refused(
        "'risk', 'a_partition'",
        "PP005",
        "public.a_partition is a partition: a stream needs a table",
    ),
    "a table with children": Refused(
        "'risk', 'parent'",
        "PP005",
        "public.parent is the parent of tables that inherit from it: a stream needs a table",
    ),
    "a materialized view": Refused(
        "'risk', 'a_matview'",
        "PP005",
        "public.a_matview is a materialized view: a stream needs a table",
    ),
    "a temporary table": Refused(
        "'risk', 'passing'", "PP005", "passing is a temporary table: a stream needs a table"
    ),
    "a foreign table": Refused(
        "'risk', 'a_foreign_table'",
        "PP005",
        "public.a_foreign_table is a foreign table: a stream needs a table",
    ),
    "a sequence": Refused(
        "'risk', 'a_sequence'", "PP005", "public.a_sequence is not a table: a stream needs a table"
    ),
    "an index": Refused(
        "'risk', 'payments_pkey'",
        "PP005",
        "public.payments_pkey is not a table: a stream needs a table",
    ),
    "a system table": Refused(
        "'risk', 'pg_class'", "PP005", "pg_class is a system table: a stream needs a table"
    ),
    "a table of pgpredict": Refused(
        "'risk', 'pgpredict.version'",
        "PP005",
        "version is a system table: a stream needs a table",
    ),
    "missing columns": Refused(
        "'risk', 'narrow'",
        "PP005",
        "cannot create stream s: the rows of public.narrow do not fit the model",
        "no column days\nno column region",
    ),
    "other types": Refused(
        "'risk', 'typed'",
        "PP005",
        "cannot create stream s: the rows of public.typed do not fit the model",
        "amount is text, the model takes double precision\n"
        "days is boolean, the model takes double precision",
    ),
    "no primary key": Refused(
        "'risk', 'without_key'", "PP005", "public.without_key has no primary key"
    ),
    "an empty key": Refused(
        "'risk', 'without_key', key => '{}'", "PP005", "public.without_key has no primary key"
    ),
    "an unknown column as key": Refused(
        KEYS.format("nope"), "PP005", "(nope) cannot be the key of public.keys", "no column nope"
    ),
    "a system column as key": Refused(
        KEYS.format("ctid"), "PP005", "(ctid) cannot be the key of public.keys", "no column ctid"
    ),
    "a key of NULL": Refused(
        KEYS.format("NULL"), "PP005", "(NULL) cannot be the key of public.keys", "a name is NULL"
    ),
    "a column twice": Refused(
        KEYS.format("a,a"),
        "PP005",
        "(a, a) cannot be the key of public.keys",
        "a stands there twice",
    ),
    "a key that is not unique": Refused(
        KEYS.format("a"),
        "PP005",
        "(a) cannot be the key of public.keys",
        "no unique index stands on exactly these columns",
    ),
    "more than a unique key": Refused(
        KEYS.format("a,b,d"),
        "PP005",
        "(a, b, d) cannot be the key of public.keys",
        "no unique index stands on exactly these columns",
    ),
    "a deferrable constraint": Refused(
        KEYS.format("c"),
        "PP005",
        "(c) cannot be the key of public.keys",
        "no unique index stands on exactly these columns",
    ),
    "a partial index": Refused(
        KEYS.format("d"),
        "PP005",
        "(d) cannot be the key of public.keys",
        "no unique index stands on exactly these columns",
    ),
    "an index of an expression": Refused(
        KEYS.format("e"),
        "PP005",
        "(e) cannot be the key of public.keys",
        "no unique index stands on exactly these columns",
    ),
    "an array as key": Refused(
        KEYS.format("f"), "PP005", "(f) cannot be the key of public.keys", "f is an array"
    ),
    "a name of the live table as key": Refused(
        KEYS.format("version"),
        "PP005",
        "(version) cannot be the key of public.keys",
        "version is the name of another column of the predictions",
    ),
    "a bad mode": Refused(
        "'risk', 'payments', mode => 'often'",
        "PP007",
        "mode is 'often': it is queue or transaction",
    ),
    "no mode": Refused(
        "'risk', 'payments', mode => NULL",
        "PP007",
        "mode is NULL: it is queue or transaction",
    ),
    "a bad level": Refused(
        "'risk', 'payments', level => 'table'",
        "PP007",
        "level is 'table': it is statement or row",
    ),
    "negative retention": Refused(
        "'risk', 'payments', retention => '-1 day'",
        "PP007",
        "retention is -1 days: it is 0 to 1000 years, or NULL for ever",
    ),
    "no attempts": Refused(
        "'risk', 'payments', attempts => 0",
        "PP007",
        "attempts is 0: it is at least 1",
    ),
}

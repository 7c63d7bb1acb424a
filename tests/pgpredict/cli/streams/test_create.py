"""`pgpredict stream create`: what it makes, and what it says is next."""

from __future__ import annotations

import pytest

import pgpredict

from .conftest import Stream, data, said


def test_create_says_what_there_is_and_what_is_next(stream: Stream) -> None:
    assert said(stream("create", "worth", "value", "customers")) == [
        "worth   value v1 for the rows of public.customers by id; a worker predicts",
        "  try           TABLE predict.worth_live",
        "  log           predict.worth_log, kept for 30 days",
        "  backfill      none; later: pgpredict stream backfill worth",
        "  next          pgpredict worker worth",
    ]


def test_create_with_every_option(stream: Stream, db: pgpredict.Database) -> None:
    lines = said(
        stream(
            *("create", "worth", "value", "customers", "--key", "id", "--mode", "transaction"),
            *("--backfill", "--retention", "0", "--attempts", "2", "--no-notify"),
            *("--level", "row"),
        )
    )

    assert lines == [
        "worth   value v1 for the rows of public.customers by id; the writer predicts",
        "  try           TABLE predict.worth_live",
        "  log           none",
        "  backfill      the rows that are there already come next",
        "  retries       need a worker: pgpredict worker worth",
    ]
    made = db.stream("worth")
    assert (made.mode, made.level, made.notify, made.attempts) == ("transaction", "row", False, 2)
    assert made.backfill == "running"


def test_create_gives_scripts_the_stream(stream: Stream, db: pgpredict.Database) -> None:
    made = data(stream("create", "worth", "value", "customers", "--json"))

    assert made["name"] == "worth"
    assert made["key"] == ["id"]
    assert made["retention"] == 30 * 24 * 3600
    assert made["oldest_age"] is None
    assert set(made) == set(vars(db.stream("worth")))


@pytest.mark.parametrize(
    "key",
    [
        ["--key", "day, part,Kürzel"],
        ["--key", "day,part", "--key", "Kürzel"],
        ["--key", "day", "--key", '"part"', "--key", '"Kürzel"'],
    ],
)
def test_a_key_of_several_columns(stream: Stream, db: pgpredict.Database, key: list[str]) -> None:
    with db.connection() as connection:
        connection.execute("""
            CREATE TABLE parts (
                day date, part integer, "Kürzel" text, tenure integer, spend float8,
                UNIQUE (day, part, "Kürzel"))
        """)

    said(stream("create", "worth", "value", "parts", *key))

    assert db.stream("worth").key == ["day", "part", "Kürzel"]


def test_a_column_with_a_comma_in_its_name(stream: Stream, db: pgpredict.Database) -> None:
    with db.connection() as connection:
        connection.execute(
            'CREATE TABLE t ("day, local" date PRIMARY KEY, tenure integer, spend float8)'
        )

    said(stream("create", "worth", "value", "t", "--key", '"day, local"'))

    assert db.stream("worth").key == ["day, local"]


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("7d", 604_800), ("12 hours", 43_200), ("forever", None), ("For Ever", None), ("0", 0)],
)
def test_how_long_the_log_is_kept(stream: Stream, given: str, seconds: int | None) -> None:
    made = data(stream("create", "worth", "value", "customers", "--retention", given, "--json"))

    assert made["retention"] == seconds

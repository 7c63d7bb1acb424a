"""What operators do with streams: each command says what came of it."""

from __future__ import annotations

import pytest

import pgpredict

from .conftest import Stream, data, fail, said


def test_pause_and_resume(stream: Stream, worth: str, db: pgpredict.Database) -> None:
    assert said(stream("pause", worth)) == [
        "worth is paused: rows wait until pgpredict stream resume worth"
    ]
    assert said(stream("pause", worth)) == ["worth was paused already"]
    with db.connection() as connection:
        connection.execute("INSERT INTO customers VALUES (201, 1, 2)")
    assert said(stream("resume", worth)) == ["worth runs; 1 row waiting"]
    assert said(stream("resume", worth)) == ["worth was running already; 1 row waiting"]

    paused = {"stream": "worth", "state": "paused"}
    assert data(stream("pause", worth, "--json")) == paused | {"changed": True}
    assert data(stream("pause", worth, "--json")) == paused | {"changed": False}
    running = {"stream": "worth", "state": "running", "depth": 1}
    assert data(stream("resume", worth, "--json")) == running | {"changed": True}
    assert data(stream("resume", worth, "--json")) == running | {"changed": False}


def test_backfill(stream: Stream, worth: str, db: pgpredict.Database) -> None:
    assert said(stream("backfill", worth)) == [
        "worth: a worker predicts every row of public.customers again",
        "  how far it is   pgpredict stream show worth",
    ]
    assert db.work(worth) == 200
    assert data(stream("backfill", worth, "--json")) == {"stream": "worth", "backfill": "running"}


def test_retry(stream: Stream, db: pgpredict.Database) -> None:
    fail(db, "guests")

    assert said(stream("retry", "guests")) == ["guests: 1 dead letter tried again"]
    assert said(stream("retry", "guests")) == ["guests has no dead letters to try again"]
    assert db.work("guests") == 1
    assert data(stream("retry", "guests", "--json")) == {"stream": "guests", "tried": 1}


@pytest.mark.parametrize(
    ("given", "line", "seconds"),
    [
        ("90d", "predict.worth_log is kept for 90 days", 7_776_000),
        ("36h", "predict.worth_log is kept for 36 h", 129_600),
        ("forever", "predict.worth_log is kept for ever", None),
        ("0", "predict.worth_log is written no more", 0),
    ],
)
def test_retain(stream: Stream, worth: str, given: str, line: str, seconds: int | None) -> None:
    assert said(stream("retain", worth, given)) == [line]
    told = data(stream("retain", worth, given, "--json"))
    assert told == {"stream": "worth", "retention": seconds}


def test_shadows(stream: Stream, worth: str, db: pgpredict.Database) -> None:
    assert said(stream("shadow", worth, 2)) == [
        "value v2 is scored in the shadow of worth: predict.worth_shadows compares them"
    ]
    assert db.stream(worth).shadows == [2]
    assert said(stream("unshadow", worth, 2)) == [
        "value v2 is scored no longer in the shadow of worth"
    ]
    assert said(stream("unshadow", worth, 2)) == ["value v2 was not scored in the shadow of worth"]

    shadowed = {"stream": "worth", "shadows": [2]}
    assert data(stream("shadow", worth, 2, "--json")) == shadowed
    gone = {"stream": "worth", "shadows": []}
    assert data(stream("unshadow", worth, 2, "--json")) == gone | {"changed": True}
    assert data(stream("unshadow", worth, 2, "--json")) == gone | {"changed": False}


def test_publications(stream: Stream, worth: str, db: pgpredict.Database) -> None:
    published = stream("publish", worth)

    assert published.exit_code == 0
    assert published.stdout == "publication pgpredict_worth carries predict.worth_live\n"
    assert ("wal_level" in published.stderr) == (not _logical(db))
    assert said(stream("unpublish", worth)) == ["publication pgpredict_worth is gone"]
    assert said(stream("unpublish", worth)) == ["worth was not published"]

    told = data(stream("publish", worth, "--json"))
    assert told == {"stream": "worth", "publication": "pgpredict_worth"}
    assert data(stream("unpublish", worth, "--json")) == {"stream": "worth", "changed": True}
    assert data(stream("unpublish", worth, "--json")) == {"stream": "worth", "changed": False}


def test_create_and_publish_at_once(stream: Stream, db: pgpredict.Database) -> None:
    made = stream("create", "worth", "value", "customers", "--publish")

    assert made.exit_code == 0
    assert ("warning: " in made.stderr) == (not _logical(db))
    assert said(stream("unpublish", "worth")) == ["publication pgpredict_worth is gone"]


def _logical(db: pgpredict.Database) -> bool:
    with db.connection() as connection:
        return connection.execute("SHOW wal_level").fetchone() == ("logical",)


def test_drop(stream: Stream, worth: str, db: pgpredict.Database) -> None:
    with db.connection() as connection:
        connection.execute("INSERT INTO customers VALUES (201, 1, 2)")

    assert said(stream("drop", worth)) == [
        "worth is gone, with predict.worth_live and predict.worth_log; 1 row waited"
    ]
    assert db.streams() == []
    db.create_stream("worth", "value", "customers")
    assert data(stream("drop", worth, "--json")) == {"dropped": "worth", "waited": 0}


def test_drop_while_a_view_uses_it(stream: Stream, worth: str, db: pgpredict.Database) -> None:
    with db.connection() as connection:
        connection.execute("CREATE VIEW best AS SELECT * FROM predict.worth_live")

    result = stream("drop", worth)

    assert result.exit_code == 3
    assert result.stderr.splitlines() == [
        "error: cannot drop stream worth: something still uses its tables",
        "  in use by: view public.best",
        "  do: drop these first",
        "(exit 3; nothing was changed)",
    ]
    assert [one.name for one in db.streams()] == ["worth"]

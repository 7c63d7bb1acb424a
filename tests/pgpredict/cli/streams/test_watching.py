"""`pgpredict stream list`, `show` and `dead`: what streams do, for people and for scripts."""

from __future__ import annotations

import pgpredict

from .conftest import Stream, data, fail, said


def test_list(stream: Stream, db: pgpredict.Database) -> None:
    assert said(stream("list")) == [
        "no streams yet; create one: pgpredict stream create NAME MODEL TABLE"
    ]
    assert data(stream("list", "--json")) == []
    db.create_stream("worth", "value", "customers")
    fail(db, "guests")
    db.pause_stream("worth")

    heading, guests, worth = said(stream("list"))
    assert heading.split() == [
        *("stream", "model", "table", "mode", "state", "waiting", "oldest", "rows/s", "lag"),
        "dead",
    ]
    assert guests.split()[:7] == ["guests", "value", "v1", "public.guests", "queue", "running", "0"]
    assert guests.split()[-1] == "1"
    assert worth.split()[:6] == ["worth", "value", "v1", "public.customers", "queue", "paused"]
    assert [one["name"] for one in data(stream("list", "--json"))] == ["guests", "worth"]


def test_show(stream: Stream, worth: str, db: pgpredict.Database) -> None:
    first, *lines = said(stream("show", worth))

    assert first == "worth   running"
    facts = {line[:14].strip(): line[16:] for line in lines}
    assert facts.pop("created").endswith(f" by {db.stream(worth).created_by}")
    assert facts == {
        "what": "value v1 for the rows of public.customers by id; a worker predicts",
        "predictions": "predict.worth_live",
        "log": "predict.worth_log, kept for 30 days",
        "waiting": "0 rows",
        "speed": "no worker was here yet",
        "dead letters": "0",
        "triggers": "per statement, which wake the worker",
        "attempts": "5",
    }


def test_show_while_there_is_work(stream: Stream, worth: str, db: pgpredict.Database) -> None:
    db.backfill_stream(worth)
    db.add_shadow(worth, 2)
    assert db.work(worth, batch=50) == 50
    with db.connection() as connection:
        connection.execute("UPDATE customers SET tenure = 100 WHERE id <= 3")

    lines = said(stream("show", worth))

    assert "  backfill      running, 50 rows" in lines
    assert "  shadows       v2: predict.worth_shadows" in lines
    assert any(line.startswith("  waiting       3 rows, the oldest for ") for line in lines)
    assert any(" rows/s; last batch " in line for line in lines)
    told = data(stream("show", worth, "--json"))
    assert (told["depth"], told["backfill_rows"], told["shadows"]) == (3, 50, [2])
    assert 0 < told["oldest_age"] < 600


def test_show_while_rows_fail(stream: Stream, worth: str, db: pgpredict.Database) -> None:
    with db.connection() as connection:
        connection.execute("ALTER TABLE predict.worth_live ADD CONSTRAINT odd CHECK (id <> 3)")
        connection.execute("UPDATE customers SET tenure = 100 WHERE id <= 3")
    assert db.work(worth) == 3

    failing = next(line for line in said(stream("show", worth)) if line.startswith("  failing  "))
    assert failing.startswith("  failing       1 row, to be tried again: new row for relation ")
    told = data(stream("show", worth, "--json"))
    assert (told["failing"], told["dead_letters"], told["depth"]) == (1, 0, 1)
    assert 'constraint "odd"' in told["last_error"]


def test_show_in_the_mode_transaction(stream: Stream, db: pgpredict.Database) -> None:
    db.create_stream("worth", "value", "customers", mode="transaction")
    triggers = "  triggers      per statement, which predict and notify subscribers"
    assert triggers in said(stream("show", "worth"))


def test_a_stream_whose_source_is_gone(stream: Stream, worth: str, db: pgpredict.Database) -> None:
    with db.connection() as connection:
        connection.execute("DROP TABLE customers CASCADE")
    assert said(stream("show", worth))[0] == "worth   source gone"


def test_dead_letters(stream: Stream, db: pgpredict.Database) -> None:
    assert said(stream("dead")) == ["no dead letters"]
    assert data(stream("dead", "--json")) == []
    fail(db, "guests")
    db.create_stream("worth", "value", "customers")

    heading, letter = said(stream("dead", "guests"))
    assert heading.split() == ["stream", "key", "error", "attempts", "first", "last"]
    assert letter.startswith("guests  code=")
    assert said(stream("dead")) == [heading, letter]
    assert said(stream("dead", "worth")) == ["no dead letters"]
    (told,) = data(stream("dead", "--json"))
    assert (told["stream"], told["key"]) == ("guests", {"code": None})
    assert told["error"]

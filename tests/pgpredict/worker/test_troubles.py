"""What goes wrong with one stream, or for a moment, stops nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
import pytest

import pgpredict
from pgpredict.errors import DatabaseError, NoSchema, NoServer, UnknownStream
from pgpredict.worker import Worker
from pgpredict.worker.faults import PASSING
from tests.pgpredict.worker.conftest import Shop
from tests.pgpredict.worker.processes import Process, until
from tests.pgpredict.worker.shops import arrive, predicted

Start = Callable[..., Process]
NewStream = Callable[..., str]


def test_a_stream_that_fails_keeps_no_other_from_its_work(
    shop: Shop, new_stream: NewStream, start: Start
) -> None:
    new_stream("a_broken")
    new_stream("b_sound")
    shop.execute("DROP FUNCTION pgpredict.a_broken_work(integer)")
    arrive(shop, 5)
    worker = start()

    told = worker.event("failing", stream="a_broken")
    assert "pgpredict.a_broken_work" in told["error"]
    assert told["sqlstate"] == "42883"
    until(lambda: predicted(shop, "b_sound") == 5)

    shop.execute("SELECT pgpredict.build_stream('a_broken')")
    worker.event("recovered", stream="a_broken")
    until(lambda: predicted(shop, "a_broken") == 5)


def test_an_error_of_the_moment_passes(
    shop: Shop, dsn: str, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    arrive(shop, 2)
    with psycopg.connect(dsn) as other:
        other.execute("LOCK TABLE predict.s_live IN SHARE MODE")
        worker = start()
        until(lambda: waits_for_a_lock(shop))
        shop.execute(
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'pgpredict worker' AND datname = current_database()"
        )
        assert worker.event("failing", stream="s")["sqlstate"] == "57014"

    worker.event("recovered", stream="s")
    until(lambda: predicted(shop) == 2)


def test_rows_that_cannot_be_predicted_are_told_of(
    shop: Shop, new_stream: NewStream, start: Start
) -> None:
    new_stream(attempts=1)
    shop.execute("ALTER TABLE predict.s_live ADD CHECK (id <> 203)")
    arrive(shop, 5)
    worker = start()

    told = worker.event("dead_letters", stream="s")

    assert (told["new"], told["dead_letters"]) == (1, 1)
    assert predicted(shop) == 4


def test_rows_that_will_be_tried_again_are_told_of(
    shop: Shop, dsn: str, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    shop.execute("ALTER TABLE predict.s_live ADD CONSTRAINT odd CHECK (id <> 203)")
    arrive(shop, 5)
    worker = start("--once")

    told = worker.event("rows_failed", stream="s")

    assert (told["new"], told["rows"]) == (1, 1)
    assert 'violates check constraint "odd"' in told["error"]
    assert worker.end() == 0
    once = Worker(dsn, once=True)
    once.run()
    assert once.failing == 1


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_database_with_another_isolation_level_is_no_trouble(
    shop: Shop, dsn: str, new_stream: NewStream, level: str
) -> None:
    new_stream()
    arrive(shop, 5)
    shop.execute(
        f"DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = %L',"
        f" current_database(), '{level}'); END $$".encode()
    )
    with pgpredict.connect(dsn) as db:
        assert db.work("s", 2) == 2
    assert Worker(dsn, once=True).run() == 3
    assert predicted(shop) == 5


def test_what_maintenance_finds_is_told_once(
    shop: Shop, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    shop.execute("ALTER TABLE customers RENAME TO clients")

    worker = start()

    told = worker.event("maintained", stream="s")
    assert told["note"] == "the source is called public.clients now"


def test_a_deploy_that_takes_long_keeps_no_row_waiting(
    shop: Shop, dsn: str, new_stream: NewStream, start: Start
) -> None:
    new_stream()
    with psycopg.connect(dsn) as deploying:
        deploying.execute("SELECT pgpredict.lock_model('churn')")
        worker = start()

        arrive(shop, 5)

        until(lambda: predicted(shop) == 5)
        told = worker.event("maintained", stream="s")
        assert told["note"].startswith("put off, since somebody else holds a lock")


def test_with_once_a_stream_that_fails_is_an_error_after_the_others_are_done(
    shop: Shop, dsn: str, new_stream: NewStream
) -> None:
    new_stream("a_broken")
    new_stream("b_sound")
    shop.execute("DROP FUNCTION pgpredict.a_broken_work(integer)")
    arrive(shop, 5)

    with pytest.raises(DatabaseError, match="cannot do what waits in a_broken"):
        Worker(dsn, once=True).run()

    assert predicted(shop, "b_sound") == 5


def test_a_database_without_pgpredict_is_refused(admin_dsn: str, shop: Shop) -> None:
    shop.execute("DROP SCHEMA pgpredict, predict, predict_versions CASCADE")

    with pytest.raises(NoSchema):
        Worker(admin_dsn).run()


def test_a_schema_that_goes_away_ends_it(shop: Shop, new_stream: NewStream, start: Start) -> None:
    new_stream()
    worker = start()
    worker.event("connected")

    shop.execute("DROP SCHEMA pgpredict, predict, predict_versions CASCADE")

    assert worker.end() == 5
    assert "error: the database refused" in worker.stderr


def test_nobody_there_at_the_start_is_refused() -> None:
    with pytest.raises(NoServer, match=r"cannot connect to 127\.0\.0\.1, port 1"):
        Worker("postgresql://me@127.0.0.1:1/shop").run()


def test_a_stream_that_is_not_there_is_refused(dsn: str, new_stream: NewStream) -> None:
    new_stream("s")

    with pytest.raises(UnknownStream, match="there is no stream t") as refused:
        Worker(dsn, ["s", "t"]).run()

    assert refused.value.details == ("streams: s",)


def test_a_server_that_takes_no_writes_is_refused(dsn: str, shop: Shop) -> None:
    name = shop.info.dbname
    shop.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'.encode())

    with pytest.raises(NoServer, match="takes no writes"):
        Worker(dsn).run()


def waits_for_a_lock(shop: Shop) -> bool:
    query = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'predict.s_live'::regclass"
    )
    row = shop.execute(query).fetchone()
    return row is not None and row[0] > 0


def test_worker_and_database_agree_on_which_errors_pass(shop: Shop) -> None:
    row = shop.execute("SELECT pgpredict.apply_template()").fetchone()
    assert row is not None
    found = re.search(r"left\(code, 2\) IN \(([^)]*)\)", row[0])
    assert found is not None
    assert tuple(re.findall(r"'(\w+)'", found[1])) == PASSING

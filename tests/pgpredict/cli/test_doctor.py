"""The doctor finds what stands in the way, and says what to do."""

from __future__ import annotations

import json
from typing import Any

import psycopg

import pgpredict
from tests.pgpredict.database.models import customers, value

from .conftest import Run


def _examine(run: Run, dsn: str, *, healthy: bool) -> dict[str, Any]:
    result = run("doctor", "--dsn", dsn, "--json")
    assert result.exit_code == (0 if healthy else 5), result.output
    return {finding["subject"]: finding for finding in json.loads(result.stdout)}


def test_a_healthy_database(installed_dsn: str, run: Run) -> None:
    found = _examine(run, installed_dsn, healthy=True)

    assert list(found) == [
        *("client", "connection", "server", "schema", "rights", "trees"),
        *("writing", "new tables", "encoding", "jit"),
    ]
    assert found["schema"]["state"] == found["rights"]["state"] == "ok"
    assert found["server"]["found"].startswith("Postgres ")


def test_an_index_on_a_live_function(installed_dsn: str, run: Run) -> None:
    with pgpredict.connect(installed_dsn) as db, db.connection() as connection:
        db.deploy("value", value(), customers())
        connection.execute("CREATE TABLE t AS SELECT 1.0::float8 AS a")
        connection.execute("CREATE INDEX x ON t (predict.value(a, a))")
        connection.commit()

    assert _examine(run, installed_dsn, healthy=True)["predict.value"] == {
        "subject": "predict.value",
        "state": "note",
        "found": "its answers are stored by index public.x: no other version can go live",
        "do": "build these on predict_versions.value_v1 instead",
    }


def test_a_database_without_the_schema(dsn: str, run: Run) -> None:
    found = _examine(run, dsn, healthy=False)

    assert found["schema"] == {
        "subject": "schema",
        "state": "problem",
        "found": "not installed",
        "do": "pgpredict init",
    }
    assert found["rights"]["state"] == "ok"


def test_a_role_that_may_not_install(dsn: str, admin_dsn: str, run: Run) -> None:
    owner = psycopg.conninfo.conninfo_to_dict(dsn)["user"]
    name = psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" OWNER TO CURRENT_USER'.encode())

    found = _examine(run, dsn, healthy=False)

    assert found["rights"]["do"] == f"GRANT CREATE ON DATABASE {name} TO {owner}"


def test_a_newer_schema(installed_dsn: str, run: Run) -> None:
    with psycopg.connect(installed_dsn) as connection:
        connection.execute("INSERT INTO pgpredict.schema_version (version) VALUES (1000)")

    found = _examine(run, installed_dsn, healthy=False)

    assert "has version 1000" in found["schema"]["found"]
    assert "upgrade" in found["schema"]["do"]


def test_transactions_that_only_read(installed_dsn: str, run: Run) -> None:
    found = _examine(
        run, f"{installed_dsn}?options=-cdefault_transaction_read_only%3Don", healthy=True
    )

    assert found["writing"]["state"] == "note"
    assert found["writing"]["do"].endswith("SET default_transaction_read_only = off")


def test_a_search_path_that_leads_into_our_schemas(installed_dsn: str, run: Run) -> None:
    found = _examine(run, f"{installed_dsn}?options=-csearch_path%3Dpredict", healthy=True)

    assert found["new tables"]["found"] == "go to schema predict, which is pgpredict's own"
    assert found["new tables"]["do"].endswith(" SET search_path = public")


def test_a_role_that_may_only_look(installed_dsn: str, run: Run) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(installed_dsn)
    with psycopg.connect(installed_dsn, autocommit=True) as owner:
        owner.execute("CREATE ROLE pgpredict_test_reader LOGIN PASSWORD 'reads'")
        owner.execute("GRANT USAGE ON SCHEMA pgpredict TO pgpredict_test_reader")
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA pgpredict TO pgpredict_test_reader")
        try:
            reader = f"postgresql://pgpredict_test_reader:reads@{parts['host']}:{parts['port']}"
            found = _examine(run, f"{reader}/{parts['dbname']}", healthy=False)
        finally:
            owner.execute("DROP OWNED BY pgpredict_test_reader")
            owner.execute("DROP ROLE pgpredict_test_reader")

    assert found["rights"] == {
        "subject": "rights",
        "state": "problem",
        "found": "pgpredict_test_reader may look, but not deploy or promote",
        "do": f"have an administrator run: GRANT {parts['user']} TO pgpredict_test_reader",
    }


def test_nobody_answers(run: Run) -> None:
    found = _examine(run, "postgresql://nobody@127.0.0.1:1/nowhere", healthy=False)

    assert list(found) == ["client", "connection"]
    assert found["connection"]["do"]


def test_the_screen_says_what_to_do(dsn: str, run: Run) -> None:
    lines = run("doctor", "--dsn", dsn).stdout.splitlines()

    place = next(i for i, line in enumerate(lines) if line.startswith("problem  schema"))
    assert lines[place + 1].strip() == "do: pgpredict init"


def test_streams(installed_dsn: str, run: Run) -> None:
    with pgpredict.connect(installed_dsn) as db, db.connection() as connection:
        db.deploy("value", value(), customers())
        connection.execute("CREATE TABLE t (id integer UNIQUE, tenure float8, spend float8)")
        db.create_stream("calm", "value", "t", "id")
        connection.commit()
        assert _examine(run, installed_dsn, healthy=True)["streams"] == {
            "subject": "streams",
            "state": "ok",
            "found": "1, 0 rows waiting",
            "do": "",
        }

        db.create_stream("held", "value", "t", "id")
        connection.execute("INSERT INTO t VALUES (1, 2, 3), (NULL, 5, 6)")
        while db.work("held"):
            pass
        db.pause_stream("held")
        connection.execute("UPDATE pgpredict.queue SET enqueued_at = now() - interval '1 hour'")
        connection.commit()

    assert _examine(run, installed_dsn, healthy=True)["streams"] == {
        "subject": "streams",
        "state": "note",
        "found": "2, 2 rows waiting, some for more than a minute, 1 paused, 1 dead letters",
        "do": "pgpredict worker; pgpredict stream list; pgpredict stream dead",
    }


def test_triggers_of_streams_that_do_not_fire(installed_dsn: str, run: Run) -> None:
    with pgpredict.connect(installed_dsn) as db, db.connection() as connection:
        db.deploy("value", value(), customers())
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, tenure float8, spend float8)")
        connection.execute("CREATE TABLE u (id integer PRIMARY KEY, tenure float8, spend float8)")
        db.create_stream("calm", "value", "t")
        db.create_stream("lost", "value", "u")
        connection.execute("DROP TRIGGER pgpredict_calm_update ON t")
        connection.execute("DROP TABLE u CASCADE")
        found = _examine(run, installed_dsn, healthy=False)
        assert found["stream calm"]["found"] == "triggers on t are missing"
        assert found["stream calm"]["do"] == (
            "a worker puts them back: pgpredict worker calm --once"
        )
        assert found["stream lost"]["found"] == "its source is gone"
        db.drop_stream("lost")
        connection.execute("SELECT pgpredict.maintain('calm')")
        _examine(run, installed_dsn, healthy=True)
        connection.execute("ALTER TABLE t DISABLE TRIGGER pgpredict_calm_insert")
        found = _examine(run, installed_dsn, healthy=False)
        assert found["stream calm"]["found"] == "triggers on t are disabled"


def test_models_whose_walker_is_gone(installed_dsn: str, run: Run) -> None:
    with psycopg.connect(installed_dsn) as connection:
        connection.execute("DROP FUNCTION predict_runtime.walk_trees")

    found = _examine(run, installed_dsn, healthy=False)

    assert found["trees"]["state"] == "problem"
    assert "walk_trees" in found["trees"]["found"]
    assert "pgpredict init" in found["trees"]["do"]

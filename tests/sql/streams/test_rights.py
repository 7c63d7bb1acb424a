"""Who may do what with a stream: nobody anything, until it is granted."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.sql.streams.asking import Connection, agrees, drain, live, one
from tests.sql.streams.roles import Roles, some_roles
from tests.sql.streams.versions import insert

pytestmark = pytest.mark.usefixtures("stream")

RELATIONS = """
    SELECT format('%I.%I', c.relnamespace::regnamespace, c.relname), c.relowner, c.relacl
    FROM pg_class AS c
    WHERE c.relnamespace IN ('pgpredict'::regnamespace, 'predict'::regnamespace)
"""
FUNCTIONS = """
    SELECT p.oid::regprocedure::text, p.proowner, coalesce(p.proacl, acldefault('f', p.proowner))
    FROM pg_proc AS p WHERE p.pronamespace = 'pgpredict'::regnamespace
"""
OWNER = "(SELECT nspowner FROM pg_namespace WHERE nspname = 'pgpredict')"


@pytest.fixture
def roles(installed_dsn: str, admin_dsn: str) -> Iterator[Roles]:
    with some_roles(installed_dsn, admin_dsn) as roles:
        yield roles


@pytest.fixture
def everything(connection: Connection, stream: str) -> None:
    """All that a stream can have."""
    connection.execute(
        "SELECT pgpredict.add_shadow(%(s)s, 2), pgpredict.publish_stream(%(s)s)", {"s": stream}
    )


@pytest.fixture
def worker(connection: Connection, roles: Roles) -> Connection:
    """A role that may work, as docs/sql.md says, and nothing else."""
    role = roles.make("worker")
    connection.execute(f"GRANT USAGE ON SCHEMA pgpredict TO {role}")
    connection.execute(
        "GRANT EXECUTE ON FUNCTION pgpredict.work, pgpredict.ready_streams, pgpredict.maintain"
        f" TO {role}"
    )
    return roles.connect(role)


def refused(connection: Connection, *statements: str) -> None:
    for statement in statements:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


@pytest.mark.usefixtures("everything")
def test_public_has_nothing(connection: Connection) -> None:
    for objects in (RELATIONS, FUNCTIONS):
        assert (
            connection.execute(
                f"SELECT o.name FROM ({objects}) AS o (name, owner, rights),"
                " aclexplode(o.rights) AS a WHERE a.grantee = 0"
            ).fetchall()
            == []
        )


@pytest.mark.usefixtures("everything")
def test_objects_of_a_stream_belong_to_the_owner_of_pgpredict(connection: Connection) -> None:
    for objects in (RELATIONS, FUNCTIONS):
        query = f"SELECT o.name FROM ({objects}) AS o (name, owner, rights) WHERE "
        names = [name for (name,) in connection.execute(f"{query} o.name LIKE '%.s@_%' ESCAPE '@'")]
        assert len(names) >= 5
        assert connection.execute(f"{query} o.owner <> {OWNER}").fetchall() == []


@pytest.mark.usefixtures("everything")
def test_functions_with_the_rights_of_their_owner_pin_what_they_see(
    connection: Connection,
) -> None:
    """The schemas of Postgres first, those of the session last, ours between, no others."""
    pinned = connection.execute("""
        SELECT p.proname,
               (SELECT s FROM unnest(p.proconfig) AS s WHERE s LIKE 'search_path=%')
        FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
        WHERE p.prosecdef AND n.nspname IN ('pgpredict', 'predict', 'predict_versions')
    """).fetchall()
    assert {"work", "ready_streams", "maintain", "s_capture"} <= {name for name, _ in pinned}
    assert {path for _, path in pinned} <= {
        "search_path=pg_catalog, pg_temp",
        "search_path=pg_catalog, pgpredict, pg_temp",
    }


@pytest.mark.usefixtures("everything")
def test_all_functions_of_a_stream_pin_what_they_see(connection: Connection) -> None:
    assert (
        connection.execute("""
        SELECT p.proname FROM pg_proc AS p
        WHERE p.pronamespace = 'pgpredict'::regnamespace AND p.proname LIKE 's@_%' ESCAPE '@'
          AND NOT 'search_path=pg_catalog, pg_temp' = ANY (coalesce(p.proconfig, '{}'))
    """).fetchall()
        == []
    )


def test_a_worker_needs_no_right_but_to_work(connection: Connection, worker: Connection) -> None:
    insert(connection, 1, 20)
    connection.execute("SELECT pgpredict.backfill_stream('s')")
    assert one(worker, "SELECT pgpredict.ready_streams()") == "s"
    drain(worker)
    assert worker.execute("SELECT pgpredict.maintain('s')").fetchall() == []
    assert agrees(connection) == 20
    refused(
        worker,
        "SELECT FROM predict.s_live",
        "SELECT FROM pgpredict.s_queue",
        "SELECT FROM pgpredict.failure",
        "SELECT FROM pgpredict.streams",
        "SELECT FROM payments",
        "SELECT pgpredict.s_work(10)",
        "SELECT pgpredict.pause_stream('s')",
        "SELECT pgpredict.drop_stream('s')",
        "SELECT pgpredict.promote('risk', 2)",
    )


def test_tables_of_a_worker_s_own_are_not_mistaken_for_others(
    connection: Connection, worker: Connection
) -> None:
    insert(connection, 1, 5)
    worker.execute("""
        CREATE TEMP TABLE stream (name text, paused_at timestamptz);
        CREATE TEMP TABLE failure (stream text);
        CREATE TEMP TABLE s_queue (id bigint, key1 bigint[]);
        CREATE TEMP TABLE payments (id bigint);
        CREATE FUNCTION pg_temp.clock_timestamp() RETURNS timestamptz
            LANGUAGE sql RETURN '-infinity'::timestamptz;
        SET search_path = pg_temp, pgpredict;
    """)
    drain(worker)
    assert agrees(connection) == 5
    with pytest.raises(psycopg.Error, match="there is no stream"):
        worker.execute("SELECT pgpredict.work('s_work(1); DROP TABLE pgpredict.stream; --')")


def test_an_analyst_reads_what_he_was_given(connection: Connection, roles: Roles) -> None:
    role = roles.make("analyst")
    connection.execute(f"GRANT USAGE ON SCHEMA predict TO {role}")
    connection.execute(f"GRANT SELECT ON predict.s_live TO {role}")
    insert(connection, 1, 5)
    drain(connection)
    analyst = roles.connect(role)
    assert len(live(analyst)) == 5
    refused(
        analyst,
        "SELECT FROM predict.s_log",
        "DELETE FROM predict.s_live",
        "SELECT pgpredict.work('s')",
    )


def test_an_operator_is_a_member_of_the_owner(connection: Connection, roles: Roles) -> None:
    role = roles.make("operator")
    roles.admin.execute(f"GRANT {connection.info.user} TO {role}")
    operator = roles.connect(role)
    operator.execute("SELECT pgpredict.create_stream('theirs', 'risk', 'payments')")
    operator.execute("SELECT pgpredict.add_shadow('theirs', 2)")
    operator.execute("SELECT pgpredict.publish_stream('theirs')")
    insert(operator, 1, 5)
    drain(operator, "theirs")
    assert agrees(operator, "theirs") == 5
    for objects in (RELATIONS, FUNCTIONS):
        query = f"SELECT o.name FROM ({objects}) AS o (name, owner, rights)"
        assert connection.execute(f"{query} WHERE o.owner <> {OWNER}").fetchall() == []
    assert one(operator, "SELECT created_by FROM pgpredict.streams WHERE name = 'theirs'") == role
    operator.execute("SELECT pgpredict.promote('risk', 2)")
    connection.execute("SELECT pgpredict.pause_stream('theirs')")
    operator.execute("SELECT pgpredict.resume_stream('theirs')")
    operator.execute("SELECT pgpredict.drop_stream('s')")
    connection.execute("SELECT pgpredict.drop_stream('theirs')")


def test_a_stranger_cannot_hang_the_trigger_on_a_table_of_his(
    connection: Connection, roles: Roles
) -> None:
    role = roles.make("stranger")
    connection.execute(f"CREATE SCHEMA theirs; GRANT CREATE, USAGE ON SCHEMA theirs TO {role}")
    connection.execute(f"GRANT USAGE ON SCHEMA pgpredict TO {role}")
    stranger = roles.connect(role)
    stranger.execute("CREATE TABLE theirs.payments (id bigint)")
    refused(
        stranger,
        "CREATE TRIGGER t AFTER INSERT ON theirs.payments REFERENCING NEW TABLE AS new_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION pgpredict.s_capture()",
    )

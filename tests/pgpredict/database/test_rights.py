"""Who may do what, and what the others are told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

import pgpredict
from pgpredict.database import schema
from pgpredict.errors import NoRights
from tests.pgpredict.database.models import customers, value
from tests.sql.traces import traces

PASSWORD = "of-a-role-of-one-test"
MakeRole = Callable[[str], str]


@pytest.fixture
def admin(installed_dsn: str, admin_dsn: str) -> Iterator[psycopg.Connection]:
    """The administrator, in the database of the test."""
    here = urlunsplit(urlsplit(admin_dsn)._replace(path=urlsplit(installed_dsn).path))
    with psycopg.connect(here, autocommit=True) as admin:
        yield admin


@pytest.fixture
def role(installed_dsn: str, admin: psycopg.Connection) -> Iterator[MakeRole]:
    """Makes roles that may log in and nothing else; gives their DSN."""
    made = []

    def make(name: str) -> str:
        name = f"{name}_{os.getpid()}"
        admin.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(Identifier(name), PASSWORD))
        made.append(name)
        url = urlsplit(installed_dsn)
        place = f"{name}:{PASSWORD}@{url.netloc.rpartition('@')[2]}"
        return urlunsplit(url._replace(netloc=place))

    yield make
    for name in made:
        admin.execute(SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(Identifier(name)))


def _name(dsn: str) -> str:
    return str(urlsplit(dsn).username)


def test_public_has_no_rights(
    db: pgpredict.Database, connection: psycopg.Connection, role: MakeRole
) -> None:
    db.deploy("value", value(), customers(), source="customers")
    with psycopg.connect(role("stranger"), autocommit=True) as stranger:
        for question in (
            "SELECT predict.value(1, 2)",
            "SELECT predict_versions.value_v1(1, 2)",
            "SELECT pgpredict.promote('value', 1)",
            "SELECT * FROM pgpredict.models",
            "SELECT * FROM pgpredict.golden_row",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                stranger.execute(question)


def test_public_may_execute_nothing_in_the_control_plane(connection: psycopg.Connection) -> None:
    open_to_all = connection.execute("""
        SELECT p.oid::regprocedure::text
        FROM pg_proc p, LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        WHERE p.pronamespace = 'pgpredict'::regnamespace AND a.grantee = 0
    """).fetchall()
    assert open_to_all == []


def test_functions_pin_their_search_path(connection: psycopg.Connection) -> None:
    """All but check_source, which looks for a table as its caller would, and catch_up.

    A procedure that has settings of its own may not commit.
    """
    loose = connection.execute("""
        SELECT p.proname FROM pg_proc p
        WHERE p.pronamespace = 'pgpredict'::regnamespace
          AND (p.prosecdef OR p.prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql'))
          AND NOT coalesce('search_path=pg_catalog, pgpredict, pg_temp' = ANY (p.proconfig), false)
    """).fetchall()
    assert sorted(loose) == [("catch_up",), ("check_source",)]


def test_usage_of_predict_is_all_that_a_caller_needs(
    db: pgpredict.Database, connection: psycopg.Connection, role: MakeRole
) -> None:
    for form in ("inline", "block"):
        db.deploy(f"value_{form}", value(), customers(), source="customers", form=form)
    analyst = role("analyst")
    connection.execute(
        SQL("GRANT USAGE ON SCHEMA predict TO {0}; GRANT SELECT ON customers TO {0}").format(
            Identifier(_name(analyst))
        )
    )
    with psycopg.connect(analyst, autocommit=True) as caller:
        for form in ("inline", "block"):
            answer = caller.execute(f"SELECT predict.value_{form}(1, 2)").fetchone()
            assert answer == (pytest.approx(3),)
            caller.execute(f"SELECT predict.value_{form}(c) FROM customers c").fetchall()


def test_deploy_without_rights_says_what_to_grant(
    db: pgpredict.Database, connection: psycopg.Connection, role: MakeRole
) -> None:
    db.deploy("value", value(), customers())
    before = traces(connection)
    stranger = role("stranger")
    theirs = pgpredict.connect(stranger)
    for act in (
        lambda: theirs.deploy("value", value(2), customers()),
        lambda: theirs.promote("value", 1),
        theirs.models,
    ):
        with pytest.raises(NoRights) as caught:
            act()
        owner = connection.info.user
        assert caught.value.message.startswith(f"role {_name(stranger)} may not")
        assert caught.value.do == (f"have an administrator run: GRANT {owner} TO {_name(stranger)}")
    assert traces(connection) == before


def test_reader_of_the_schema_may_not_deploy(
    db: pgpredict.Database, connection: psycopg.Connection, role: MakeRole
) -> None:
    db.deploy("value", value(), customers())
    auditor = role("auditor")
    connection.execute(
        SQL("""
            GRANT USAGE ON SCHEMA pgpredict TO {0};
            GRANT SELECT ON pgpredict.models, pgpredict.versions, pgpredict.events,
                            pgpredict.schema_version TO {0};
        """).format(Identifier(_name(auditor)))
    )
    theirs = pgpredict.connect(auditor)
    assert [m.name for m in theirs.models()] == ["value"]
    assert len(theirs.events()) == 2
    with pytest.raises(NoRights, match="permission denied for function") as caught:
        theirs.deploy("mine", value(), customers())
    assert caught.value.do.startswith("have an administrator run: GRANT ")
    theirs.close()


def test_what_was_granted_makes_an_operator(
    db: pgpredict.Database,
    connection: psycopg.Connection,
    admin: psycopg.Connection,
    role: MakeRole,
) -> None:
    db.deploy("value", value(1), customers(), source="customers")
    operator = role("operator")
    owner = Identifier(connection.info.user)
    admin.execute(SQL("GRANT {} TO {}").format(owner, Identifier(_name(operator))))
    with pgpredict.connect(operator) as theirs:
        assert theirs.install() == max(schema.migrations())
        theirs.deploy("value", value(2), customers(), promote=True)
        theirs.deploy("mine", value(3), customers())
    # Their functions are everybody's to replace.
    assert db.rollback("value") == 1
    assert db.deploy("mine", value(4), customers(), promote=True).live
    assert db.retire("mine", 1) == 1
    assert [e.who for e in db.events("mine")][:2] == [_name(operator)] * 2
    assert db.versions("mine")[0].created_by == _name(operator)


def test_install_without_the_right_to_create_schemas(role: MakeRole, dsn: str) -> None:
    stranger = urlsplit(role("stranger"))
    elsewhere = urlunsplit(stranger._replace(path=urlsplit(dsn).path))
    database = urlsplit(dsn).path.removeprefix("/")
    with pytest.raises(NoRights, match=f"permission denied for database {database}") as caught:
        pgpredict.connect(elsewhere).install()
    assert caught.value.do == (
        f"have an administrator run: GRANT CREATE ON DATABASE {database} TO {stranger.username}"
    )
    with psycopg.connect(dsn) as owner:
        assert owner.execute("SELECT to_regnamespace('pgpredict')").fetchone() == (None,)


def test_an_operator_is_told_of_the_table_that_is_not_his(
    db: pgpredict.Database,
    connection: psycopg.Connection,
    admin: psycopg.Connection,
    role: MakeRole,
) -> None:
    db.deploy("value", value(), customers())
    stranger = role("stranger")
    name = Identifier(_name(stranger))
    admin.execute(SQL("CREATE SCHEMA closed AUTHORIZATION {}").format(name))
    with psycopg.connect(stranger) as his:
        his.execute("CREATE TABLE closed.diary (tenure float8, spend float8)")
        owner = Identifier(connection.info.user)
        his.execute(SQL("GRANT USAGE ON SCHEMA closed TO {}").format(owner))

    with pytest.raises(NoRights) as caught:
        db.drift("value", "closed.diary")

    assert caught.value.why == "permission denied for table diary"
    assert caught.value.do == ""

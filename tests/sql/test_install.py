"""Installing: by Python or psql, once or often, by one client or many; schema and migrations."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

import pgpredict
from pgpredict import sqlfiles
from pgpredict.database import schema
from pgpredict.errors import NewerSchema, NoSchema
from tests.sql.programs import pg_dump, psql, psql_complains

SCHEMA_FILES = sorted((sqlfiles.folder() / "schema").glob("*.sql"))


def test_install_as_an_ordinary_user_on_every_postgres(every_dsn: str) -> None:
    with psycopg.connect(every_dsn, autocommit=True) as connection:
        assert connection.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (False,)
    db = pgpredict.connect(every_dsn)
    assert db.install() == max(schema.migrations())
    assert (db.models(), db.versions(), db.events()) == ([], [], [])


def test_install_again_changes_nothing(dsn: str) -> None:
    db = pgpredict.connect(dsn)
    db.install()
    before = pg_dump(dsn)
    assert db.install() == max(schema.migrations())
    assert pg_dump(dsn) == before


def test_psql_alone_installs_the_same(dsn: str, installed_dsn: str) -> None:
    for _ in range(2):
        psql(dsn, "-1", "-q", text="".join(file.read_text() for file in SCHEMA_FILES))
    assert pg_dump(dsn, "--schema-only") == pg_dump(installed_dsn, "--schema-only")
    assert pgpredict.connect(dsn).models() == []


def test_schema_equals_all_migrations(dsn: str, installed_dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for file in schema.migrations().values():
            connection.execute(file.read_text())
        tables = pg_dump(dsn, "--schema-only", "--no-comments")
        for file in SCHEMA_FILES:
            connection.execute(file.read_text())
    assert pg_dump(dsn, "--schema-only") == pg_dump(installed_dsn, "--schema-only")
    # Not only because the schema files added what the migrations lack.
    expected = pg_dump(installed_dsn, "--schema-only", "--no-comments")
    for statement in tables.split(";\n\n"):
        if "CREATE TABLE" in statement or "ADD CONSTRAINT" in statement:
            assert statement.strip() in expected
    assert tables.count("\nCREATE TABLE") == expected.count("\nCREATE TABLE") > 0


def test_schema_has_the_number_of_the_last_migration(installed_dsn: str) -> None:
    with psycopg.connect(installed_dsn) as connection:
        found = connection.execute("SELECT version FROM pgpredict.schema_version").fetchall()
    assert found == [(max(schema.migrations()),)]
    assert list(schema.migrations()) == list(range(1, len(schema.migrations()) + 1))


def test_every_migration_records_its_number() -> None:
    for number, file in schema.migrations().items():
        assert file.read_text().endswith(
            f"\n\nINSERT INTO pgpredict.schema_version (version) VALUES ({number});\n"
        )


@pytest.fixture
def newer_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder sql of a release that has one column and one migration more."""
    folder = tmp_path_factory.mktemp("release") / "sql"
    shutil.copytree(sqlfiles.folder(), folder)
    newest = max(schema.migrations())
    (folder / "migrations" / f"{newest + 1:04}_colour.sql").write_text(
        "ALTER TABLE pgpredict.model ADD COLUMN colour text;\n\n"
        f"INSERT INTO pgpredict.schema_version (version) VALUES ({newest + 1});\n"
    )
    _replace(folder / "schema" / "15_version.sql", f":= {newest};", f":= {newest + 1};")
    last_column = "created_by text        NOT NULL DEFAULT session_user"
    _replace(
        folder / "schema" / "20_tables.sql", last_column, f"{last_column},\n    colour     text", 1
    )
    return folder


def _replace(file: Path, old: str, new: str, times: int = -1) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, times))


@pytest.mark.parametrize("options", [["-1", "-v", "ON_ERROR_STOP=1"], []])
def test_files_of_a_newer_release_wait_for_its_migrations(
    installed_dsn: str,
    newer_release: Path,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = pg_dump(installed_dsn)
    newest = max(schema.migrations())
    files = sorted((newer_release / "schema").glob("*.sql"))
    refused = psql_complains(installed_dsn, *options, text="".join(f.read_text() for f in files))
    assert (
        f"the pgpredict schema of this database has version {newest}, these files have {newest + 1}"
        in refused
    )
    assert f"run pgpredict init, or the files of sql/migrations/ from {newest + 1:04} on" in refused
    # Even where psql goes on after an error: the version is not recorded.
    assert pg_dump(installed_dsn) == before

    monkeypatch.setattr(sqlfiles, "folder", lambda: newer_release)
    db = pgpredict.connect(installed_dsn)
    assert db.install() == newest + 1
    with db.connection() as connection:
        assert connection.execute("SELECT count(colour) FROM pgpredict.model").fetchone() == (0,)
        found = connection.execute("SELECT max(version) FROM pgpredict.schema_version").fetchone()
    assert found == (newest + 1,)


def test_files_of_an_older_release_are_refused(installed_dsn: str) -> None:
    with psycopg.connect(installed_dsn) as connection:
        connection.execute("INSERT INTO pgpredict.schema_version (version) VALUES (99)")
    refused = psql_complains(installed_dsn, "-1", text="".join(f.read_text() for f in SCHEMA_FILES))
    assert "has version 99" in refused
    assert "a newer pgpredict was here: use its files" in refused


def test_older_schema_is_told_to_upgrade(
    installed_dsn: str, newer_release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = max(schema.migrations())
    monkeypatch.setattr(sqlfiles, "folder", lambda: newer_release)
    with pytest.raises(NoSchema, match=f"has version {newest}, this pgpredict needs {newest + 1}"):
        pgpredict.connect(installed_dsn).models()


def test_migration_that_fails_leaves_the_schema_as_it_was(
    installed_dsn: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = pg_dump(installed_dsn)
    newest = max(schema.migrations())
    file = tmp_path_factory.mktemp("migrations") / f"{newest + 1:04}_broken.sql"
    file.write_text("ALTER TABLE pgpredict.model ADD COLUMN colour text; SELECT 1 / 0;")
    monkeypatch.setattr(schema, "migrations", lambda: {newest + 1: file})
    with pytest.raises(pgpredict.errors.DatabaseError, match="division by zero"):
        pgpredict.connect(installed_dsn).install()
    assert pg_dump(installed_dsn) == before


@pytest.mark.parametrize(
    "act", [lambda db: db.models(), lambda db: db.promote("churn", 1), lambda db: db.verify("a")]
)
def test_database_without_the_schema(dsn: str, act: Callable[[pgpredict.Database], object]) -> None:
    with pytest.raises(NoSchema, match="pgpredict is not installed in this database") as caught:
        act(pgpredict.connect(dsn))
    assert "pgpredict init" in caught.value.do


def test_database_with_another_schema_of_this_name(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE SCHEMA pgpredict CREATE TABLE mine (a int)")
    db = pgpredict.connect(dsn)
    with pytest.raises(NoSchema):
        db.models()
    db.install()
    assert db.models() == []


def test_database_with_a_newer_schema(installed_dsn: str) -> None:
    with psycopg.connect(installed_dsn) as connection:
        connection.execute("INSERT INTO pgpredict.schema_version (version) VALUES (99)")
    before = pg_dump(installed_dsn)
    db = pgpredict.connect(installed_dsn)
    for act in (db.models, db.install):
        with pytest.raises(NewerSchema, match="has version 99, this pgpredict knows it up to"):
            act()
    assert pg_dump(installed_dsn) == before


def test_eight_clients_install_at_once(dsn: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(lambda _: pgpredict.connect(dsn).install(), range(8)))
    assert set(versions) == {max(schema.migrations())}
    assert pgpredict.connect(dsn).models() == []


def test_psql_reports_what_went_wrong(dsn: str) -> None:
    """The program that the tests lean on can fail."""
    with pytest.raises(subprocess.CalledProcessError):
        psql(dsn, text="SELECT 1 / 0;")

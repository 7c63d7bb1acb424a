"""Models of the form nodes: trees as arrays, walked by a function."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import pandas as pd
import psycopg
import pytest
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)

import pgpredict
from pgpredict import sqlfiles
from pgpredict.errors import DatabaseError, NoRights, PgpredictError
from pgpredict.server import native
from tests.pgpredict.database.models import churn, customers, value
from tests.postgres import EVERY, Server
from tests.walkers import native_walker

Servers = Callable[[str], Server]


def boosted(trees: int = 60) -> GradientBoostingClassifier:
    frame = customers()
    late = np.sin(frame["tenure"]) + np.cos(frame["spend"]) > 0.5
    return GradientBoostingClassifier(n_estimators=trees, random_state=0).fit(frame, late)


@pytest.fixture
def admin(installed_dsn: str, admin_dsn: str) -> Iterator[pgpredict.Database]:
    """A superuser in the database of the test."""
    here = urlunsplit(urlsplit(admin_dsn)._replace(path=urlsplit(installed_dsn).path))
    with pgpredict.connect(here) as admin:
        yield admin


@pytest.fixture
def library(admin: pgpredict.Database, servers: Servers) -> str:
    """The walker in C, in use in the database of the test."""
    library = native_walker(servers(EVERY[0]))
    admin.use_native_walker(library)
    return library


def language(connection: psycopg.Connection) -> str:
    row = connection.execute("SELECT pgpredict.walker_language()").fetchone()
    assert row is not None
    return str(row[0])


def test_a_version_of_the_form_nodes_answers_as_python(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    done = db.deploy("late", boosted(), customers(), source="customers", form="nodes")

    assert done.form == "nodes"
    assert done.max_difference == 0.0
    assert any("walked in PL/pgSQL" in note for note in done.notes)
    rows = connection.execute(
        "SELECT predict.late(c), predict.late_proba(c) FROM customers AS c ORDER BY id"
    ).fetchall()
    frame = pd.DataFrame(
        connection.execute("SELECT tenure, spend FROM customers ORDER BY id").fetchall(),
        columns=["tenure", "spend"],
    ).astype(float)
    model = boosted()
    assert [label for label, _ in rows] == model.predict(frame).tolist()
    assert [share for _, share in rows] == pytest.approx(model.predict_proba(frame)[:, 1])


def test_its_answers_can_be_indexed_and_scored(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("late", boosted(), customers(), source="customers", form="nodes")
    connection.execute(
        "CREATE INDEX ON customers (predict_versions.late_v1_proba(tenure, spend::float8))"
    )
    db.score("late", source="customers", into="scores", key="id")

    assert connection.execute(
        """SELECT count(*), count(*) FILTER (WHERE s.prediction = predict.late(c)
                                             AND s.probability = predict.late_proba(c))
           FROM scores AS s JOIN customers AS c USING (id)"""
    ).fetchone() == (200, 200)


def test_who_may_only_read_a_view_gets_its_answers(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    db.deploy("late", boosted(), customers(), source="customers", form="nodes")
    reader = f"reader_{connection.info.dbname}"
    connection.execute("CREATE VIEW late AS SELECT id, predict.late(c) FROM customers AS c")
    connection.execute(f"CREATE ROLE {reader}; GRANT SELECT ON late TO {reader}".encode())
    try:
        connection.execute(f"SET ROLE {reader}".encode())
        assert connection.execute("SELECT count(late) FROM late").fetchone() == (200,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT predict.late(1, 2)")
    finally:
        connection.execute("RESET ROLE")
        connection.execute(f"DROP OWNED BY {reader}; DROP ROLE {reader}".encode())


def test_large_ensembles_are_walked_where_that_is_done_in_c(
    db: pgpredict.Database, connection: psycopg.Connection, library: str
) -> None:
    assert language(connection) == "c"
    forms = {
        "large": db.deploy("large", boosted(), customers()),
        "small": db.deploy("small", boosted(2), customers()),
        "linear": db.deploy("linear", churn(), customers()),
        "asked": db.deploy("asked", boosted(), customers(), form="block"),
    }

    assert {name: done.form for name, done in forms.items()} == {
        "large": "nodes",
        "small": "inline",
        "linear": "inline",
        "asked": "block",
    }
    assert forms["large"].notes == ()
    assert forms["large"].microseconds < forms["asked"].microseconds
    asked = "SELECT form FROM pgpredict.models WHERE name = 'large'"
    assert connection.execute(asked).fetchone() == ("nodes",)


def test_an_install_leaves_the_walker_in_c(
    db: pgpredict.Database, connection: psycopg.Connection, library: str
) -> None:
    db.install()

    assert language(connection) == "c"


def test_without_its_function_an_install_puts_that_in_plpgsql_back(
    db: pgpredict.Database, connection: psycopg.Connection, library: str
) -> None:
    db.deploy("late", boosted(), customers())
    before = connection.execute("SELECT predict.late_proba(3, 4)").fetchone()
    connection.execute("DROP FUNCTION predict_runtime.walk_trees")
    db.install()

    assert language(connection) == "plpgsql"
    assert connection.execute("SELECT predict.late_proba(3, 4)").fetchone() == before


def test_what_is_too_large_for_an_expression_is_walked(
    db: pgpredict.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgpredict_transpiler.lowering.trees.MOST_NODES", 100)
    frame = customers()
    plans = np.array(["basic", "plus", "team"])[(frame["spend"] % 3).astype(int)]
    forest = RandomForestClassifier(20, random_state=0).fit(frame, plans)

    assert db.deploy("plans", forest, frame).form == "nodes"
    with pytest.raises(PgpredictError, match="an expression holds 100"):
        db.deploy("plans", forest, frame, form="block")


def test_a_model_without_trees_has_no_such_form(db: pgpredict.Database) -> None:
    categories = pd.DataFrame({"plan": pd.Categorical(["a", "b", "c"] * 30)})
    by_sets = HistGradientBoostingRegressor(
        categorical_features=[True], min_samples_leaf=5, max_iter=3
    ).fit(categories, [1.0, 5.0, 2.0] * 30)

    for model, sample in ((value(), customers()), (by_sets, categories)):
        with pytest.raises(PgpredictError, match="this model has no form nodes"):
            db.deploy("none", model, sample, form="nodes")


def test_only_a_superuser_may_use_a_library(db: pgpredict.Database) -> None:
    with pytest.raises(NoRights, match="may not install a function in C") as caught:
        db.use_native_walker("/tmp/walker.so")

    assert "psql -f sql/native/install.sql" in caught.value.do


def test_a_library_that_is_not_there_changes_nothing(
    admin: pgpredict.Database, connection: psycopg.Connection
) -> None:
    for library in (None, "/nowhere/walker"):
        with pytest.raises(DatabaseError, match="the server has no library") as caught:
            admin.use_native_walker(library)
        assert "make -C sql/native install" in caught.value.do

    assert language(connection) == "plpgsql"


def test_a_runtime_of_somebody_else_is_refused(dsn: str, admin_dsn: str) -> None:
    """Whoever owns it could change what every caller of a model runs."""
    other = f"other_{urlsplit(dsn).path[1:]}"
    with psycopg.connect(admin_dsn, autocommit=True) as admin:
        make = f"CREATE ROLE {other}; CREATE SCHEMA predict_runtime AUTHORIZATION {other}"
        admin.execute(make.encode())
        try:
            with (
                pgpredict.connect(dsn) as db,
                pytest.raises(NoRights, match="may not do that") as caught,
            ):
                db.install()
            assert f"predict_runtime belongs to {other}" in caught.value.why
        finally:
            admin.execute(f"DROP OWNED BY {other}; DROP ROLE {other}".encode())


def test_everybody_may_call_it_where_functions_are_not_public(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as owner:
        owner.execute("ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")
        with pgpredict.connect(dsn) as db:
            db.install()
        walk = "predict_runtime.walk_trees(float8[], float8[])"
        asked = owner.execute(
            "SELECT has_function_privilege('public', %s, 'EXECUTE'), "
            "has_schema_privilege('public', 'predict_runtime', 'USAGE')",
            [walk],
        )
        assert asked.fetchone() == (True, True)


def test_a_library_that_does_something_else_changes_nothing(
    admin: pgpredict.Database,
    connection: psycopg.Connection,
    servers: Servers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = servers(EVERY[0])
    home = Path(native_walker(server)).parents[1]
    shutil.copytree(sqlfiles.folder() / "native", tmp_path / "native")
    source = tmp_path / "native" / "pgpredict_trees.c"
    source.write_text(source.read_text().replace("sums[i] += ", "sums[i] -= "))
    with monkeypatch.context() as patched:
        patched.setattr(sqlfiles, "folder", lambda: tmp_path)
        (home / "other").mkdir(mode=0o755, exist_ok=True)
        other = native.build(home / "other", int(server.name))
    with pytest.raises(DatabaseError, match="does not do what this pgpredict expects"):
        admin.use_native_walker(str(other))

    assert language(connection) == "plpgsql"


def test_its_owner_cannot_crash_the_server(connection: psycopg.Connection, library: str) -> None:
    walk = "predict_runtime.walk_trees(float8[], float8[])"
    connection.execute(f"ALTER FUNCTION {walk} CALLED ON NULL INPUT".encode())

    assert connection.execute("SELECT predict_runtime.walk_trees(NULL, NULL)").fetchone() == (None,)

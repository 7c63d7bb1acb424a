"""A role that scores needs the rights that docs/batch.md grants, and no other."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from sklearn.linear_model import SGDClassifier

import pgpredict
from pgpredict.batch import Scoring
from pgpredict.errors import NoRights

DOCUMENT = Path(__file__).parents[3] / "docs" / "batch.md"
GRANT = re.compile(r"GRANT (\w+) ON (SCHEMA|FUNCTION|) ?([^;]*) TO pgpredict_scorer", re.DOTALL)
SCORES: dict[str, Any] = {"source": "visits", "into": "scored.scores", "key": "id"}


def grants(block: int) -> list[str]:
    """What the document has an administrator grant, one thing at a time: ``USAGE ON SCHEMA x``."""
    text = re.findall(r"^```sql\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.M | re.S)[block]
    return [
        f"{right} ON {kind} {name.strip()}"
        for right, kind, names in GRANT.findall(text)
        for name in names.split(",")
    ]


@pytest.fixture
def role(installed_dsn: str, shop: pgpredict.Database, admin: psycopg.Connection) -> Iterator[str]:
    """A role that may read the source, and make tables in a schema of its own; the name of it."""
    name = f"scorer_{os.getpid()}"
    admin.execute(
        f"CREATE ROLE {name} LOGIN PASSWORD '{name}'; CREATE SCHEMA scored AUTHORIZATION {name};"
        f"GRANT SELECT ON visits TO {name}".encode()
    )
    yield name
    admin.execute(f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}".encode())


@pytest.fixture
def score(installed_dsn: str, role: str) -> Callable[..., Scoring]:
    """`pgpredict.Database.score` of that role, on a new connection."""
    url = urlsplit(installed_dsn)
    place = f"{role}:{role}@{url.netloc.rpartition('@')[2]}"

    def scored(model: str, **asked: Any) -> Scoring:
        with pgpredict.connect(urlunsplit(url._replace(netloc=place))) as db:
            return db.score(model, **(SCORES | asked))

    return scored


def grant(admin: psycopg.Connection, right: str, role: str) -> None:
    admin.execute(f"GRANT {right} TO {role}".encode())


def test_the_documented_rights_suffice(
    score: Callable[..., Scoring],
    role: str,
    admin: psycopg.Connection,
    connection: psycopg.Connection,
) -> None:
    for right in grants(0):
        grant(admin, right, role)

    assert [score("buys").way for _ in range(2)] == ["new", "replaced"]
    assert score("buys", incremental=True).way == "in place"
    for _ in range(2):
        assert score("buys", into="scored.by_day", partition_by="day").rows == 3000
    connection.execute(
        "CREATE TABLE theirs (id integer PRIMARY KEY, prediction text, probability float8, "
        "version integer NOT NULL, at timestamptz NOT NULL)"
    )
    connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON theirs TO {role}")
    assert score("buys", into="theirs").way == "in place"


def test_each_of_them_is_needed(
    score: Callable[..., Scoring], role: str, admin: psycopg.Connection
) -> None:
    rights = grants(0)
    for right in rights:
        grant(admin, right, role)
    assert score("buys").rows == 3000

    for right in rights:
        admin.execute(f"REVOKE {right} FROM {role}".encode())
        with pytest.raises(NoRights):
            score("buys")
        grant(admin, right, role)


def test_so_do_those_for_a_learner(
    score: Callable[..., Scoring],
    role: str,
    admin: psycopg.Connection,
    shop: pgpredict.Database,
    connection: psycopg.Connection,
) -> None:
    connection.execute("ALTER TABLE visits ADD is_fraud boolean")
    shop.create_learner(
        "fraud",
        SGDClassifier(loss="log_loss"),
        source="visits",
        features=["tenure"],
        target="is_fraud",
        classes=[False, True],
    )
    for right in (*grants(0), *grants(1)):
        grant(admin, right, role)

    assert score("fraud").rows == 3000

    for right in grants(1):
        admin.execute(f"REVOKE {right} FROM {role}".encode())
        with pytest.raises(NoRights):
            score("fraud")
        grant(admin, right, role)

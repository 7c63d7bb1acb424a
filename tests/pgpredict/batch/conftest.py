"""A shop: a table of visits, a view of it, and models that say who buys, what, and for how much."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import pandas as pd
import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import pgpredict
from pgpredict.batch import pages, rows, whole

VISITS = """
    CREATE TABLE visits (
        id         integer PRIMARY KEY,
        day        date NOT NULL,
        region     text NOT NULL,
        tenure     integer NOT NULL,
        spend      numeric(10, 2),
        score      float8 NOT NULL,
        updated_at timestamptz NOT NULL DEFAULT '2026-01-01'
    );
    INSERT INTO visits
    SELECT n, date '2026-03-01' + n % 30, (ARRAY['north', 'east', 'south', 'west'])[1 + n % 4],
           n * 7 % 70, CASE WHEN n % 50 > 0 THEN n * 1.25 END, sin(n)
    FROM generate_series(1, 3000) AS n;
    ANALYZE visits;
    CREATE VIEW loyal_visits AS SELECT * FROM visits WHERE tenure >= 10;
"""
INPUTS = ["region", "tenure", "spend", "score"]


def visits() -> pd.DataFrame:
    """The table as Python sees it, by id."""
    n = np.arange(1, 3001)
    return pd.DataFrame(
        {
            "region": np.array(["north", "east", "south", "west"], dtype=object)[n % 4],
            "tenure": (n * 7 % 70).astype(float),
            "spend": np.where(n % 50 > 0, n * 1.25, np.nan),
            "score": np.sin(n),
        },
        index=pd.Index(n, name="id"),
    )


def pipeline(predictor: Any) -> Any:
    """Preparation for every kind of column, in front of a predictor."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    return make_pipeline(
        make_column_transformer((OneHotEncoder(), ["region"]), (numbers, INPUTS[1:])), predictor
    )


def buys(*, above: float = 40.0) -> Any:
    """A classifier of two labels."""
    frame = visits()
    labels = np.where(frame["tenure"] + 10 * frame["score"] > above, "buys", "leaves")
    return pipeline(LogisticRegression()).fit(frame, labels)


def basket() -> Any:
    """A classifier of three labels."""
    frame = visits()
    labels = pd.cut(frame["tenure"] + 9 * frame["score"], 3, labels=["a", "b", "c"]).astype(str)
    return pipeline(LogisticRegression()).fit(frame, labels)


def worth(slope: float = 2.0) -> Any:
    """A regressor that answers NULL where spend is missing."""
    frame = visits()[["tenure", "spend"]]
    present = frame.dropna()
    return LinearRegression().fit(present, slope * present.sum(axis=1))


@pytest.fixture
def connection(installed_dsn: str) -> Iterator[psycopg.Connection]:
    """A connection beside `db`, in a database with the table and the view."""
    with psycopg.connect(installed_dsn, autocommit=True) as connection:
        connection.execute(VISITS)
        yield connection


@pytest.fixture
def shop(db: pgpredict.Database, connection: psycopg.Connection) -> pgpredict.Database:
    """`db` with the model `buys`, which takes visits."""
    db.deploy("buys", buys(), visits(), source="visits")
    return db


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small table is scored as a large one is: range by range, with expressions unfolded."""
    monkeypatch.setattr(pages, "PAGES", 4)
    monkeypatch.setattr(rows, "MANY", 0)
    monkeypatch.setattr(whole, "LONG", 0)


@pytest.fixture
def admin(installed_dsn: str, admin_dsn: str) -> Iterator[psycopg.Connection]:
    """The administrator, in the database of the test."""
    here = urlunsplit(urlsplit(admin_dsn)._replace(path=urlsplit(installed_dsn).path))
    with psycopg.connect(here, autocommit=True) as admin:
        yield admin


@pytest.fixture
def clerk(installed_dsn: str, admin: psycopg.Connection) -> Iterator[str]:
    """The DSN of a role that may deploy and promote, and has no table of its own."""
    name, password = f"clerk_{os.getpid()}", "of-a-role-of-one-test"
    admin.execute(SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(Identifier(name), password))
    for schema in ("pgpredict", "predict", "predict_versions"):
        admin.execute(
            SQL(
                "GRANT USAGE ON SCHEMA {0} TO {1}; GRANT SELECT ON ALL TABLES IN SCHEMA {0} TO {1};"
                "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {0} TO {1}"
            ).format(Identifier(schema), Identifier(name))
        )
    url = urlsplit(installed_dsn)
    place = f"{name}:{password}@{url.netloc.rpartition('@')[2]}"
    yield urlunsplit(url._replace(netloc=place))
    admin.execute(SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(Identifier(name)))

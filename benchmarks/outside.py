"""The way around: COPY out, predict with scikit-learn, COPY in; as fast as we can write it.

CSV both ways through pyarrow, whose readers and writers are compiled; predict_proba once, from
which the label follows; the primary key last, when the rows are there. With two processes each does
one half of the rows, from the first byte to the last.
"""

from __future__ import annotations

import ctypes
import io
import multiprocessing
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.csv as csv

from pgpredict.demo.flights import CATEGORIES, INPUTS, TABLE

READ = csv.ConvertOptions(
    column_types={name: pa.string() if name in CATEGORIES else pa.float64() for name in INPUTS},
    strings_can_be_null=True,
)
WRITE = csv.WriteOptions(include_header=False)
models: dict[str, Any] = {}
# Of mallopt(3): how many blocks are mapped on their own, and how much freed memory goes back.
MMAP_MAX, TRIM_THRESHOLD = -4, -1


class Outside:
    """Processes that wait with their models loaded: only the work is timed."""

    def __init__(self, pool: ProcessPoolExecutor, processes: int, dsn: str, rows: int) -> None:
        self._pool = pool
        self._dsn = dsn
        edges = [rows * number // processes for number in range(processes + 1)]
        self._parts = list(pairwise(edges))

    def score(self, name: str, label: str, into: str) -> None:
        """Score all flights into a new table with a primary key."""
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(
                f"CREATE TABLE {into} (id integer NOT NULL, prediction {label}, "
                "probability float8, version integer NOT NULL, "
                "at timestamptz NOT NULL DEFAULT now())".encode()
            )
            parts = [
                self._pool.submit(_score, name, self._dsn, into, *part) for part in self._parts
            ]
            for part in parts:
                part.result()
            connection.execute(f"ALTER TABLE {into} ADD PRIMARY KEY (id)".encode())


@contextmanager
def processes(number: int, dsn: str, rows: int, fitted: Mapping[str, Any]) -> Iterator[Outside]:
    """That many processes, each with the models."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(number, context, _keep, (dict(fitted),)) as pool:
        list(pool.map(_warm, range(4 * number)))
        yield Outside(pool, number, dsn, rows)


def _keep(fitted: dict[str, Any]) -> None:
    models.update(fitted)
    _keep_memory()


def _keep_memory() -> None:
    """Let the process keep what it frees: on some machines fresh memory costs more than work."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        if hasattr(libc, "mallopt"):  # of glibc
            libc.mallopt(MMAP_MAX, 0)
            libc.mallopt(TRIM_THRESHOLD, 2**31 - 1)


def _warm(_: int) -> int:
    return len(models)


def _score(name: str, dsn: str, into: str, low: int, high: int) -> None:
    with psycopg.connect(dsn) as connection:
        table = _read(connection, low, high)
        scored = _predict(models[name], table)
        sink = io.BytesIO()
        csv.write_csv(scored, sink, WRITE)
        columns = ", ".join(scored.column_names)
        statement = f"COPY {into} ({columns}) FROM STDIN (FORMAT csv)"
        with connection.cursor().copy(statement.encode()) as copy:
            copy.write(sink.getbuffer())


def _read(connection: psycopg.Connection, low: int, high: int) -> Any:
    source = io.BytesIO()
    query = f"SELECT id, {', '.join(INPUTS)} FROM {TABLE} WHERE id > {low} AND id <= {high}"
    statement = f"COPY ({query}) TO STDOUT (FORMAT csv, HEADER)"
    with connection.cursor().copy(statement.encode()) as copy:
        for block in copy:
            source.write(block)
    return csv.read_csv(pa.BufferReader(source.getbuffer()), convert_options=READ)


def _predict(model: Any, table: Any) -> Any:
    frame = table.select(INPUTS).to_pandas()
    columns = {"id": table["id"]}
    if hasattr(model, "predict_proba"):
        probability = model.predict_proba(frame)
        columns["prediction"] = pa.array(model.classes_[probability.argmax(axis=1)])
        columns["probability"] = pa.array(probability[:, 1])
    else:
        columns["prediction"] = pa.array(model.predict(frame))
    columns["version"] = pa.array(np.ones(len(frame), dtype=np.int32))
    return pa.table(columns)

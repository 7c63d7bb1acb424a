"""A server of the benchmark's own, and the clock."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

import pgpredict
from pgpredict.server import EmbeddedServer

ROUNDS = 7


@contextmanager
def server(
    version: int = 18, settings: Mapping[str, str] | None = None, *, native: bool = False
) -> Iterator[psycopg.Connection]:
    """A fresh server that is gone afterwards, by default for queries without parallel workers.

    Args:
        version: major version of Postgres.
        settings: instead of that one its configuration: ``{"max_parallel_workers": "2"}``.
        native: with pgpredict in its database, and the walker of trees in C.
    """
    if settings is None:
        settings = {"max_parallel_workers_per_gather": "0"}
    with tempfile.TemporaryDirectory(
        prefix="pgpredict-bench-", ignore_cleanup_errors=True
    ) as folder:
        Path(folder).chmod(0o711)
        embedded = EmbeddedServer(Path(folder) / "server", version, settings)
        try:
            dsn = embedded.start().dsn
            assert dsn is not None
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("SET jit = off")
                if native:
                    db = pgpredict.connect(connection)
                    db.install()
                    db.use_native_walker(str(embedded.build_walker()))
                yield connection
        finally:
            embedded.stop()


def race(
    runners: Mapping[str, Callable[[], object]],
    rounds: int = ROUNDS,
    before: Callable[[str], object] = str,
) -> dict[str, float]:
    """The best time of each runner in seconds; they take turns, so that noise hits all alike.

    Args:
        runners: by name.
        rounds: how often each runs, after one round that warms up.
        before: called with the name of each before it runs, off the clock; str does nothing.
    """
    times: dict[str, list[float]] = {name: [] for name in runners}
    for number in range(rounds + 1):
        for name, run in runners.items():
            before(name)
            start = time.perf_counter()
            run()
            if number:  # the first round warms up
                times[name].append(time.perf_counter() - start)
    return {name: min(values) for name, values in times.items()}

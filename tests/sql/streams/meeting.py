"""Sessions that meet in an order that the test says.

A worker that has read some rows, and not yet written what it predicts of them, is what every race
needs. It writes in the order of the keys: whoever keeps the first row of the live table holds it
up.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from tests.sql.streams.asking import Connection, one

PATIENCE = 30.0  # seconds; nothing here takes more than a few milliseconds


@contextmanager
def waiting_for(holder: Connection, waiter: Connection, act: Callable[[], Any]) -> Iterator[None]:
    """Let `waiter` begin to act on what an open transaction of `holder` keeps from it.

    The block runs when it waits. Then the holder commits, and the act comes to its end.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        acting = pool.submit(act)
        try:
            _until_it_waits(waiter, holder)
            yield
        finally:
            holder.execute("COMMIT")
        acting.result(PATIENCE)


@contextmanager
def held_up(
    holder: Connection,
    waiter: Connection,
    act: Callable[[], Any],
    row: str = "predict.s_live WHERE id = 1",
) -> Iterator[None]:
    """The same where the holder keeps one row."""
    holder.execute("BEGIN")
    assert holder.execute(f"SELECT FROM {row} FOR UPDATE").rowcount == 1
    with waiting_for(holder, waiter, act):
        yield


def _until_it_waits(waiter: Connection, observer: Connection) -> None:
    deadline = time.monotonic() + PATIENCE
    question = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
    while not one(observer, question, [waiter.info.backend_pid]):
        assert time.monotonic() < deadline, "nobody waits"
        time.sleep(0.005)

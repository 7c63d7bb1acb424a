"""The connections of a run: its own, so that the caller's settings and transaction are his own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Any, TypeVar

import psycopg
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from pgpredict.batch.statements import ask_one
from pgpredict.database.queries import query
from pgpredict.database.refusals import refusals
from pgpredict.errors import NoServer

Result = TypeVar("Result")
Task = Callable[[Connection[Any], Callable[[Result], None]], None]

# Seconds between two looks at whether anybody pressed Ctrl-C.
LOOK = 0.2


class Connections:
    """Opens connections like a given one: the same database, user, role and search path.

    Args:
        like: the connection that the run was asked on. It is only asked for its settings.
    """

    def __init__(self, like: Connection[Any]) -> None:
        with refusals(like):
            self.session = ask_one(like, "session")
        given = like.info.get_parameters() | {"application_name": "pgpredict score"}
        if like.info.password:
            given["password"] = like.info.password
        self._conninfo = make_conninfo("", **given)
        self._open = ExitStack()

    def __enter__(self) -> Connections:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def two(self) -> tuple[Connection[Any], Connection[Any]]:
        """Two more connections, opened at the same time: with a password one takes milliseconds.

        Raises:
            NoServer: the database lets nobody in any more.
        """
        with ThreadPoolExecutor(1) as beside:
            second = beside.submit(self.another)
            return self.another(), second.result()

    def another(self) -> Connection[Any]:
        """One more connection, in autocommit; it is closed when the run ends.

        Raises:
            NoServer: the database lets nobody in any more.
        """
        try:
            connection = psycopg.connect(self._conninfo, autocommit=True)
        except psycopg.Error as error:
            raise NoServer(
                "cannot open another connection to the database, which a run of its own needs",
                why=str(error).strip().splitlines()[0],
                do="allow more connections for the role, or pass fewer workers",
            ) from None
        self._open.callback(connection.close)
        connection.execute(query("take_over", "batch"), self.session)
        return connection


def work_off(
    connections: Sequence[Connection[Any]],
    tasks: Iterable[Task[Result]],
    heard: Callable[[Result], None],
) -> None:
    """Do tasks on several connections at once.

    Where one fails the others are cancelled, and its error is raised; so they are where somebody
    presses Ctrl-C, or `heard` raises.

    Args:
        connections: each does a task, and then another one.
        tasks: functions of a connection, and of a function by which they tell something.
        heard: called here with everything that they tell.
    """
    waiting: SimpleQueue[Task[Result]] = SimpleQueue()
    said: SimpleQueue[tuple[Result] | BaseException | None] = SimpleQueue()
    stop = Event()
    for task in tasks:
        waiting.put(task)

    def tell(word: Result) -> None:
        said.put((word,))

    def worker(connection: Connection[Any]) -> None:
        try:
            while not stop.is_set():
                task = waiting.get_nowait()
                with refusals(connection):
                    task(connection, tell)
        except Empty:
            said.put(None)
        except BaseException as error:  # raised again by the one who listens
            said.put(error)

    threads = [Thread(target=worker, args=[one], daemon=True) for one in connections]
    for thread in threads:
        thread.start()
    try:
        _listen(said, len(threads), heard)
    finally:
        stop.set()
        _end(threads, connections)


def _listen(
    said: SimpleQueue[tuple[Result] | BaseException | None],
    workers: int,
    heard: Callable[[Result], None],
) -> None:
    while workers:
        try:
            # With a timeout, for who waits without one does not notice Ctrl-C everywhere.
            word = said.get(timeout=LOOK)
        except Empty:
            continue
        if isinstance(word, BaseException):
            raise word
        if word is None:
            workers -= 1
        else:
            heard(word[0])


def _end(threads: Sequence[Thread], connections: Sequence[Connection[Any]]) -> None:
    """Cancel what still runs, and wait for it."""
    for thread in threads:
        thread.join(0.01)
    while any(thread.is_alive() for thread in threads):
        for thread, connection in zip(threads, connections, strict=True):
            if thread.is_alive():
                with suppress(psycopg.Error):
                    connection.cancel()
                thread.join(LOOK)


def local(connection: Connection[Any], settings: Mapping[str, str]) -> None:
    """Settings until the transaction ends."""
    for name, value in settings.items():
        connection.execute("SELECT set_config(%s, %s, true)", [name, value])

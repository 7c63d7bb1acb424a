"""Ear: waits for a notification, or for the end."""

from __future__ import annotations

import selectors
from types import TracebackType
from typing import Any, Self

import psycopg

from pgpredict.worker.stopping import Stop


class Ear:
    """The notifications of a connection.

    psycopg keeps those that come during a query; those that come between two calls wait in the
    socket, which makes it readable: none is lost between draining and waiting.

    Args:
        connection: in autocommit, with nothing else that reads its notifications.
        stop: ends a wait, too.
    """

    def __init__(self, connection: psycopg.Connection[Any], stop: Stop) -> None:
        self._connection = connection
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection.fileno(), selectors.EVENT_READ)
        self._selector.register(stop, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._selector.close()

    def heard(self) -> set[str]:
        """What was notified since the last call, as payloads; does not wait.

        Raises:
            psycopg.OperationalError: the connection is lost.
        """
        return {notice.payload for notice in self._connection.notifies(timeout=0)}

    def wait(self, seconds: float) -> set[str]:
        """Wait for notifications, but not longer than that, and not beyond the end.

        Returns:
            Their payloads; empty: none came.

        Raises:
            psycopg.OperationalError: the connection is lost.
        """
        heard = self.heard()
        if not heard and seconds > 0 and self._selector.select(seconds):
            heard = self.heard()
        return heard

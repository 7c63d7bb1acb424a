"""A client that writes rows for learners: features and labels together, or labels later."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import psycopg
from numpy.typing import NDArray

from tests.faults import revising
from tests.faults.client import AHEAD_SECONDS, KILLED, ROLLBACKS
from tests.faults.place import connect
from tests.faults.plan import Plan, Standing

# Rows of a client are numbered from its number times this.
RANGE = 10_000_000


def values(
    ids: Sequence[int],
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]:
    """The features and labels of rows, which their numbers determine.

    Returns:
        X of shape (n_rows, 2), the classes and the numbers of shape (n_rows,).
    """
    numbers = np.asarray(ids, dtype=np.int64)
    X = np.column_stack([numbers * 37 % 1009 / 500.0 - 1.0, numbers * 7919 % 997 / 500.0 - 1.0])
    return X, X[:, 0] - X[:, 1] > numbers % 7 / 10.0, X[:, 0] * 2 + numbers % 5


@dataclass(frozen=True)
class Known:
    """What a client knows of its rows.

    Attributes:
        labelled: numbers of rows that have their labels.
        waiting: of those that have none yet.
        last: the largest number that it gave.
    """

    last: int
    labelled: frozenset[int] = frozenset()
    waiting: frozenset[int] = frozenset()


@dataclass
class LearnerClient:
    """One connection that writes, and what it knows to be committed.

    As with `tests.faults.client.Client` each transaction signs, which tells afterwards whether one
    that was lost in COMMIT is there.

    Attributes:
        number: 1 to the number of clients.
        plan: how much there is to do.
        standing: how far the run is.
        dsn: where.
        transactions: how they ended.
    """

    number: int
    plan: Plan
    standing: Standing
    dsn: str
    transactions: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.known = Known(self.number * RANGE)
        self._choice = random.Random(f"learner client {self.number} of {self.plan.seed}")
        self._connection: psycopg.Connection | None = None
        self._signature = 0

    def run(self) -> None:
        """Write until there are enough rows and kills; the last labels come then."""
        while not self.standing.over.is_set() and not self._is_done():
            self._transaction()
            if not self._may_insert():
                self.standing.over.wait(AHEAD_SECONDS)
        while self.known.waiting and not self.standing.over.is_set():
            self._transaction()
        if self._connection is not None:
            self._connection.close()

    def _is_done(self) -> bool:
        return self.standing.rows >= self.plan.rows and len(self.standing.kills) >= self.plan.kills

    def _may_insert(self) -> bool:
        return self.standing.rows < self.plan.may_insert(len(self.standing.kills))

    def _transaction(self) -> None:
        self._signature += 1
        connection, in_doubt, after = self._connected(), False, self.known
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE signature SET number = %s WHERE client = %s",
                    [self._signature, self.number],
                )
                for _ in range(self._choice.choice([1, 1, 2, 3])):
                    after = self._change(cursor, after)
                if self._choice.random() < 0.3:
                    revising.change(cursor, self.number, self._choice)
            if self._choice.random() < ROLLBACKS:
                connection.rollback()
                self._settle(None, "rolled back by the client")
                return
            in_doubt = True
            connection.commit()
            self._settle(after, "committed")
        except psycopg.OperationalError as error:
            if not connection.closed and error.sqlstate not in KILLED:
                raise  # the statement failed, though nobody killed the connection
            connection.close()
            if not in_doubt:
                self._settle(None, "lost before COMMIT")
            elif self._signed():
                self._settle(after, "lost in COMMIT, committed")
            else:
                self._settle(None, "lost in COMMIT, rolled back")

    def _settle(self, known: Known | None, how: str) -> None:
        self.known = known or self.known
        self.transactions[how] += 1
        rows = len(self.known.labelled) + len(self.known.waiting)
        self.standing.inserted[self.number - 1] = rows

    def _change(self, cursor: psycopg.Cursor, known: Known) -> Known:
        what = self._choice.random()
        if self._is_done() or (known.waiting and (what < 0.4 or not self._may_insert())):
            return self._label(cursor, known)
        if what < 0.5 and known.labelled:
            # What is learnt, or is about to be, stays as it was: no feature, no label.
            some = self._choice.sample(sorted(known.labelled), min(20, len(known.labelled)))
            cursor.execute("UPDATE example SET note = 'seen' WHERE id = ANY (%s)", [some])
            return known
        return self._insert(cursor, known) if self._may_insert() else known

    def _insert(self, cursor: psycopg.Cursor, known: Known) -> Known:
        last = known.last + self._choice.choice([1, 7, 60, 150])
        ids = [*range(known.last + 1, last + 1)]
        X, classes, numbers = values(ids)
        if self._choice.random() < 0.5:
            _copy(cursor, ids, X)
            return replace(known, last=last, waiting=known.waiting | set(ids))
        cursor.execute(
            "INSERT INTO example (id, x1, x2, class, number) SELECT * FROM unnest(%s::bigint[],"
            " %s::float8[], %s::float8[], %s::boolean[], %s::float8[])",
            [ids, X[:, 0].tolist(), X[:, 1].tolist(), classes.tolist(), numbers.tolist()],
        )
        return replace(known, last=last, labelled=known.labelled | set(ids))

    def _label(self, cursor: psycopg.Cursor, known: Known) -> Known:
        ids = self._choice.sample(sorted(known.waiting), min(200, len(known.waiting)))
        _, classes, numbers = values(ids)
        cursor.execute(
            "UPDATE example AS e SET class = l.class, number = l.number"
            " FROM unnest(%s::bigint[], %s::boolean[], %s::float8[]) AS l (id, class, number)"
            " WHERE e.id = l.id",
            [ids, classes.tolist(), numbers.tolist()],
        )
        return replace(known, waiting=known.waiting - set(ids), labelled=known.labelled | set(ids))

    def _signed(self) -> bool:
        """Whether the last transaction is committed; waits for it if it is still on its way."""
        while True:
            try:
                found = self._connected().execute(
                    "SELECT number FROM signature WHERE client = %s FOR UPDATE", [self.number]
                )
                (last,) = found.fetchone() or (None,)
                self._connected().rollback()
                return bool(last == self._signature)
            except psycopg.OperationalError:
                self._connection = None

    def _connected(self) -> psycopg.Connection:
        """The connection, or a new one as soon as the server lets us in."""
        give_up = time.monotonic() + 60
        while self._connection is None or self._connection.closed:
            try:
                self._connection = connect(self.dsn, f"faults client {self.number}")
            except psycopg.OperationalError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
        return self._connection


def _copy(cursor: psycopg.Cursor, ids: Sequence[int], X: NDArray[np.float64]) -> None:
    with cursor.copy("COPY example (id, x1, x2) FROM STDIN") as copy:
        for number, row in zip(ids, X.tolist(), strict=True):
            copy.write_row([number, *row])

"""A client that writes, transaction after transaction, whatever is killed under it."""

from __future__ import annotations

import random
import time
from collections import Counter

import psycopg

from tests.faults import changes
from tests.faults.changes import Change
from tests.faults.memory import Memory
from tests.faults.place import connect
from tests.faults.plan import Plan, Standing

# How long a client that is ahead of the killer rests after each transaction.
AHEAD_SECONDS = 0.02
# How long it rests when another client is to meet a worker alone, and what that one does.
REST_SECONDS = 0.1
AIMED = (changes.delete, changes.move_ids, changes.update_inputs)
# How many transactions a client takes back himself, and how many changes.
ROLLBACKS, SAVEPOINTS = 0.05, 0.1
# What the server says to those whose connections it ends.
KILLED = {"57P01", "57P02", "57P03"}


class Client:
    """One connection that writes, and what it knows to be committed.

    A connection that is lost before COMMIT was sent leaves nothing. One that is lost during COMMIT
    leaves us in doubt: each transaction writes its number into a row of the client's own, which
    tells afterwards.

    Args:
        number: 1 to the number of clients.
        plan: how much there is to do.
        standing: how far the run is.
        dsn: where.

    Attributes:
        memory: what it knows.
        transactions: how they ended.
    """

    def __init__(self, number: int, plan: Plan, standing: Standing, dsn: str) -> None:
        self.memory = Memory(number)
        self.transactions: Counter[str] = Counter()
        self._number = number
        self._plan = plan
        self._standing = standing
        self._dsn = dsn
        self._choice = random.Random(f"client {number} of {plan.seed}")
        self._connection: psycopg.Connection | None = None
        self._last = 0
        self._seen = 0

    def run(self) -> None:
        """Write until there are enough rows and kills."""
        while not self._standing.over.is_set() and not self._is_done():
            self._last += 1
            self._transaction(self._connected(), self._last)
            if not self._may_insert():
                self._standing.over.wait(AHEAD_SECONDS)
        self._drop()

    def _is_done(self) -> bool:
        return (
            self._standing.rows >= self._plan.rows and len(self._standing.kills) >= self._plan.kills
        )

    def _transaction(self, connection: psycopg.Connection, number: int) -> None:
        in_doubt = False
        try:
            with connection.cursor() as cursor:
                self._sign(cursor, number)
                for change in self._aimed(cursor) or self._chosen():
                    self._do(change, cursor, number)
            if self._choice.random() < ROLLBACKS:
                connection.rollback()
                self._settle(committed=False, how="rolled back by the client")
                return
            in_doubt = True
            connection.commit()
            self._settle(committed=True, how="committed")
        except psycopg.OperationalError as error:
            if not connection.closed and error.sqlstate not in KILLED:
                raise  # the statement failed, though nobody killed the connection
            connection.close()
            if not in_doubt:
                self._settle(committed=False, how="lost before COMMIT")
            elif self._signed(number):
                self._settle(committed=True, how="lost in COMMIT, committed")
            else:
                self._settle(committed=False, how="lost in COMMIT, rolled back")

    def _do(self, change: Change, cursor: psycopg.Cursor, number: int) -> None:
        """Make a change; some are made twice, of which the first is taken back by a savepoint."""
        if self._choice.random() < SAVEPOINTS:
            mark = self.memory.mark()
            cursor.execute("SAVEPOINT before")
            change(cursor, self.memory, self._choice, number)
            cursor.execute("ROLLBACK TO before")
            self.memory.back_to(mark)
        change(cursor, self.memory, self._choice, number)

    def _chosen(self) -> list[Change]:
        """One change, or a few."""
        weights = dict(changes.CHANGES)
        if self._may_insert():
            weights |= changes.INSERTS
        number = self._choice.choice([1, 1, 1, 2, 4])
        chosen = self._choice.choices(list(weights), list(weights.values()), k=number)
        # Two rows that all write, in any order, would be a deadlock of the client's own making.
        return list(dict.fromkeys(chosen))

    def _may_insert(self) -> bool:
        return self._standing.rows < self._plan.may_insert(len(self._standing.kills))

    def _settle(self, *, committed: bool, how: str) -> None:
        if committed:
            self.memory.keep()
        else:
            self.memory.roll_back()
        self.transactions[how] += 1
        self._standing.inserted[self._number - 1] = self.memory.counts["inserts"]

    def _sign(self, cursor: psycopg.Cursor, number: int) -> None:
        cursor.execute("UPDATE signature SET number = %s WHERE client = %s", [number, self._number])

    def _aimed(self, cursor: psycopg.Cursor) -> list[Change]:
        """What to do to the row that a worker has predicted, and not committed yet.

        The client whose row it is takes it away, or changes it. The others rest, so that another
        worker meets that alone, and does not wait for the first one because of other rows.
        """
        (row,) = cursor.execute("SELECT last_value FROM at_work").fetchone() or (0,)
        if row == self._seen:
            return []
        self._seen = row
        if self.memory.aim(row):
            return [self._choice.choice(AIMED)]
        self._standing.over.wait(REST_SECONDS)
        return []

    def _signed(self, number: int) -> bool:
        """Whether a transaction is committed; waits for it, should it still be on its way."""
        while True:
            try:
                found = self._connected().execute(
                    "SELECT number FROM signature WHERE client = %s FOR UPDATE", [self._number]
                )
                (last,) = found.fetchone() or (None,)
                self._connected().rollback()
                return bool(last == number)
            except psycopg.OperationalError:
                self._drop()

    def _connected(self) -> psycopg.Connection:
        """The connection, or a new one as soon as the server lets us in."""
        give_up = time.monotonic() + 60
        while self._connection is None or self._connection.closed:
            try:
                self._connection = connect(self._dsn, f"faults client {self._number}")
            except psycopg.OperationalError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.02)
        return self._connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

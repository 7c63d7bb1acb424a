"""What one client knows of the rows that it wrote, whatever becomes of its connection."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

# How often a row is predicted before it is left alone.
OFTEN = 4


class Code(NamedTuple):
    """The other key of a row, of text."""

    region: str
    code: str


@dataclass(frozen=True)
class Row:
    """A row of the table `item`.

    Attributes:
        id: its primary key.
        code: its other key.
        change: the number of the transaction that wrote it last.
        untouched: whether nobody wrote it after it was inserted under keys that were new.
    """

    id: int
    code: Code
    change: int
    untouched: bool


class Memory:
    """The rows of one client as they are if all that it did since the last `keep` is committed.

    Every client has ids and codes of its own, so that no other one changes its rows.

    Attributes:
        rows: by id, those written last at the end.
        by_id: how often each id was to be predicted: an INSERT, an UPDATE of its inputs, a row that
            took the id.
        by_code: the same for each code.
        counts: how often the client did what.
    """

    def __init__(self, client: int) -> None:
        self.rows: dict[int, Row] = {}
        self.by_id: Counter[int] = Counter()
        self.by_code: Counter[Code] = Counter()
        self.counts: Counter[str] = Counter()
        self._aimed = 0
        self._undo: list[tuple[int, Row | None]] = []
        self._predicted: list[int | Code] = []
        self._counted: list[str] = []
        self._client = client
        self._ids = itertools.count(client * 10_000_000 + 1)
        self._freed: dict[int, None] = {}

    def fresh_id(self, choice: random.Random) -> int:
        """An id that no row has: one that was never used, or one whose row is gone."""
        while self._freed and choice.random() < 0.1:
            freed, _ = self._freed.popitem()
            if freed not in self.rows:  # its going was not rolled back
                return freed
        return next(self._ids)

    def fresh_code(self, choice: random.Random) -> Code:
        """A code that no row ever had."""
        return Code(choice.choice(["nord", "süd", "o'st", ""]), f"{self._client}-{next(self._ids)}")

    def aim(self, key: int) -> bool:
        """Let `some` give one row, the next time. Returns whether it is ours, and to be changed."""
        ours = key % 4 != 0 and key in self.rows
        self._aimed = key if ours else 0
        return ours

    def some(self, number: int, choice: random.Random) -> list[Row]:
        """The row that is aimed at; else up to so many, mostly some of the latest.

        Every fourth is left alone for ever: it should be predicted once. The others are left alone
        after a few changes, since a further one would mend what went wrong with those before.
        """
        latest = 300 if choice.random() < 0.8 else len(self.rows)
        near = [
            row
            for row in itertools.islice(reversed(self.rows.values()), latest)
            if row.id % 4 and self.by_id[row.id] < OFTEN
        ]
        if aimed := self.rows.get(self._aimed):
            self._aimed = 0
            return [aimed]
        return choice.sample(near, min(number, len(near)))

    def put(self, row: Row) -> None:
        """A row is written."""
        self._undo.append((row.id, self.rows.pop(row.id, None)))
        self.rows[row.id] = row

    def remove(self, row: Row) -> None:
        """A row is gone from its id."""
        self._undo.append((row.id, self.rows.pop(row.id)))
        self._freed[row.id] = None

    def predicted(self, *keys: int | Code) -> None:
        """Keys were written in a way that wants a prediction."""
        self._predicted.extend(keys)

    def did(self, what: str, times: int = 1) -> None:
        """Something was done."""
        self._counted.extend([what] * times)

    def mark(self) -> tuple[int, int, int]:
        """Where we are, for `back_to`."""
        return len(self._undo), len(self._predicted), len(self._counted)

    def back_to(self, mark: tuple[int, int, int]) -> None:
        """What was done since a mark is not true: it was rolled back."""
        undo, predicted, counted = mark
        while len(self._undo) > undo:
            key, before = self._undo.pop()
            self.rows.pop(key, None)
            if before is not None:
                self.rows[key] = before
        del self._predicted[predicted:]
        del self._counted[counted:]

    def roll_back(self) -> None:
        """Nothing since the last `keep` is true."""
        self.back_to((0, 0, 0))

    def keep(self) -> None:
        """Everything up to now is committed."""
        for key in self._predicted:
            if isinstance(key, int):
                self.by_id[key] += 1
            else:
                self.by_code[key] += 1
        self.counts.update(self._counted)
        self._undo.clear()
        self._predicted.clear()
        self._counted.clear()

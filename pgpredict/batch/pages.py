"""Ranges of pages of the tables that hold a source, as work for several connections."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from psycopg.sql import SQL, Composable, Identifier, Literal

from pgpredict.batch.sources import Source

# A range takes a tenth of a second or more, so that a bar moves and all connections end together.
PAGES = 512
# Beginning a range of a large ensemble takes milliseconds, so a large table is cut into no more.
MOST_RANGES = 200


@dataclass(frozen=True)
class Range:
    """Pages of a table, from one up to another."""

    relation: Composable
    first: int
    end: int | None

    def condition(self, alias: str) -> list[Composable]:
        """The rows on them, which Postgres reads by their addresses."""
        place = Identifier(alias, "ctid")
        low = SQL("{} >= {}::tid").format(place, Literal(f"({self.first},0)"))
        if self.end is None:  # pages that were added meanwhile, too
            return [low]
        return [low, SQL("{} < {}::tid").format(place, Literal(f"({self.end},0)"))]


def ranges(source: Source) -> Iterator[Range]:
    """All pages of a source in ranges; none where it cannot be read so."""
    size = max(PAGES, math.ceil(sum(heap.pages for heap in source.heaps) / MOST_RANGES))
    for heap in source.heaps:
        count = max(1, math.ceil(heap.pages / size))
        for number in range(count):
            end = None if number == count - 1 else (number + 1) * size
            yield Range(heap.relation, number * size, end)

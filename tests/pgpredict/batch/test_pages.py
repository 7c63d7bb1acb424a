"""A source is cut into ranges of pages that leave none out."""

from __future__ import annotations

import pytest
from psycopg.sql import SQL

from pgpredict.batch.pages import MOST_RANGES, PAGES, ranges
from pgpredict.batch.sources import Heap, Source


def source(*pages: int) -> Source:
    heaps = tuple(Heap(SQL(f"part_{number}"), count) for number, count in enumerate(pages))
    return Source("t", SQL("t"), "s", (), (), (), (), 0, heaps)


@pytest.mark.parametrize("pages", [(1,), (PAGES, PAGES + 1), (10_000_000, 3)])
def test_ranges_follow_each_other_and_the_last_of_a_table_is_open(pages: tuple[int, ...]) -> None:
    cut = list(ranges(source(*pages)))

    for number in range(len(pages)):
        of_one = [one for one in cut if one.relation == SQL(f"part_{number}")]
        assert [one.first for one in of_one[1:]] == [one.end for one in of_one[:-1]]
        assert of_one[0].first == 0
        assert of_one[-1].end is None


def test_a_large_table_is_not_cut_into_ever_more_ranges() -> None:
    assert len(list(ranges(source(10_000_000)))) == MOST_RANGES
    assert len(list(ranges(source(10 * PAGES)))) == 10

"""The daily parts of a table of scores."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

import pgpredict
from pgpredict.dagster.asset_options import database
from pgpredict.dagster.attributes import Score
from pgpredict.dagster.statements import ask
from pgpredict.database.refusals import refusals

if TYPE_CHECKING:
    from pgpredict.dagster.component import ServedModel


def partitions(score: Score) -> dg.DailyPartitionsDefinition | None:
    """The days that are scored; None: the table is scored as a whole."""
    if score.partition_by is None:
        return None
    assert score.start is not None
    return dg.DailyPartitionsDefinition(
        start_date=score.start, end_date=score.end, timezone=score.timezone
    )


def days_of(context: Any) -> list[str]:
    """The days that a run is about; empty: it is about none."""
    return list(context.partition_keys) if context.has_partition_key_range else _one(context)


def _one(context: Any) -> list[str]:
    return [context.partition_key] if context.has_partition_key else []


@contextmanager
def database_of_days(
    model: ServedModel, score: Score, context: Any
) -> Iterator[pgpredict.Database]:
    """The database of the model, to which a day is a day of ``score.timezone``.

    Of a ``timestamptz`` the day depends on who asks; a run that scores opens more connections, and
    these take the zone over.
    """
    with database(model, context) as db:
        with db.connection() as connection, refusals(connection):
            ask(connection, "time_zone", name=score.timezone)
        yield db


def window(days: dg.DailyPartitionsDefinition, keys: list[str]) -> tuple[datetime, datetime]:
    """From the beginning of the first day to the end of the last."""
    return (
        days.time_window_for_partition_key(min(keys)).start,
        days.time_window_for_partition_key(max(keys)).end,
    )

"""The daily parts of a table of scores."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import dagster as dg

from pgpredict.dagster.attributes import Score


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


def window(days: dg.DailyPartitionsDefinition, keys: list[str]) -> tuple[datetime, datetime]:
    """From the beginning of the first day to the end of the last."""
    return (
        days.time_window_for_partition_key(min(keys)).start,
        days.time_window_for_partition_key(max(keys)).end,
    )

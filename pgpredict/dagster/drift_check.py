"""The check whether rows that are scored are still like those that were learnt."""

# Dagster reads the annotations of `context` when it defines an asset: not as text, therefore.
from typing import TYPE_CHECKING, Any

import dagster as dg

import pgpredict
from pgpredict.dagster import pictures
from pgpredict.dagster.asset_options import table
from pgpredict.dagster.attributes import Score
from pgpredict.dagster.days import database_of_days, days_of, partitions, window
from pgpredict.dagster.failures import told
from pgpredict.database import Drift
from pgpredict.sample import is_query

if TYPE_CHECKING:
    from pgpredict.dagster.component import ServedModel


def drift(model: "ServedModel", score: Score) -> dg.AssetChecksDefinition:
    """The check ``drift`` of the scores: a warning, which stops nothing."""

    @dg.asset_check(
        asset=model.keys.scores,
        name=model.keys.drift.name,
        description="Inputs and predictions are distributed as when the version was deployed.",
        required_resource_keys={model.resource_key},
        retry_policy=model.retries.policy,
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        days = _days(context, score)
        doing = f"looking for drift of {model.name}"
        with told(doing), database_of_days(model, score, context) as db:
            found = _found(model, score, db, days)
        return _result(found, days)

    return check


def _days(context: dg.AssetCheckExecutionContext, score: Score) -> list[str]:
    """The days of the run; asked for alone, in the UI, a check has none: then the last one."""
    days = partitions(score)
    if days is None:
        return []
    chosen = days_of(context)
    last = None if chosen else days.get_last_partition_key()
    return chosen or ([last] if last else [])


def _found(
    model: "ServedModel", score: Score, db: pgpredict.Database, keys: list[str]
) -> list[Drift]:
    limits: dict[str, Any] = {"minimum": model.drift.minimum}
    days = partitions(score)
    if days is not None and keys:
        begin, end = window(days, keys)
        # Days of the column, whatever its type: the database reads a date or a time from that.
        limits |= {
            "since": f"{begin:%Y-%m-%d}",
            "until": f"{end:%Y-%m-%d}",
            "time_column": score.partition_by,
        }
    of_scores = db.drift(model.name, score.into, **limits)
    if not model.drift.inputs or is_query(score.source):
        return of_scores
    return [*db.drift(model.name, score.source, **limits), *of_scores]


def _result(found: list[Drift], days: list[str]) -> dg.AssetCheckResult:
    drifted = [column.name for column in found if column.drifted]
    rows = max((column.rows for column in found), default=0)
    psi = {column.name: column.psi for column in found}
    known = {name: value for name, value in psi.items() if value is not None}
    return dg.AssetCheckResult(
        passed=not drifted,
        severity=dg.AssetCheckSeverity.WARN,
        description=(f"drifted: {', '.join(drifted)}" if drifted else f"no drift in {rows:,} rows"),
        metadata={
            **({"days": _span(days), "last day": max(days)} if days else {}),
            "version": found[0].version,
            "rows": rows,
            "psi max": max(known.values(), default=0.0),
            **{f"psi {name}": value for name, value in known.items()},
            "columns": table(_told(found)),
            "drift": pictures.of_drift(
                psi, {column.name: column.threshold for column in found}, set(drifted)
            ),
        },
    )


def _span(days: list[str]) -> str:
    return days[0] if len(days) == 1 else f"{min(days)} to {max(days)}: {len(days)} days"


def _told(found: list[Drift]) -> list[dict[str, Any]]:
    return [
        {
            "column": column.name,
            "psi": column.psi,
            "threshold": column.threshold,
            "drifted": "yes" if column.drifted else "",
            "missing now": column.null_share,
            "missing in the sample": column.baseline_null_share,
        }
        for column in found
    ]

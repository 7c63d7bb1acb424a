"""The checks of a new version, which stop what comes behind it."""

# Dagster reads the annotations of `context` when it defines an asset: not as text, therefore.
from typing import TYPE_CHECKING, Any

import dagster as dg

import pgpredict
from pgpredict.dagster.asset_options import database, table
from pgpredict.dagster.failures import told
from pgpredict.dagster.judging import Verdict, judge
from pgpredict.dagster.version import latest_version

if TYPE_CHECKING:
    from pgpredict.dagster.component import ServedModel


def golden_rows(model: "ServedModel") -> dg.AssetChecksDefinition:
    """The check that the database answers as Python did, on the golden rows."""

    @dg.asset_check(
        asset=model.keys.version,
        name="golden_rows",
        description="The functions in the database answer as scikit-learn did.",
        blocking=True,
        required_resource_keys={model.resource_key},
        retry_policy=model.retries.policy,
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        doing = f"running the golden rows of {model.name}"
        with told(doing), database(model, context) as db:
            return _golden(db, model.name, latest_version(model, context, doing))

    return check


def not_worse(model: "ServedModel") -> dg.AssetChecksDefinition:
    """The check that a version is at least as good as the live one."""

    @dg.asset_check(
        asset=model.keys.version,
        name="not_worse",
        description="On rows that no version learnt, it is not worse than the live version.",
        blocking=True,
        required_resource_keys={model.resource_key},
        retry_policy=model.retries.policy,
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        doing = f"comparing {model.name} with its live version"
        with told(doing), database(model, context) as db:
            number = latest_version(model, context, doing)
            verdict = judge(db, model.table, model.accept, number)
        return dg.AssetCheckResult(
            passed=verdict.accepted, description=verdict.reason, metadata=_numbers(verdict, number)
        )

    return check


def _golden(db: pgpredict.Database, model: str, number: int) -> dg.AssetCheckResult:
    found = db.verify(model, number)
    # Infinity where a label differs, which no chart can show.
    difference = min(found.max_difference, 1e300)
    metadata: dict[str, Any] = {
        "version": number,
        "rows": found.rows,
        "differing": found.differing,
        "largest difference": difference,
    }
    if found.differing:
        metadata["worst rows"] = table(
            [
                {
                    "row": row.row_number,
                    "python": row.expected,
                    "database": row.actual,
                    **row.inputs,
                }
                for row in db.worst_rows(model, number)
            ]
        )
    return dg.AssetCheckResult(
        passed=found.differing == 0,
        description=f"v{number}: {found.equal:,} of {found.rows:,} golden rows are equal",
        metadata=metadata,
    )


def _numbers(verdict: Verdict, number: int) -> dict[str, Any]:
    known = {
        "version": number,
        "metric": verdict.metric,
        "challenger": verdict.challenger,
        "champion": verdict.champion,
        "champion version": verdict.champion_version,
        "difference": verdict.difference,
        "rows": verdict.rows,
        "unanswered": verdict.unanswered,
    }
    return {name: value for name, value in known.items() if value is not None}

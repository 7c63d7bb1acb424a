"""The sensor that trains again after a day that has drifted."""

# Dagster reads the annotations of `context` when it defines an asset: not as text, therefore.
from typing import TYPE_CHECKING

import dagster as dg

from pgpredict.dagster.asset_options import database
from pgpredict.dagster.failures import passes
from pgpredict.dagster.judging import live_version
from pgpredict.errors import PgpredictError

if TYPE_CHECKING:
    from dagster import UnresolvedAssetJobDefinition as Job

    from pgpredict.dagster.component import ServedModel

# More checks than these between two looks are a backfill; the newest of them are looked at.
AT_ONCE = 200
WAITING = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def retrain_on_drift(model: "ServedModel", job: "Job") -> dg.SensorDefinition:
    """The sensor ``<model>_retrain_on_drift``: one run per day that failed the check."""

    @dg.sensor(
        name=model.keys.retrain_on_drift,
        job=job,
        description="Trains again, once, after scores have drifted.",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={model.resource_key},
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        failed, last = _failed(context, model.keys.drift)
        if not failed:
            return dg.SensorResult(skip_reason=dg.SkipReason("no drift"), cursor=last)
        if _is_training(context, job.name):
            # The cursor stays: these are looked at again when it has ended.
            return dg.SkipReason(f"{job.name} runs already")
        try:
            with database(model, context) as db:
                live = live_version(db, model.name)
        except PgpredictError as error:
            if not passes(error):
                raise
            return dg.SkipReason(f"the database was not asked: {error}")
        of_live = [day for day, version in failed if version == live]
        if not of_live:
            reason = f"what drifted was measured against an older version than v{live}"
            return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=last)
        day = max(of_live)
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=f"drift {day}", tags={"pgpredict/drift": day})],
            cursor=last,
        )

    return sensor


def _failed(
    context: dg.SensorEvaluationContext, key: dg.AssetCheckKey
) -> tuple[list[tuple[str, int]], str | None]:
    """Days and versions of the checks that failed since the last look; and the new cursor."""
    seen = int(context.cursor or 0)
    records = context.instance.event_log_storage.get_asset_check_execution_history(
        key, limit=AT_ONCE
    )
    new = [record for record in records if record.id > seen and record.event is not None]
    evaluated = [record.event.asset_check_evaluation for record in new if record.event]
    failed = [
        (_day(evaluation), _version(evaluation))
        for evaluation in evaluated
        if evaluation is not None and not evaluation.passed
    ]
    last = max([seen, *(record.id for record in new)])
    return failed, str(last) if last else None


def _version(evaluation: dg.AssetCheckEvaluation) -> int:
    return int(str(evaluation.metadata["version"].value))


def _day(evaluation: dg.AssetCheckEvaluation) -> str:
    """The last day that was looked at; of a table without days, the run."""
    day = evaluation.metadata.get("last day")
    if day is not None:
        return str(day.value)
    materialized = evaluation.target_materialization_data
    return str(materialized.run_id if materialized else "unknown")


def _is_training(context: dg.SensorEvaluationContext, job: str) -> bool:
    waiting = dg.RunsFilter(job_name=job, statuses=WAITING)
    return bool(context.instance.get_runs(waiting, limit=1))

"""The jobs of a model, and when they run."""

# Dagster reads the annotations of `context` when it defines an asset: not as text, therefore.
from typing import TYPE_CHECKING

import dagster as dg

from pgpredict.dagster.attributes import Score
from pgpredict.dagster.days import partitions

if TYPE_CHECKING:
    from dagster import UnresolvedAssetJobDefinition as Job

    from pgpredict.dagster.component import ServedModel


def retraining(model: "ServedModel") -> "Job":
    """The job that trains, judges and promotes."""
    keys = model.keys
    return dg.define_asset_job(
        keys.retrain,
        selection=dg.AssetSelection.assets(keys.training_rows, keys.version, keys.promoted),
        description=f"Trains {model.name}, and promotes it if it is not worse.",
        executor_def=dg.in_process_executor if model.in_process else None,
    )


def scoring(model: "ServedModel", score: Score) -> "Job":
    """The job that scores a day, or the table."""
    return dg.define_asset_job(
        model.keys.score,
        selection=dg.AssetSelection.assets(model.keys.scores),
        description=f"Scores {score.source} into {score.into}.",
        executor_def=dg.in_process_executor if model.in_process else None,
    )


def retraining_schedule(model: "ServedModel", job: "Job") -> list[dg.ScheduleDefinition]:
    """When it is trained again; none, if the YAML does not say."""
    if model.retrain is None:
        return []
    return [
        dg.ScheduleDefinition(
            name=f"{job.name}_schedule",
            job=job,
            cron_schedule=model.retrain,
            execution_timezone=model.score.timezone if model.score else "UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
    ]


def scoring_schedule(score: Score, job: "Job") -> list[dg.ScheduleDefinition]:
    """When the day before is scored, or the table; none, if the YAML does not say."""
    if score.schedule is None:
        return []
    days = partitions(score)

    @dg.schedule(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=score.schedule,
        execution_timezone=score.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if days is None:
            return dg.RunRequest()
        with dg.partition_loading_context(context.scheduled_execution_time):
            day = days.get_last_partition_key()
        if day is None:
            return dg.SkipReason(f"the first day, {score.start}, is not over yet")
        return dg.RunRequest(partition_key=day)

    return [tick]

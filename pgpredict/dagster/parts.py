"""All definitions of a model together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from pgpredict.dagster import jobs, resource
from pgpredict.dagster.drift_check import drift
from pgpredict.dagster.drift_sensor import retrain_on_drift
from pgpredict.dagster.marks import externals, marks
from pgpredict.dagster.promoted import promoted
from pgpredict.dagster.scores import scores
from pgpredict.dagster.training_rows import training_rows
from pgpredict.dagster.version import version
from pgpredict.dagster.version_checks import golden_rows, not_worse

if TYPE_CHECKING:
    from pgpredict.dagster.component import ServedModel


def definitions(model: ServedModel) -> dg.Definitions:
    """Assets, checks, jobs, schedules, sensors; the resource and the executor, unless named."""
    retraining = jobs.retraining(model)
    assets: list[Any] = [
        training_rows(model),
        version(model),
        promoted(model),
        *externals(model),
    ]
    checks = [golden_rows(model), not_worse(model)]
    all_jobs, schedules = [retraining], jobs.retraining_schedule(model, retraining)
    sensors = [marks(model)]
    if model.score is not None:
        scoring = jobs.scoring(model, model.score)
        assets.append(scores(model, model.score))
        checks.append(drift(model, model.score))
        all_jobs.append(scoring)
        schedules += jobs.scoring_schedule(model.score, scoring)
        if model.drift.retrain:
            sensors.append(retrain_on_drift(model, retraining))
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=all_jobs,
        schedules=schedules,
        sensors=sensors,
        resources={} if model.resource else {resource.KEY: resource.DEFAULT},
        executor=dg.in_process_executor if model.in_process else None,
    )

"""The job of a first run: the flights, both models, their scores, and what the learner learns."""

from __future__ import annotations

import dagster as dg

# In one process: the work is done in Postgres, and the steps wait for each other anyway.
everything = dg.define_asset_job(
    "everything",
    selection=dg.AssetSelection.all(),
    description="Loads the flights, trains and promotes both models, scores a day, or all, and has "
    "the learner learn it.",
    executor_def=dg.in_process_executor,
)

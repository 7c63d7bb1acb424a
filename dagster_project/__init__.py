"""The reference deployment: two models and a learner on real flights, in Dagster.

definitions     all that follows, as Dagster loads it
defs/           the flights, a folder for each model, what a learner learns
dagster.yaml    Dagster itself: its storage, its queue, its retries
workspace.yaml  where its processes find the project
serve           all processes on one machine, the worker too: ``make dagster``
processes       one of them
storage         the database in which Dagster remembers

It is no part of the wheel: the component is, `pgpredict.dagster.ServedModel`.
"""

"""What goes on in the database by itself, row by row: streams and learners."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

import pgpredict
from pgpredict.dagster.asset_options import spec
from pgpredict.database import Learner, LearnerState, Stream

if TYPE_CHECKING:
    from pgpredict.dagster.component import ServedModel

DATA_VERSION = "dagster/data_version"
Told = dg.AssetMaterialization | dg.AssetObservation
# What was told last, by name of the thing: a JSON object is the cursor of the sensor.
Seen = dict[str, Any]
# Name of a thing, its state now, and what to tell of it; None: nothing is new.
Mark = tuple[str, tuple[Any, Told | None]]
METRICS = ("log_loss", "accuracy", "auc", "mae", "rmse")


def flows(model: ServedModel) -> Iterator[dg.AssetSpec]:
    """The assets that workers keep up to date: tables of streams, and learners."""
    for name in model.streams:
        yield spec(
            model,
            model.keys.stream(name),
            deps=[model.keys.live],
            description=f"predict.{name}_live: predictions that are kept up to date by a worker.",
            kinds={"postgres", "stream"},
        )
    for learner in model.learners:
        deps = model.training.deps if learner.deps is None else learner.deps
        yield spec(
            model,
            model.keys.learner(learner.name),
            deps=[dg.AssetKey.from_user_string(key) for key in deps],
            description=f"predict.{learner.name}: a model that learns each row as it comes.",
            kinds={"postgres", "stream"},
        )


def streams(model: ServedModel, db: pgpredict.Database, seen: Seen) -> Iterator[Mark]:
    """How far the streams of the model are."""
    for stream in db.streams():
        if stream.model == model.name:
            name = f"stream {stream.name}"
            state = [stream.state, stream.depth, stream.dead_letters, str(stream.last_at)]
            yield name, (state, _of_stream(model, stream) if state != seen.get(name) else None)


def learners(model: ServedModel, db: pgpredict.Database, seen: Seen) -> Iterator[Mark]:
    """How far the learners are that the YAML names, and how good."""
    shown = {learner.name for learner in model.learners}
    for learner in db.learners() if shown else ():
        if learner.name in shown:
            name = f"learner {learner.name}"
            state = [learner.status, learner.state, learner.depth, learner.quarantined]
            if state == seen.get(name):
                yield name, (state, None)
                continue
            last = db.learner_states(learner.name, at_most=1)
            yield name, (state, _of_learner(model, learner, last[0] if last else None))


def _of_stream(model: ServedModel, stream: Stream) -> Told:
    return dg.AssetObservation(
        model.keys.stream(stream.name),
        description=f"{stream.state}, {stream.depth:,} rows wait",
        metadata={
            "depth": stream.depth,
            "rate": stream.rate,
            "rows": stream.rows,
            "dead letters": stream.dead_letters,
            "state": stream.state,
            **_seconds({"lag": stream.lag, "oldest age": stream.oldest_age}),
        },
    )


def _of_learner(model: ServedModel, learner: Learner, last: LearnerState | None) -> Told:
    metrics = {name: getattr(last, name, None) for name in METRICS}
    return dg.AssetObservation(
        model.keys.learner(learner.name),
        description=f"{learner.status}, state {learner.state:,} of {learner.rows:,} rows, "
        f"{learner.depth:,} wait" + (f": {learner.why}" if learner.why else ""),
        metadata={
            "state": learner.state,
            "rows": learner.rows,
            "depth": learner.depth,
            "quarantined": learner.quarantined,
            "status": learner.status,
            "estimator": learner.estimator,
            **_seconds({"oldest age": learner.oldest_age}),
            **{name: value for name, value in metrics.items() if value is not None},
        },
        tags={DATA_VERSION: str(learner.state)},
    )


def _seconds(spans: dict[str, timedelta | None]) -> dict[str, float]:
    return {name: span.total_seconds() for name, span in spans.items() if span is not None}

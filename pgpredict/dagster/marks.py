"""The sensor that tells Dagster what happened in the database: who made what live, and flows."""

# Dagster reads the annotations of `context` when it defines an asset: not as text, therefore.
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

import pgpredict
from pgpredict.dagster.asset_options import database, spec, table
from pgpredict.dagster.failures import passes
from pgpredict.dagster.flows import DATA_VERSION, Mark, Seen, Told, flows, learners, streams
from pgpredict.database import Event, Model
from pgpredict.errors import PgpredictError

if TYPE_CHECKING:
    from pgpredict.dagster.component import ServedModel

LAST_EVENTS = 10


def externals(model: "ServedModel") -> list[dg.AssetSpec]:
    """The assets that others make: what is live, tables of streams, and learners."""
    live = spec(
        model,
        model.keys.live,
        deps=[model.keys.promoted],
        description=model.description
        or f"What predict.{model.name} answers with, whoever promoted it or rolled back.",
    )
    return [live, *flows(model)]


def marks(model: "ServedModel") -> dg.SensorDefinition:
    """The sensor ``<model>_marks``: it starts no runs, and tells only what is new."""

    @dg.sensor(
        name=model.keys.marks,
        description="What was made live in SQL, and how far streams and learners are.",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={model.resource_key},
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        seen: Seen = json.loads(context.cursor or "{}")
        try:
            with database(model, context) as db:
                now = {name: mark for look in LOOKS for name, mark in look(model, db, seen)}
        except PgpredictError as error:
            if not passes(error):
                raise
            return dg.SkipReason(f"the database was not asked: {error}")
        told = [mark for _, mark in now.values() if mark is not None]
        cursor = json.dumps({name: state for name, (state, _) in now.items()}, sort_keys=True)
        if not told:
            return dg.SkipReason("nothing is new")
        return dg.SensorResult(asset_events=told, cursor=cursor)

    return sensor


def _live(model: "ServedModel", db: pgpredict.Database, seen: Seen) -> Iterator[Mark]:
    found = next((one for one in db.models() if one.name == model.name), None)
    if found is None or found.live is None:
        return
    # Not an id of the last event: events that commit later may have lower ones.
    state = [found.live, str(found.live_since)]
    new = state != seen.get("live")
    yield "live", (state, _made_live(model, found, db.events(model.name)) if new else None)


def _made_live(model: "ServedModel", found: Model, events: list[Event]) -> Told:
    last = next((e for e in reversed(events) if e.version == found.live), None)
    return dg.AssetMaterialization(
        model.keys.live,
        description=f"v{found.live} is live",
        metadata={
            "version": found.live or 0,
            **({"by": last.what, "who": last.who} if last else {}),
            "since": dg.MetadataValue.text(str(found.live_since)),
            "events": table([_of_event(event) for event in events[-LAST_EVENTS:]]),
            **_numbers(found.metrics or {}),
        },
        tags={DATA_VERSION: str(found.live)},
    )


def _of_event(event: Event) -> dict[str, Any]:
    return {
        "at": f"{event.at:%Y-%m-%d %H:%M:%S}",
        "who": event.who,
        "what": event.what,
        "version": event.version,
    }


def _numbers(metrics: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metrics.items() if isinstance(value, float)}


# What is looked at, in this order.
LOOKS: tuple[Callable[["ServedModel", pgpredict.Database, Seen], Iterator[Mark]], ...] = (
    _live,
    streams,
    learners,
)

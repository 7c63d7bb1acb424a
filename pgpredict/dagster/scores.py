"""The asset of the scores: a day, or the whole table, scored in the database."""

# Dagster reads the annotations of `context` when it defines an asset: not as text, therefore.
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dagster as dg

import pgpredict
from pgpredict.batch import Progress, Scoring
from pgpredict.dagster.asset_options import spec
from pgpredict.dagster.attributes import Score
from pgpredict.dagster.days import database_of_days, days_of, partitions
from pgpredict.dagster.failures import told
from pgpredict.dagster.statements import ask, transaction
from pgpredict.errors import InUse, InvalidSource
from pgpredict.sample import is_query

if TYPE_CHECKING:
    from pgpredict.dagster.component import ServedModel

# Seconds between two lines of the log that say how far a run is.
TELL_EVERY = 10


def scores(model: "ServedModel", score: Score) -> dg.AssetsDefinition:
    """The asset ``<model>/scores``."""
    key, days = model.keys.scores, partitions(score)
    single = days is not None and score.backfill == "single_run"

    @dg.multi_asset(
        name=f"{model.name}_scores",
        specs=[
            spec(
                model,
                key,
                deps=[
                    model.keys.promoted,
                    model.keys.live,
                    *(dg.AssetKey.from_user_string(name) for name in score.deps),
                ],
                description=f"{score.into}: what the live version of {model.name} says of "
                f"{score.source}.",
                metadata={
                    "dagster/table_name": score.into,
                    **({"partition_expr": score.partition_by} if score.partition_by else {}),
                },
                kinds={"postgres", "table"},
            )
        ],
        partitions_def=days,
        backfill_policy=dg.BackfillPolicy.single_run() if single else None,
        required_resource_keys={model.resource_key},
        retry_policy=model.retries.policy,
        pool=score.pool or f"pgpredict_{model.name}",
    )
    def asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        chosen = days_of(context) if days is not None else None
        doing = f"scoring {score.source} with {model.name}"
        # Another run that scores into the table ends; readers let go of it.
        with told(doing, passing=(InUse,)), database_of_days(model, score, context) as db:
            done = db.score(
                model.name,
                source=score.source,
                into=score.into,
                key=_key(db, score),
                partition_by=score.partition_by,
                every="day" if score.partition_by else None,
                partitions=chosen,
                workers=score.workers,
                progress=_telling(context),
            )
        return dg.MaterializeResult(asset_key=key, metadata=_metadata(done, chosen))

    return asset


def _key(db: pgpredict.Database, score: Score) -> list[str]:
    if score.key:
        return list(score.key)
    if is_query(score.source):
        raise InvalidSource(
            "the query of score.source has no primary key",
            do="name the columns that tell its rows apart in score.key",
        )
    with transaction(db) as connection:
        found = ask(connection, "primary_key", table=score.source)
    if not found:
        raise InvalidSource(
            f"{score.source} has no primary key",
            do="name the columns that tell its rows apart in score.key",
        )
    return [row["name"] for row in found]


def _telling(context: dg.AssetExecutionContext) -> Callable[[Progress], None]:
    said = time.monotonic()

    def tell(progress: Progress) -> None:
        nonlocal said
        if time.monotonic() - said >= TELL_EVERY:
            said = time.monotonic()
            total = "" if progress.total is None else f" of {progress.total:,}"
            context.log.info(
                f"{progress.doing}: {progress.rows:,}{total} rows, "
                f"{progress.rows_per_second:,.0f} rows/s"
            )

    return tell


def _metadata(done: Scoring, days: list[str] | None) -> dict[str, Any]:
    return {
        **_counts(done, days),
        "rows": done.rows,
        "nulls": done.nulls,
        "version": done.version,
        "rows/s": round(done.rows_per_second),
        "seconds": round(done.seconds, 3),
        **{f"share of {label}": share for label, share in done.shares.items()},
        **{f"quantile {name}": value for name, value in done.quantiles.items()},
        "dagster/table_name": done.into,
    }


def _counts(done: Scoring, days: list[str] | None) -> dict[str, int]:
    """The number of rows of the table or the day; each of many days is told of the whole run."""
    if days is None:
        return {"dagster/row_count": done.rows}
    return {"dagster/partition_row_count": done.rows} if len(days) == 1 else {"days": len(days)}

"""The asset of promotion: the version that was accepted answers from now on."""

# Dagster reads the annotations of `context` when it defines an asset: not as text, therefore.
from typing import TYPE_CHECKING, Any

import dagster as dg

import pgpredict
from pgpredict.dagster.asset_options import database, spec
from pgpredict.dagster.failures import refused, told
from pgpredict.dagster.judging import judge, live_version
from pgpredict.dagster.version import latest_version

if TYPE_CHECKING:
    from pgpredict.dagster.component import ServedModel


def promoted(model: "ServedModel") -> dg.AssetsDefinition:
    """The asset ``<model>/promoted``."""
    key = model.keys.promoted

    @dg.multi_asset(
        name=f"{model.name}_promoted",
        specs=[
            spec(
                model,
                key,
                deps=[model.keys.version],
                description=f"The version that predict.{model.name} was made to answer with.",
            )
        ],
        required_resource_keys={model.resource_key},
        retry_policy=model.retries.policy,
    )
    def asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        doing = f"promoting {model.name}"
        with told(doing), database(model, context) as db:
            number = latest_version(model, context, doing)
            before = live_version(db, model.name)
            if before != number:
                _check_again(model, db, number, doing)
                db.promote(model.name, number)
        return dg.MaterializeResult(
            asset_key=key,
            metadata={
                "version": number,
                "live before": "none" if before is None else f"v{before}",
                "call": f"predict.{model.name}",
            },
            data_version=dg.DataVersion(str(number)),
        )

    return asset


def _check_again(model: "ServedModel", db: pgpredict.Database, number: int, doing: str) -> None:
    """Refuse what the checks refused: somebody may run this asset without them, or later."""
    by_hand = f"if you mean it: SELECT pgpredict.promote('{model.name}', {number})"
    found = db.verify(model.name, number)
    if found.differing:
        raise refused(
            doing, f"{found.differing} golden rows of v{number} differ from Python", do=by_hand
        )
    verdict = judge(db, model.table, model.accept, number)
    if not verdict.accepted:
        raise refused(doing, f"v{number} is not accepted", why=verdict.reason, do=by_hand)

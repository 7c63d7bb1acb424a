"""The asset of the versions: trained, deployed, measured, not yet live."""

# Dagster reads the annotations of `context` when it defines an asset: not as text, therefore.
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

import pgpredict
from pgpredict.dagster import candidates, pictures
from pgpredict.dagster.answers import answered, chosen, of_estimator, of_version
from pgpredict.dagster.asset_options import code, database, spec, table
from pgpredict.dagster.candidates import Found
from pgpredict.dagster.failures import refused, told
from pgpredict.dagster.judging import metric_for
from pgpredict.dagster.metrics import measured
from pgpredict.dagster.statements import ask, transaction

if TYPE_CHECKING:
    from pgpredict.dagster.component import ServedModel


def version(model: "ServedModel") -> dg.AssetsDefinition:
    """The asset ``<model>/version``."""
    key = model.keys.version

    @dg.multi_asset(
        name=f"{model.name}_version",
        specs=[
            spec(
                model,
                key,
                deps=[model.keys.training_rows],
                description=f"The latest version of {model.name} that was trained and deployed. "
                "It answers nobody before it is promoted.",
                kinds={"postgres", "scikitlearn"},
            )
        ],
        required_resource_keys={model.resource_key},
        retry_policy=model.retries.policy,
    )
    def asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        with told(f"training {model.name}"), database(model, context) as db:
            number = _of_this_run(model, db, context.run.run_id)
            more = {} if number else _deployed(model, db, context.run.run_id)
            number = number or int(more["version"])
            context.log.info(f"{model.name} v{number} is deployed, not yet live")
            return dg.MaterializeResult(
                asset_key=key,
                metadata={"version": number, **more, **_looked_at(model, db, number)},
                data_version=dg.DataVersion(str(number)),
            )

    return asset


def latest_version(model: "ServedModel", context: Any, doing: str) -> int:
    """The version that the asset was materialised with last.

    Raises:
        dagster.Failure: it never was.
    """
    event = context.instance.get_latest_materialization_event(model.keys.version)
    if event is None or event.asset_materialization is None:
        name = model.keys.version.to_user_string()
        raise refused(doing, f"there is no {name} yet", do="materialise it first")
    return int(event.asset_materialization.metadata["version"].value)


def _of_this_run(model: "ServedModel", db: pgpredict.Database, run: str) -> int | None:
    with transaction(db) as connection:
        found = ask(connection, "version_of_run", model=model.name, run=run)
    return None if found[0]["version"] is None else int(found[0]["version"])


def _deployed(model: "ServedModel", db: pgpredict.Database, run: str) -> dict[str, Any]:
    X, y = model.table.read(db, held_out=False)
    found = _trained(model, X, y)
    answers = of_estimator(found.estimator, *model.table.read(db, held_out=True))
    metrics = {}
    if answers is not None:
        metric_for(model.accept, answers)  # refused before anything is deployed
        metrics = measured(answers)
    done = db.deploy(
        model.name,
        found.estimator,
        X,
        source=model.source,
        metrics={**metrics, "rows": len(X), "dagster_run": run},
        promote=False,
        form=model.form,
    )
    told_of = asdict(done)
    kept = ("version", "description", "kind", "form", "microseconds", "sql_bytes")
    return {
        **{name: told_of[name] for name in kept},
        "rows learnt": len(X),
        "golden rows": done.rows,
        "trained by": found.origin,
        **({"best parameters": dg.MetadataValue.json(_plain(found))} if found.parameters else {}),
        **({"candidates": table(found.tried)} if found.tried else {}),
        **({"notes": "\n".join(done.notes)} if done.notes else {}),
    }


def _trained(model: "ServedModel", X: pd.DataFrame, y: "pd.Series[Any]") -> Found:
    if model.train is not None:
        return candidates.trained(model.train, model.package, X, y)
    return candidates.best(
        model.candidates, model.package, X, y, metric=model.accept.metric, search=model.search
    )


def _plain(found: Found) -> dict[str, Any]:
    kinds = (int, float, str, bool, type(None))
    return {n: v if isinstance(v, kinds) else str(v) for n, v in found.parameters.items()}


def _looked_at(model: "ServedModel", db: pgpredict.Database, number: int) -> dict[str, Any]:
    answers = of_version(db, model.table, number)
    known = chosen(answers, answered(answers))
    with transaction(db) as connection:
        texts = ask(connection, "function_texts", model=model.name, version=number)
    return {
        "rows held out": len(answers.actual),
        "rows unanswered": len(answers.actual) - len(known.actual),
        **(measured(known) | pictures.of_answers(known) if len(known.actual) else {}),
        "sql": code("\n\n".join(row["text"] for row in texts)),
    }

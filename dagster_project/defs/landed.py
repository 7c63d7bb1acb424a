"""The flights that have landed, day by day: the table that the learner learns from."""

# Dagster reads the annotations of `context` when it defines an asset: not as text, therefore.
from typing import Any

import dagster as dg
from sklearn.linear_model import SGDClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import pgpredict
from pgpredict.dagster import PgPredict
from pgpredict.dagster.failures import told
from pgpredict.database.queries import query
from pgpredict.demo.flights import TABLE as FLIGHTS

TABLE = "nycflights.landed"
LEARNER = "late_online"
FEATURES = [
    "minute_of_day",
    "weekend",
    "distance",
    "temp",
    "humid",
    "wind_speed",
    "precip",
    "visib",
]


@dg.asset(
    key=TABLE.split("."),
    group_name="flights",
    deps=[FLIGHTS.split(".")],
    description=f"The flights of a day that have landed. The learner {LEARNER} learns each of "
    "them: a worker sees to it, no run.",
    metadata={"dagster/table_name": TABLE, "partition_expr": "scheduled"},
    kinds={"postgres", "table"},
    partitions_def=dg.DailyPartitionsDefinition(
        start_date="2013-01-01", end_date="2014-01-01", timezone="America/New_York"
    ),
    backfill_policy=dg.BackfillPolicy.single_run(),
    pool=LEARNER,
    retry_policy=dg.RetryPolicy(max_retries=5, delay=5, backoff=dg.Backoff.EXPONENTIAL),
)
def landed(
    context: dg.AssetExecutionContext, pgpredict: dg.ResourceParam[PgPredict]
) -> dg.MaterializeResult[Any]:
    """Write them into the table; what has landed before stays as it is, and is not learnt again."""
    window = context.partition_time_window
    # The table has New York's time, without saying so.
    days = {"begin": window.start.replace(tzinfo=None), "end": window.end.replace(tzinfo=None)}
    with told("landing flights"), pgpredict.database() as db, db.connection() as connection:
        with connection.transaction():
            connection.execute(query("make", "landed"))
        _be_learnt(db)
        with connection.transaction():
            new = connection.execute(query("land", "landed"), days).rowcount
        rows = connection.execute(query("total", "landed")).fetchone()
    assert rows is not None
    return dg.MaterializeResult(metadata={"new rows": new, "rows of all days": rows[0]})


def _be_learnt(db: pgpredict.Database) -> None:
    """Make the learner, the first time: it learns what is written from now on."""
    if LEARNER not in {learner.name for learner in db.learners()}:
        db.create_learner(
            LEARNER,
            estimator(),
            source=TABLE,
            target="late",
            features=FEATURES,
            classes=[False, True],
        )


def estimator() -> Any:
    """What learns: steps of one length, so that what is long ago is forgotten."""
    return make_pipeline(
        StandardScaler(),
        SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.001, random_state=0),
    )

"""The batch engine beside COPY out, predict with scikit-learn, COPY in: 336,776 flights, 2 cores.

Both end to end, from connection to commit, into a new table with a primary key. The floor is
that table filled with constants: what reading, writing and indexing take if predictions are free.
And ten million rows, to see that a row costs there what it costs here.
"""

from __future__ import annotations

import gc
from functools import partial
from typing import Any

import psycopg
from rich.console import Console
from rich.table import Table
from sklearn.compose import make_column_transformer
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

import pgpredict
from benchmarks.demands import Findings
from benchmarks.outside import Outside, processes
from benchmarks.workbench import race, server
from pgpredict.demo import flights as data
from pgpredict.demo import models
from pgpredict.demo.flights import Flights

# As one would set up a server of 2 cores and 8 GB.
SETTINGS = {
    "shared_buffers": "2GB",
    "effective_cache_size": "6GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "wal_buffers": "64MB",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "2",
    "max_parallel_maintenance_workers": "1",
}
ROUNDS = 5
TIMES = 30  # that many flights' rows make ten million
FITTED_ON = 60_000
TITLES = {
    "logistic": "logistic, 129 weights",
    "classifier": "100 trees, label and probability, walked in C",
    "regressor": "100 trees, number, walked in C",
    "classifier_sql": "the same label and probability in plain SQL",
    "regressor_sql": "the same number in plain SQL",
}
PLAIN = "_sql"  # a model that is deployed without the walker of trees
# So many times as fast as COPY out, predict, COPY in by one process.
DEMANDED = {"logistic": 8.0, "classifier": 1.7, "regressor": 1.7}
MOST_OF_A_ROW = 1.1  # ten million rows beside 336,776


def main(console: Console) -> None:
    """Print seconds and ratios, then the time of a row in a small table and in a large one."""
    with server(settings=SETTINGS, native=True) as connection:
        dsn = connection.info.dsn + f" password={connection.info.password}"
        counts = data.load(connection, data.folder())
        connection.execute(f"VACUUM {data.TABLE}".encode())
        fitted = _fit(data.read(connection))
        with pgpredict.connect(dsn) as db:
            _deploy(db, connection, fitted)
            with (
                processes(1, dsn, counts.flights, fitted) as one,
                processes(2, dsn, counts.flights, fitted) as two,
            ):
                _beside(console, db, connection, fitted, {1: one, 2: two})
            _large(console, db, connection)


def _fit(flights: Flights) -> dict[str, Any]:
    """Fitted pipelines by name."""
    sample = flights.inputs[flights.training].sample(FITTED_ON, random_state=0)
    late = flights.late[sample.index]
    logistic = models.train("logistic", models.logistic(), flights).model
    classifier = _trees(GradientBoostingClassifier(max_depth=3, random_state=0))
    regressor = _trees(GradientBoostingRegressor(max_depth=3, random_state=0))
    return {
        "logistic": logistic,
        "classifier": classifier.fit(sample, late),
        "regressor": regressor.fit(sample, late.astype(float)),
        f"classifier{PLAIN}": classifier,
        f"regressor{PLAIN}": regressor,
    }


def _trees(model: Any) -> Any:
    numbered = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    numbers = [*data.TIMES, "distance", *data.WEATHER]
    return make_pipeline(
        make_column_transformer(
            (numbered, data.CATEGORIES), (SimpleImputer(strategy="median"), numbers)
        ),
        model,
    )


def _deploy(db: pgpredict.Database, connection: psycopg.Connection, fitted: dict[str, Any]) -> None:
    sample = data.read(connection).inputs.sample(20_000, random_state=0)
    for name, model in fitted.items():
        form = "block" if name.endswith(PLAIN) else None
        db.deploy(name, model, sample, source=data.TABLE, form=form)


def _beside(
    console: Console,
    db: pgpredict.Database,
    connection: psycopg.Connection,
    fitted: dict[str, Any],
    outside: dict[int, Outside],
) -> None:
    table = Table(title="336,776 flights into a new table with a primary key, seconds")
    for heading in ("model", "floor", "db.score", "outside", "by two", "ratio", "to two"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    findings = Findings("times as fast as outside, one process")
    for name, model in fitted.items():
        label = "boolean" if hasattr(model, "predict_proba") else "float8"

        def inside(name: str = name) -> None:
            db.score(name, source=data.TABLE, into="inside", key="id")

        def around(number: int, name: str = name, label: str = label) -> None:
            outside[number].score(name, label, f"outside_{number}")

        times = race(
            {
                "constants": partial(_constants, connection, label),
                "inside": inside,
                "outside_1": partial(around, 1),
                "outside_2": partial(around, 2),
            },
            ROUNDS,
            before=partial(_clear, connection),
        )
        _check(connection, label)
        floor, ours, one, two = times.values()
        table.add_row(
            TITLES[name],
            *(f"{seconds:.2f}" for seconds in (floor, ours, one, two)),
            *(f"{seconds / ours:.1f}" for seconds in (one, two)),
        )
        if name in DEMANDED:
            findings.at_least(TITLES[name], one / ours, DEMANDED[name])
    console.print(table)
    console.print(findings.table)


def _constants(connection: psycopg.Connection, label: str) -> None:
    """The table that the scores fill, by the same statements, without a prediction."""
    with connection.transaction():
        connection.execute(
            f"""CREATE TABLE constants (id, prediction, probability, version, at) AS
                SELECT id, '1'::{label}, '0.5'::float8, 1, now() FROM {data.TABLE}""".encode()
        )
        connection.execute("ALTER TABLE constants ADD PRIMARY KEY (id)")


def _clear(connection: psycopg.Connection, table: str) -> None:
    connection.execute(f"DROP TABLE IF EXISTS {table}".encode())
    connection.execute("CHECKPOINT")
    gc.collect()


def _check(connection: psycopg.Connection, label: str) -> None:
    """Both ways give the same scores."""
    same = "i.prediction = o.prediction AND abs(i.probability - o.probability) <= 1e-9"
    if label == "float8":
        same = "abs(i.prediction - o.prediction) <= 1e-9"
    differing = f"""
        SELECT id FROM inside AS i FULL JOIN outside_2 AS o USING (id)
        WHERE ({same}) IS NOT TRUE LIMIT 5"""
    assert connection.execute(differing.encode()).fetchall() == []


def _large(console: Console, db: pgpredict.Database, connection: psycopg.Connection) -> None:
    table = Table(title="microseconds a row")
    for heading in ("model", "336,776 rows", "10,103,280 rows", "ratio"):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    findings = Findings("a row of ten million beside a row of 336,776")
    columns = ", ".join(data.INPUTS)
    connection.execute(
        f"""CREATE TABLE many AS
            SELECT row_number() OVER ()::integer AS id, {columns}
            FROM {data.TABLE}, generate_series(1, {TIMES})""".encode()
    )
    connection.execute("VACUUM ANALYZE many")
    for name in ("logistic", "regressor"):
        micro = [
            min(_row(db, connection, name, source) for _ in range(rounds))
            for source, rounds in ((data.TABLE, ROUNDS), ("many", 2))
        ]
        table.add_row(
            TITLES[name], *(f"{each:.2f}" for each in micro), f"{micro[1] / micro[0]:.2f}"
        )
        findings.at_most(TITLES[name], micro[1] / micro[0], MOST_OF_A_ROW)
    console.print(table)
    console.print(findings.table)


def _row(db: pgpredict.Database, connection: psycopg.Connection, name: str, source: str) -> float:
    _clear(connection, "inside")
    done = db.score(name, source=source, into="inside", key="id")
    return done.seconds / done.rows * 1e6

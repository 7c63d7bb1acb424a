"""What happens in the demo, act by act."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
from threadpoolctl import threadpool_limits

import pgpredict
from pgpredict.database import Database, Deployment
from pgpredict.database.queries import query
from pgpredict.demo import flights as data
from pgpredict.demo import models, scoring, second_act
from pgpredict.demo.arrivals import STREAM
from pgpredict.demo.flights import Flights
from pgpredict.demo.models import Trained
from pgpredict.demo.scoring import Comparison
from pgpredict.demo.screen import Screen
from pgpredict.errors import GoldenRowMismatch, PgpredictError

MODEL = "late"
QUERIES = (
    ("worst_flights", "Two days before Christmas: which flights would you rather not be on?", 3),
    ("expected_and_happened", "How many are late, in months that the model never saw?", 1),
    ("what_if", "The same flight to San Francisco, at another hour, in a storm?", 1),
)


def tell(dsn: str | None) -> None:
    """Run all acts; see `pgpredict.demo.run`."""
    begin = time.perf_counter()
    screen = Screen()
    screen.title("pgpredict", "a scikit-learn pipeline becomes a function in PostgreSQL")
    folder = data.folder()
    # One thread for scikit-learn, as Postgres has one process for a query: on a busy machine the
    # threads of the booster would mostly wait for each other.
    target = _target(dsn, screen)
    with threadpool_limits(1), pgpredict.connect(target) as db, db.connection() as connection:
        _prepare(db)
        flights = _load(screen, connection, folder)
        trained = _train(screen, flights)
        versions = _deploy(screen, db, trained, flights)
        _switch(screen, connection, versions)
        _score(screen, connection, trained, versions, flights)
        _ask(screen, connection)
        second_act.tell(screen, db, target)
    _end(screen, time.perf_counter() - begin, embedded=dsn is None)


def _target(dsn: str | None, screen: Screen) -> str:
    """The database; the embedded server is started if there is no other."""
    screen.act("Real flights, in a real Postgres")
    if dsn is None:
        from pgpredict.server import EmbeddedServer

        with screen.working("starting Postgres"):
            status = EmbeddedServer().start()
        screen.say(f"Postgres {status.version} runs in {status.path}, from a wheel, just for you.")
        assert status.dsn is not None
        return status.dsn
    with pgpredict.connect(dsn) as db, db.connection() as connection:
        about = connection.info
        major = about.server_version // 10_000
        screen.say(f"Postgres {major} on {about.host}, database {about.dbname}, as you asked for.")
    return dsn


def _prepare(db: Database) -> None:
    """Install pgpredict, and leave a model alone that is not the demo's."""
    db.install()
    # Known by its inputs, for its source is gone where somebody dropped only the tables.
    ours = any(
        {given["name"] for given in version.signature} == set(data.INPUTS)
        for version in db.versions(MODEL)
    )
    if not ours and any(model.name == MODEL for model in db.models()):
        raise PgpredictError(
            f"there is a model {MODEL} in this database that this demo did not deploy",
            do="set $PGPREDICT_HOME to a new folder, and run the demo there",
        )


def _load(screen: Screen, connection: psycopg.Connection[Any], folder: Path) -> Flights:
    begin = time.perf_counter()
    with screen.working("loading flights and weather"):
        counts = data.load(connection, folder)
    seconds = time.perf_counter() - begin
    with screen.working("reading them back"):
        flights = data.read(connection)
    late = counts.late / counts.arrived
    screen.facts(
        [
            (data.TABLE, f"{counts.flights:,} flights from New York in 2013, {seconds:.1f} s"),
            ("columns", "airline, airports, time, distance, and the weather in that hour"),
            ("missing", f"{counts.incomplete:,} flights lack a part of the weather"),
            ("to predict", f"more than 15 minutes late: {late:.0%} of those that arrived"),
        ]
    )
    return flights


def _train(screen: Screen, flights: Flights) -> list[Trained]:
    screen.act("Two pipelines, trained in scikit-learn as ever")
    trained = []
    for title, model in (
        ("logistic regression", models.logistic()),
        ("gradient boosting", models.boosting()),
    ):
        with screen.working(f"training {title} on {flights.training.sum():,} flights"):
            trained.append(models.train(title, model, flights))
    screen.say("January to September to learn from; October to December, unseen, to judge by.")
    screen.table(
        ["", "roc auc, learnt", "roc auc, unseen", "training"],
        [
            (t.title, f"{t.training_auc:.3f}", f"{t.test_auc:.3f}", f"{t.seconds:.1f} s")
            for t in trained
        ],
    )
    return trained


def _deploy(
    screen: Screen, db: Database, trained: list[Trained], flights: Flights
) -> list[Deployment]:
    screen.act("Deploy: each becomes a version, proven in the same transaction")
    screen.code(f'db.deploy("{MODEL}", pipeline, sample, source="{data.TABLE}")', "python")
    sample = flights.inputs[flights.training].sample(20_000, random_state=0)
    versions = []
    for number, one in enumerate(trained):
        with screen.working(f"deploying {one.title}"):
            done = db.deploy(
                MODEL,
                one.model,
                sample,
                source=data.TABLE,
                metrics={"roc_auc": round(one.test_auc, 3)},
                promote=number == 0,
            )
        versions.append(done)
        screen.say(f"{done.model} v{done.version}  {done.description}", "bold")
        screen.facts(
            [
                ("what", f"{done.inputs} inputs, {done.sql_bytes / 1_000:,.0f} KB of plain SQL"),
                ("proof", f"{done.rows:,} of {done.rows:,} golden rows as scikit-learn says"),
                ("live" if done.live else "waits", _reach(done)),
            ]
        )
    return versions


def _reach(done: Deployment) -> str:
    if done.live:
        return "\n".join(done.calls)
    return f"until promoted; predict.{done.model} goes on as before"


def _switch(
    screen: Screen, connection: psycopg.Connection[Any], versions: list[Deployment]
) -> None:
    screen.act("Promote and roll back, under a view that somebody reads")
    view = query("make_view", "demo")
    screen.code(f"{view};")
    connection.execute(view)
    first, second = (version.version for version in versions)
    steps = [f"v{first} is live"]
    counts = [_count(screen, connection)]
    for call in (
        f"SELECT pgpredict.promote('{MODEL}', {second})",
        f"SELECT pgpredict.rollback('{MODEL}')",
        f"SELECT pgpredict.promote('{MODEL}', {second})",
    ):
        connection.execute(call)
        steps.append(call)
        counts.append(_count(screen, connection))
    screen.table(
        ["", "flights in the view"],
        [(step, f"{count:,}") for step, count in zip(steps, counts, strict=True)],
    )


def _count(screen: Screen, connection: psycopg.Connection[Any]) -> int:
    with screen.working("reading the view"):
        row = connection.execute(query("count_view", "demo")).fetchone()
    assert row is not None
    return int(row[0])


def _score(
    screen: Screen,
    connection: psycopg.Connection[Any],
    trained: list[Trained],
    versions: list[Deployment],
    flights: Flights,
) -> None:
    screen.act("Score every flight in SQL, and hold each answer against scikit-learn's")
    first, second = versions
    frozen = f"predict_versions.{MODEL}_v{first.version}"
    screen.code(
        f"-- v{first.version} waits: its frozen functions take columns\n"
        f"INSERT INTO nycflights.late_scores\n"
        f"SELECT f.id, {frozen}(f.{data.INPUTS[0]}, …),\n"
        f"       {frozen}_proba(f.{data.INPUTS[0]}, …)\n"
        f"FROM {data.TABLE} f;\n"
        f"-- v{second.version} is live: predict.{MODEL} takes rows\n"
        f"INSERT INTO nycflights.late_scores\n"
        f"SELECT f.id, predict.{MODEL}(f), predict.{MODEL}_proba(f)\n"
        f"FROM {data.TABLE} f;"
    )
    # The live version last, so that its scores stay.
    comparisons = []
    for one, done, calls in (
        (trained[0], first, scoring.by_name(MODEL, first.version)),
        (trained[1], second, scoring.by_row(MODEL)),
    ):
        with screen.progress(f"v{done.version} {one.title:<20}", scoring.MONTHS) as advance:
            seconds = scoring.score(connection, calls, advance)
        with screen.working("asking scikit-learn"):
            comparisons.append(scoring.compare(connection, one.model, flights, seconds))
    _show_comparisons(screen, versions, comparisons, flights)


def _show_comparisons(
    screen: Screen, versions: list[Deployment], comparisons: list[Comparison], flights: Flights
) -> None:
    screen.table(
        ["", *(f"{version.model} v{version.version}" for version in versions)],
        [
            ("flights compared", *(f"{c.rows:,}" for c in comparisons)),
            ("labels that differ", *(f"{c.labels:,}" for c in comparisons)),
            ("probabilities that differ", *(f"{c.probabilities:,}" for c in comparisons)),
            (
                "largest difference",
                *(f"{c.largest:.0e}" if c.largest else "0" for c in comparisons),
            ),
            ("Postgres, scores written", *(f"{c.postgres:.1f} s" for c in comparisons)),
            ("scikit-learn, in memory", *(f"{c.sklearn:.1f} s" for c in comparisons)),
            ("fetching the rows for it", *(f"{flights.seconds:.1f} s" for _ in comparisons)),
        ],
    )
    if not all(c.equal for c in comparisons):
        raise GoldenRowMismatch(
            "the database answers otherwise than scikit-learn",
            do="report it with the output above: this is a bug in pgpredict",
        )
    screen.gap()
    screen.say("Not one answer differs.", "bold green")


def _ask(screen: Screen, connection: psycopg.Connection[Any]) -> None:
    screen.act("Ask, as an analyst would")
    for name, question, texts in QUERIES:
        text = query(name, "demo")
        screen.gap()
        screen.say(question, "italic")
        screen.code(f"{text};")
        with screen.working("asking"):
            cursor = connection.execute(text)
            rows = cursor.fetchall()
        columns = [column.name for column in cursor.description or ()]
        screen.table(columns, rows, left=texts)


def _end(screen: Screen, seconds: float, *, embedded: bool) -> None:
    psql = f"{_command()} server psql" if embedded else "psql"
    screen.act("Your turn")
    screen.say(f"That took {seconds:.0f} s. The server goes on running, with all of this in it.")
    queries = (query("your_turn", "demo"), query("what_is_live", "demo"))
    screen.code("\n".join([psql, *(f"=> {text};" for text in queries)]), "text")
    further = [("your own model", f"{_command()} deploy --help")]
    if embedded:
        further.append(("stop the server", f"{_command()} server stop"))
    further += [
        ("clean up", f"{psql} -c \"SELECT pgpredict.drop_stream('{STREAM}')\""),
        ("", f'{psql} -c "DROP SCHEMA nycflights CASCADE"'),
        ("", f"{psql} -c \"SELECT pgpredict.drop_model('{MODEL}')\""),
    ]
    screen.facts(further)


def _command() -> str:
    """How the reader would type ``pgpredict``: it may lie in an environment that is not active."""
    beside = Path(sys.executable).with_name("pgpredict")
    if shutil.which("pgpredict") or not beside.exists():
        return "pgpredict"
    relative = os.path.relpath(beside)
    return relative if not relative.startswith("..") else str(beside)

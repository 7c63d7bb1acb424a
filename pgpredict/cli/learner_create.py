"""``pgpredict learner create``, with what its options mean."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pgpredict.cli import screen
from pgpredict.cli.inputs import read_model
from pgpredict.cli.options import Dsn, Json, Trust
from pgpredict.cli.refusal import doing
from pgpredict.cli.stream_create import Key, Level, NoNotify, TriggerLevel, read_key

if TYPE_CHECKING:
    from pgpredict.database import Learner


class Updates(StrEnum):
    """What a learner does when a row that it has learnt changes or goes."""

    ignore = "ignore"
    revise = "revise"


LearnerName = Annotated[str, typer.Argument(metavar="NAME", help="Name of the learner.")]
LearnerOrAll = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]", show_default=False, help="Name of the learner; all unless given."
    ),
]
Estimator = Annotated[
    str,
    typer.Argument(
        metavar="ESTIMATOR",
        help="What learns, fitted or not: a .skops file, a .pkl, .pickle or .joblib file with "
        "--trust, or package.module:object.",
    ),
]
Table = Annotated[
    str, typer.Argument(metavar="TABLE", help="A table with a column of numbers for each feature.")
]
Features = Annotated[
    list[str],
    typer.Option(
        "--features",
        metavar="COLUMN",
        help="A column to learn from, or several with commas; may be repeated.",
    ),
]
Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="COLUMN",
        show_default=False,
        help="The column of the label; none for what needs none, as k-means.",
    ),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        "--classes",
        metavar="LABEL",
        show_default=False,
        help="Every label that will come, several with commas. Those of a fitted estimator, or "
        "those that the table holds now, unless given.",
    ),
]
Backfill = Annotated[
    bool,
    typer.Option("--backfill", help="Learn the labelled rows that are there already, too."),
]
Revising = Annotated[
    Updates | None,
    typer.Option(
        "--updates",
        show_default=False,
        help="What an UPDATE or DELETE of a learnt row does: take back what was learnt of it, or "
        "nothing. Revise for LinearRegression and Ridge, else ignore, unless given.",
    ),
]
Retention = Annotated[
    int | None,
    typer.Option(
        "--retention",
        metavar="STATES",
        min=1,
        show_default=False,
        help="How many states to keep; all unless given.",
    ),
]


class Where(StrEnum):
    """Who learns."""

    database = "database"
    worker = "worker"


Place = Annotated[
    Where | None,
    typer.Option(
        "--place",
        show_default=False,
        help="Who learns: the database, or scikit-learn itself in the worker. The database unless "
        "given, if it can.",
    ),
]


def create(
    name: LearnerName,
    estimator: Estimator,
    source: Table,
    features: Features,
    target: Target = None,
    classes: Classes = None,
    key: Key = None,
    backfill: Backfill = False,
    retention: Retention = None,
    no_notify: NoNotify = False,
    level: TriggerLevel = Level.statement,
    updates: Revising = None,
    place: Place = None,
    trust: Trust = False,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Learn from the labelled rows of a table from now on, as they come.

    predict.NAME(…) answers with what is learnt so far. A row is learnt once: when it comes with
    its label, or when it gets one. With --updates revise what changes is learnt anew, and what goes
    is taken back: the learner is always that of the rows that are there.
    """
    import pgpredict

    columns, of_key, labels = _names(features, "--features"), read_key(key or []), classes or []
    with doing(f"create learner {name}"):
        loaded = read_model(estimator, trust)
    with pgpredict.connect(dsn) as database, doing(f"create learner {name}"):
        learner = database.create_learner(
            name,
            loaded.estimator,
            source=source,
            features=columns,
            target=target,
            key=of_key,
            classes=[read_label(label) for label in _names(labels, "--classes")] or None,
            backfill=backfill or None,
            retention=retention,
            notify=not no_notify,
            level=level.value,
            updates=updates and updates.value,
            place=place and place.value,
        )
    if json:
        screen.answer(asdict(learner))
    else:
        _show(learner)


def read_label(text: str) -> Any:
    """A label from the command line: a boolean or a number if it looks like one, else text.

    Example:
        >>> [read_label(text) for text in ("true", "3", "0.5", "spam")]
        [True, 3, 0.5, 'spam']
    """
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def _names(given: list[str], option: str) -> list[str]:
    try:
        return read_key(given) or []
    except typer.BadParameter as error:
        raise typer.BadParameter(error.message, param_hint=option) from None


def _show(learner: Learner) -> None:
    screen.say(f"{learner.name}   {learner.estimator}")
    what = f"{screen.count(len(learner.features), 'feature')} of {learner.source}"
    screen.say(f"  learns        {learner.target or 'clusters'} from {what}")
    if learner.place == "worker":
        screen.say("  taught by     scikit-learn, in the worker")
    if learner.answers:
        call = f"predict.{learner.name}(t) FROM {learner.source} AS t LIMIT 5"
        screen.say(f"  try           SELECT {call}")
    else:
        screen.say("  answers       in Python alone: pgpredict learner export")
    if learner.updates == "revise":
        screen.say("  updates       take back what was learnt of a row")
    if learner.depth:
        screen.say(f"  waiting       {screen.count(learner.depth, 'row')}")
    screen.say(f"  next          pgpredict worker {learner.name}")

"""What learners know and refused: ``learner list``, ``show``, ``states``, ``quarantine``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from pgpredict.cli import screen
from pgpredict.cli.learner_create import LearnerName
from pgpredict.cli.options import Dsn, Json

if TYPE_CHECKING:
    from pgpredict.database import Learner, LearnerState

Ids = Annotated[
    list[int] | None,
    typer.Argument(
        metavar="[ID...]", show_default=False, help="Numbers of the rows; all unless given."
    ),
]
AtMost = Annotated[int, typer.Option("--last", min=1, help="How many to show.")]


def learners(dsn: Dsn = None, json: Json = False) -> None:
    """List the learners of a database: where they stand, what waits, what is in quarantine."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        found = database.learners()
    if json:
        screen.answer([asdict(learner) for learner in found])
        return
    screen.table(
        [
            {
                "learner": learner.name,
                "estimator": learner.estimator,
                "table": learner.source,
                "status": learner.status,
                "state": learner.state,
                "rows": learner.rows,
                "waiting": learner.depth,
                "oldest": learner.oldest_age,
                "quarantined": learner.quarantined,
            }
            for learner in found
        ],
        [
            *("learner", "estimator", "table", "status", "state", "rows"),
            *("waiting", "oldest", "quarantined"),
        ],
        empty="no learners yet; create one: pgpredict learner create NAME ESTIMATOR TABLE",
    )


def show(name: LearnerName, dsn: Dsn = None, json: Json = False) -> None:
    """Show a learner: what it learns, where it stands, what waits, how good it was last."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        learner = database.learner(name)
        last = database.learner_states(name, 1)[0]
    if json:
        screen.answer(asdict(learner) | {"last": asdict(last)})
        return
    screen.say(f"{learner.name}   {learner.status}")
    facts = {
        "estimator": learner.estimator,
        "learns": f"{learner.target or 'clusters'} from {', '.join(learner.features)}",
        "of": f"{learner.source} by {', '.join(learner.key)}",
        "classes": ", ".join(learner.classes),
        "updates": "take back what was learnt of a row" if learner.updates == "revise" else "",
        "state": f"{learner.state}, since {screen.cell(learner.learnt_at)}; "
        f"{screen.count(learner.rows, 'row')} learnt",
        "last batch": _metrics(last),
        "waiting": screen.count(learner.depth, "row") if learner.depth else "",
        "quarantine": screen.count(learner.quarantined, "row") if learner.quarantined else "",
        "keeps": "all states" if learner.retention is None else f"{learner.retention} states",
        "created": f"{screen.cell(learner.created_at)} by {learner.created_by}",
    }
    for fact, value in facts.items():
        if value:
            screen.say(f"  {fact:<12}  {value}")
    warn(learner)


def states(name: LearnerName, last: AtMost = 20, dsn: Dsn = None, json: Json = False) -> None:
    """List the last states of a learner: how they were made, how good the predictions were before.

    A metric is of the rows of a batch, predicted before they were learnt.
    """
    import pgpredict

    with pgpredict.connect(dsn) as database:
        found = database.learner_states(name, last)
    if json:
        screen.answer([asdict(state) for state in found])
        return
    columns = ["state", "made by", "from", "rows", "batch", "quarantined"]
    if any(state.taken_back for state in found):
        columns.insert(5, "taken back")
    metrics = [
        metric
        for metric in ("log_loss", "accuracy", "auc", "mae", "rmse")
        if any(getattr(state, metric) is not None for state in found)
    ]
    screen.table(
        [
            {
                "state": state.state,
                "made by": state.made_by,
                "from": state.came_from,
                "rows": state.rows,
                "batch": state.batch_rows,
                "taken back": state.taken_back,
                "quarantined": state.quarantined,
                "kept": "checkpoint" if state.checkpoint else "",
                "at": state.at,
            }
            | {metric: getattr(state, metric) for metric in metrics}
            for state in found
        ],
        [*columns, *metrics, "kept", "at"],
        empty="no states are kept",
    )


def quarantine(name: LearnerName, last: AtMost = 100, dsn: Dsn = None, json: Json = False) -> None:
    """List the rows that a learner did not learn, and why."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        found = database.quarantine(name, last)
    if json:
        screen.answer([asdict(row) for row in found])
        return
    screen.table(
        [{"id": row.id, "key": row.key, "reason": row.reason, "at": row.at} for row in found],
        ["id", "key", "reason", "at"],
        empty="nothing is in quarantine",
    )


def release(name: LearnerName, ids: Ids = None, dsn: Dsn = None, json: Json = False) -> None:
    """Give rows in quarantine to the learner again, as they are in the table now."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        rows = database.release_quarantine(name, ids or None)
    if json:
        screen.answer({"learner": name, "released": rows})
    else:
        screen.say(f"{name}: {screen.count(rows, 'row')} released, to be learnt next")


def discard(name: LearnerName, ids: Ids = None, dsn: Dsn = None, json: Json = False) -> None:
    """Forget rows in quarantine."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        rows = database.discard_quarantine(name, ids or None)
    if json:
        screen.answer({"learner": name, "discarded": rows})
    else:
        screen.say(f"{name}: {screen.count(rows, 'row')} discarded")


def warn(learner: Learner) -> None:
    """Complain where a learner has stopped."""
    if learner.status == "stopped":
        screen.complain(f"{learner.name} has stopped: {learner.why}", label="warning")


def _metrics(state: LearnerState) -> str:
    names = {"log_loss": "log loss", "accuracy": "accuracy", "auc": "AUC", "mae": "MAE"}
    names["rmse"] = "RMSE"
    told = [
        f"{label} {getattr(state, name):.4g}"
        for name, label in names.items()
        if getattr(state, name) is not None
    ]
    return ", ".join(told) + (" before it was learnt" if told else "")

"""``pgpredict learner``: models that learn from the rows of a table."""

from __future__ import annotations

from typing import Annotated

import typer

from pgpredict.cli import (
    learner_create,
    learner_drift,
    learner_files,
    learner_rules,
    learner_screens,
    screen,
)
from pgpredict.cli.command import add
from pgpredict.cli.learner_create import LearnerName
from pgpredict.cli.options import Dsn, Json
from pgpredict.cli.refusal import doing

app = typer.Typer(
    help="Let a model learn from the rows of a table, as they come.", no_args_is_help=True
)

StateNumber = Annotated[int, typer.Argument(metavar="STATE", min=0, help="Number of the state.")]


def learn(
    name: LearnerName,
    batch: Annotated[
        int, typer.Option("--batch", min=1, help="Rows per batch, each a call of partial_fit.")
    ] = 1000,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Learn what waits now, batch by batch, then end. `pgpredict worker` does so for ever."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        with screen.waiting(f"teaching {name}"):
            rows = database.catch_up(name, batch)
        learner = database.learner(name)
    if json:
        screen.answer({"learner": name, "rows": rows, "state": learner.state})
    else:
        screen.say(f"{name} has done {screen.count(rows, 'row')}, and is at state {learner.state}")
    learner_screens.warn(learner)


def reconcile(name: LearnerName, dsn: Dsn = None, json: Json = False) -> None:
    """Compare what a learner knows with its table: what differs is learnt next.

    For rows that were written while the triggers were off, and learners of --updates revise.
    """
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"compare {name} with its table"):
        rows = database.reconcile_learner(name)
    if json:
        screen.answer({"learner": name, "rows": rows})
    else:
        screen.say(
            f"{name}: {screen.count(rows, 'row')} differ, to be learnt next"
            if rows
            else f"{name} knows its table as it is"
        )


def pause(name: LearnerName, dsn: Dsn = None, json: Json = False) -> None:
    """Let rows wait: predictions go on, nothing is learnt until resume. No row is lost."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        was_learning = database.pause_learner(name)
    if json:
        screen.answer({"learner": name, "status": "paused", "changed": was_learning})
    else:
        screen.say(
            f"{name} is paused: rows wait until pgpredict learner resume {name}"
            if was_learning
            else f"{name} did not learn before either"
        )


def resume(name: LearnerName, dsn: Dsn = None, json: Json = False) -> None:
    """Go on after a pause, or after a learner stopped by itself: what waited is learnt next."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        was_resting = database.resume_learner(name)
        waiting = database.learner(name).depth
    if json:
        screen.answer(
            {"learner": name, "status": "learning", "changed": was_resting, "depth": waiting}
        )
    else:
        what = "learns" if was_resting else "was learning already"
        screen.say(f"{name} {what}; {screen.count(waiting, 'row')} waiting")


def drop(name: LearnerName, dsn: Dsn = None, json: Json = False) -> None:
    """Remove a learner: its triggers, functions, history, queue and quarantine. Its events stay.

    Refused while a view or something else uses its functions.
    """
    import pgpredict

    with pgpredict.connect(dsn) as database:
        waited = database.drop_learner(name)
    if json:
        screen.answer({"dropped": name, "waited": waited})
    else:
        screen.say(f"{name} is gone, with its history; {screen.count(waited, 'row')} waited")


def unlearn(
    name: LearnerName,
    keys: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY...",
            help="Keys of the rows; as JSON where a key has several columns: "
            """'{"shop": 1, "nr": 17}'.""",
        ),
    ],
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Take rows out of what a learner knows, as if it had never seen them.

    Everything since the first of them is learnt again without them, in one transaction; readers go
    on with the old state meanwhile.
    """
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"unlearn rows of {name}"):
        with screen.waiting(f"teaching {name} again"):
            rows = database.unlearn(name, keys)
        state = database.learner(name).state
    if json:
        screen.answer({"learner": name, "rows": rows, "state": state})
    elif rows:
        screen.say(f"{name} has unlearnt {screen.count(rows, 'row')}, and is at state {state}")
    else:
        screen.say(f"{name} had learnt none of these")


def rollback(name: LearnerName, state: StateNumber, dsn: Dsn = None, json: Json = False) -> None:
    """Predict and learn on with what a learner knew at a state. The history stays."""
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"roll {name} back"):
        made = database.rollback_learner(name, state)
    if json:
        screen.answer({"learner": name, "to": state, "state": made})
    else:
        screen.say(f"{name} is at state {made}, which knows what state {state} knew")


def checkpoint(name: LearnerName, dsn: Dsn = None, json: Json = False) -> None:
    """Keep the current state of a learner, however few states are kept besides."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        state = database.checkpoint(name)
    if json:
        screen.answer({"learner": name, "state": state})
    else:
        screen.say(f"state {state} of {name} stays")


def retain(
    name: LearnerName,
    states: Annotated[
        str, typer.Argument(metavar="STATES", help="How many states to keep, or all.")
    ],
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Keep so many states from now on, besides the checkpoints. Unlearning reaches no further."""
    import pgpredict

    if states != "all" and not states.isdigit():
        raise typer.BadParameter(f"{states} is neither a number nor all", param_hint="STATES")
    wanted = None if states == "all" else int(states)
    with pgpredict.connect(dsn) as database, doing(f"keep {states} states of {name}"):
        forgotten = database.set_learner_retention(name, wanted)
    if json:
        screen.answer({"learner": name, "retention": wanted, "forgotten": forgotten})
    else:
        kept = "all its states" if wanted is None else screen.count(wanted, "state")
        screen.say(f"{name} keeps {kept}; {screen.count(forgotten, 'state')} forgotten now")


add(app, learner_create.create)
add(app, learner_screens.learners, name="list")
add(app, learner_screens.show)
add(app, learner_screens.states)
add(app, learn)
add(app, reconcile)
add(app, pause)
add(app, resume)
add(app, unlearn)
add(app, rollback)
add(app, checkpoint)
add(app, retain)
add(app, learner_files.export)
add(app, learner_files.import_, name="import")
add(app, learner_screens.quarantine)
add(app, learner_screens.release)
add(app, learner_screens.discard)
app.add_typer(learner_rules.app, name="rule")
add(app, learner_drift.watch)
add(app, learner_drift.unwatch)
add(app, learner_drift.drift)
add(app, drop)

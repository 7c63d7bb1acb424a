"""``pgpredict learner watch``, ``unwatch`` and ``drift``: errors of learners that grow."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from pgpredict.cli import screen
from pgpredict.cli.learner_create import LearnerName, LearnerOrAll
from pgpredict.cli.options import Dsn, Json
from pgpredict.cli.refusal import doing


class Action(StrEnum):
    """What is done when the errors of a learner grow."""

    alert = "alert"
    pause = "pause"
    reset = "reset"


def watch(
    name: LearnerName,
    then: Annotated[
        Action, typer.Option("--then", help="What is done when its errors grow.")
    ] = Action.alert,
    delta: Annotated[
        float, typer.Option("--delta", help="How often drift is found where there is none.")
    ] = 0.002,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Watch the errors of a learner from now on, for drift. `pgpredict worker` does it.

    An event and a notification say when they grow; then rows wait (pause), or the learner goes back
    to its last checkpoint (reset).
    """
    import pgpredict

    with pgpredict.connect(dsn) as database, doing(f"watch {name}"):
        database.set_learner_drift(name, then.value, delta=delta)
    if json:
        screen.answer({"learner": name, "action": then.value, "delta": delta})
    else:
        screen.say(f"{name} is watched by pgpredict worker; when its errors grow: {then.value}")


def unwatch(name: LearnerName, dsn: Dsn = None, json: Json = False) -> None:
    """Watch the errors of a learner no more."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        was_watched = database.set_learner_drift(name, None)
    if json:
        screen.answer({"learner": name, "changed": was_watched})
    else:
        screen.say(f"{name} {'is' if was_watched else 'was'} not watched")


def drift(
    name: LearnerOrAll = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """List the learners that are watched: how large their errors are, when they grew last."""
    import pgpredict

    with pgpredict.connect(dsn) as database:
        found = database.learner_drift(name)
    if json:
        screen.answer([asdict(learner) for learner in found])
        return
    screen.table(
        [
            {
                "learner": learner.learner,
                "then": learner.action,
                "fed": learner.fed_rows,
                "behind": learner.behind,
                "error": learner.error,
                "of rows": learner.width,
                "found": learner.found,
                "last": learner.found_at,
            }
            for learner in found
        ],
        ["learner", "then", "fed", "behind", "error", "of rows", "found", "last"],
        empty="no learner is watched; watch one: pgpredict learner watch NAME",
    )

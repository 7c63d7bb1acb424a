"""``pgpredict learner export`` and ``import``: states of learners as files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pgpredict.cli import screen
from pgpredict.cli.inputs import read_model
from pgpredict.cli.learner_create import LearnerName
from pgpredict.cli.options import Dsn, Json, Trust
from pgpredict.cli.refusal import doing


def export(
    name: LearnerName,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it: a .skops file.")],
    state: Annotated[
        int | None,
        typer.Option("--state", min=0, show_default=False, help="That state; the current one."),
    ] = None,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Write a state of a learner to a file, as a fitted estimator of scikit-learn.

    A file that is there already is left alone.
    """
    import pgpredict
    from pgpredict.errors import PgpredictError

    with pgpredict.connect(dsn) as database, doing(f"export {name}"):
        estimator = database.export_learner(name, state)
    import skops.io

    try:
        with file.open("xb") as opened:
            opened.write(skops.io.dumps(estimator))
    except FileExistsError:
        raise PgpredictError(f"{file} is there already", do="name another file") from None
    except OSError as error:
        raise PgpredictError(f"cannot write {file}", why=error.strerror or "") from error
    if json:
        screen.answer({"learner": name, "state": state, "file": str(file)})
    else:
        screen.say(f"{name} is in {file}")


def import_(
    name: LearnerName,
    estimator: Annotated[
        str,
        typer.Argument(
            metavar="ESTIMATOR",
            help="A fitted estimator: a .skops file, a .pkl, .pickle or .joblib file with --trust, "
            "or package.module:object.",
        ),
    ],
    trust: Trust = False,
    dsn: Dsn = None,
    json: Json = False,
) -> None:
    """Let a learner predict and learn on with the numbers of a fitted estimator."""
    import pgpredict

    with doing(f"import {estimator} into {name}"):
        loaded = read_model(estimator, trust)
    with pgpredict.connect(dsn) as database, doing(f"import {estimator} into {name}"):
        state = database.import_learner(name, loaded.estimator)
    if json:
        screen.answer({"learner": name, "state": state})
    else:
        screen.say(f"{name} goes on from {estimator}: state {state}")

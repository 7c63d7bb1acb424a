"""What was learnt, once more: states whose model is not kept, and all without some rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from pgpredict.database.importing import check_like
from pgpredict.database.learner_statements import Asking, first, labels_of, run
from pgpredict.database.outside import stored, teaching
from pgpredict.database.outside.agreeing import check_agreement
from pgpredict.database.outside.parts import as_part, learn_part
from pgpredict.database.outside.preparing import prepare
from pgpredict.database.outside.pupil import Pupil, read_pupil
from pgpredict.errors import InvalidLearner


def pupil_at(cursor: Asking, name: str, state: int | None) -> Pupil:
    """A learner at a state, learnt again from the nearest one before it whose model is kept.

    Args:
        cursor: of the transaction.
        name: of the learner.
        state: its number; None: the current one.

    Raises:
        UnknownLearner, InvalidLearner: there is none, or the way to it is not kept.
        UnreadableModel: this Python cannot read it, or not go on with it.
    """
    found = first(cursor, "state_outside", name=name, state=state)
    if found["base"] is None:
        raise _not_kept(name, found["state"])
    pupil = read_pupil(cursor, name, found["base"], found["at"])
    rows = found["base_rows"]
    for row in run(cursor, "batches_between", name=name, base=found["base"], state=found["state"]):
        part = as_part(row)
        X = np.array(part.features, dtype=np.float64).reshape(len(part.keys), -1)
        teaching.teach(pupil.estimator, X, pupil.targets(part.labels), pupil.classes)
        rows += len(part.keys)
    if rows != found["rows"]:
        raise _not_kept(name, found["state"])
    if pupil.state != found["state"]:
        pupil.content = stored.write(pupil.estimator)
        pupil.state = found["state"]
    return pupil


def export(cursor: Asking, name: str, state: int | None) -> Any:
    """The estimator of a state, which knows the names of its inputs."""
    found = first(cursor, "state_outside", name=name, state=state)
    if found["base"] == found["state"]:  # only read: another release of scikit-learn may do that
        content = first(cursor, "model", name=name, state=found["state"])["model"]
        estimator = stored.read(name, content, going_on=False)
        features = first(cursor, "taught", name=name)["features"]
    else:
        pupil = pupil_at(cursor, name, state)
        estimator, features = pupil.estimator, pupil.features
    for step in teaching.steps(estimator)[:1]:
        if hasattr(step, "n_features_in_"):
            step.feature_names_in_ = np.asarray(features, dtype=object)
    return estimator


def restore(cursor: Asking, name: str, state: int) -> None:
    """Keep the model of a state again that was forgotten since it is large."""
    run(cursor, "lock", name=name)
    found = first(cursor, "state_outside", name=name, state=state)
    if found["base"] == found["state"]:
        return
    pupil = pupil_at(cursor, name, state)
    run(
        cursor, "restore_model", name=name, state=state, parameters=pupil.vector,
        model=pupil.content,
    )  # fmt: skip


def import_estimator(cursor: Asking, name: str, estimator: Any) -> int:
    """Predict and learn on with an estimator that was trained outside. Returns the state.

    Raises:
        UnsupportedEstimator, InvalidLearner: it is another kind of estimator.
        GoldenRowMismatch: the database would answer otherwise.
    """
    made_of = first(cursor, "taught", name=name)
    check_like(name, export(cursor, name, None), estimator)
    labels = labels_of(made_of["classes"], made_of["label_type"]) or None
    prepared = prepare(estimator, made_of["features"], labels)
    blocks = [] if prepared.program is None else prepared.program.blocks
    if [[b.name, list(b.shape)] for b in blocks] != [
        [b["name"], b["shape"]] for b in first(cursor, "blocks", name=name)["blocks"]
    ]:
        raise InvalidLearner(
            f"{type(estimator).__name__} has parts of other sizes than learner {name}",
            do="export a state, teach that, and import it again",
        )
    state = first(
        cursor, "import_model", name=name, parameters=prepared.vector, model=prepared.content
    )["state"]
    if prepared.program is not None:
        check_agreement(cursor, name, prepared.estimator, prepared.program)
    return int(state)


def unlearn(cursor: Asking, name: str, keys: Sequence[str | None]) -> int:
    """Take rows out again: from the state before the first of them, all batches without them.

    Returns:
        How many rows were taken out.
    """
    run(cursor, "lock", name=name)
    start = first(cursor, "before_keys", name=name, keys=list(keys))
    if start["first_state"] is None:
        return 0
    pupil = pupil_at(cursor, name, start["base"])
    batches = run(cursor, "batches_without", name=name, keys=list(keys), **start)
    run(
        cursor, "add_unlearnt", name=name, base=start["base"], rows=start["rows"],
        parameters=pupil.vector, model=pupil.content,
    )  # fmt: skip
    taken = 0
    for row in batches:
        taken += row["taken"]
        if row["keys"]:
            outcome = learn_part(cursor, pupil, as_part(row), "unlearnt")
            if outcome.keys:
                run(
                    cursor, "hold_batch", name=name, keys=outcome.keys, reasons=outcome.reasons,
                    held=0, learnt=outcome.learnt, tried=len(row["keys"]), beyond=False,
                )  # fmt: skip
    run(cursor, "note_unlearnt", name=name, taken=taken, first_state=start["first_state"])
    return taken


def _not_kept(name: str, state: int) -> InvalidLearner:
    return InvalidLearner(
        f"the model of state {state} of learner {name} is not kept, nor the way to it",
        do="keep more states: db.set_learner_retention",
    )

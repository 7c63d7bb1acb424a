"""Any state of a learner again: back to it, without some rows, as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from pgpredict.database.learner_records import LearnerState, Quarantined
from pgpredict.database.learner_statements import (
    Asking,
    first,
    key_text,
    labels_of,
    program_of,
    run,
)
from pgpredict.database.session import Session
from pgpredict.errors import InvalidLearner, UnreadableModel


class LearnerHistory(Session):
    """What `pgpredict.Database` does with the states of learners."""

    def learner_states(self, name: str, at_most: int = 100) -> list[LearnerState]:
        """The last states of a learner, the latest first.

        Raises:
            UnknownLearner: there is none of this name.
        """
        with self._work() as cursor:
            run(cursor, "check", name=name)
            return [
                LearnerState(**row) for row in run(cursor, "states", name=name, at_most=at_most)
            ]

    def unlearn(self, name: str, keys: Iterable[Any]) -> int:
        """Make the numbers of a learner those of one that never saw some rows.

        One transaction: back to the state before the first of them was learnt, then all batches
        since once more without them. Readers go on with the old state meanwhile. New states are
        added; those before stay in the history. A learner with ``updates="revise"`` takes them out
        of its sums; they stay out until they change, or are released from the quarantine.

        Args:
            name: name of the learner.
            keys: of the rows; where a key has several columns mappings,
                ``{"shop": 1, "nr": 17}``.

        Returns:
            How many rows were taken out; 0: none of them was learnt.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: these are no keys, not several of them, or the history of that time is
                not kept.

        Example:
            >>> db.unlearn("fraud", [8812, 8813])  # doctest: +SKIP
            2
        """
        if isinstance(keys, str | Mapping) or not isinstance(keys, Iterable):
            raise InvalidLearner(f"{keys!r} are not several keys", do=f"pass a list: [{keys!r}]")
        with self._work() as cursor:
            texts = [key_text(key) for key in keys]
            if _is_outside(cursor, name):
                return int(_replaying().unlearn(cursor, name, texts))
            return int(first(cursor, "unlearn", name=name, keys=texts)["rows"])

    def rollback_learner(self, name: str, state: int) -> int:
        """Predict and learn on with what a learner knew at a state.

        What it learnt since stays in the history, and is not learnt again. A learner with
        ``updates="revise"`` is paused: when it is resumed, it is back at the rows of its source.

        Returns:
            The number of the new state.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: it has no such state any more.
        """
        with self._work() as cursor:
            if _is_outside(cursor, name):
                _replaying().restore(cursor, name, state)
            return int(first(cursor, "rollback", name=name, state=state)["state"])

    def checkpoint(self, name: str) -> int:
        """Keep the current state of a learner, whatever the retention.

        Returns:
            Its number.

        Raises:
            UnknownLearner: there is none of this name.
        """
        with self._work() as cursor:
            return int(first(cursor, "checkpoint", name=name)["state"])

    def set_learner_retention(self, name: str, states: int | None) -> int:
        """Keep so many states from now on, besides the checkpoints; None: all.

        Returns:
            How many states were forgotten now.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: it is less than one state.
        """
        with self._work() as cursor:
            return int(first(cursor, "set_retention", name=name, states=states)["pruned"])

    def export_learner(self, name: str, state: int | None = None) -> Any:
        """A state of a learner as a fitted estimator of scikit-learn.

        Args:
            name: name of the learner.
            state: its number; None: the current one.

        Returns:
            An estimator that predicts the same, and whose `partial_fit` goes on from there.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: it has no such state any more.
            UnreadableModel: what it was made of was not kept.
            UntrustedModel: it holds types that are not known to be safe.
        """
        with self._work() as cursor:
            if _is_outside(cursor, name):
                return _replaying().export(cursor, name, state)
            stored = first(cursor, "stored", name=name, state=state)
        return _program(name, stored).export(stored["parameters"])

    def import_learner(self, name: str, estimator: Any) -> int:
        """Predict and learn on with the numbers of a fitted estimator, trained outside.

        Args:
            name: name of the learner.
            estimator: of the class that the learner was made of, with the same features, classes
                and parts; most likely one that `export_learner` gave.

        Returns:
            The number of the new state.

        Raises:
            UnknownLearner: there is none of this name.
            UnsupportedEstimator, InvalidLearner: it is another kind of estimator, has other
                parameters or is not fitted, or the learner was created with ``updates="revise"``.
        """
        with self._work() as cursor:
            if _is_outside(cursor, name):
                return int(_replaying().import_estimator(cursor, name, estimator))
            stored = first(cursor, "stored", name=name, state=None)
            return _imported(cursor, name, stored, estimator)

    def quarantine(self, name: str, at_most: int = 1000) -> list[Quarantined]:
        """The rows that a learner did not learn, and why; oldest first.

        Raises:
            UnknownLearner: there is none of this name.
        """
        with self._work() as cursor:
            run(cursor, "check", name=name)
            found = run(cursor, "quarantine", name=name, at_most=at_most)
            return [Quarantined(**row) for row in found]

    def release_quarantine(self, name: str, ids: Sequence[int] | None = None) -> int:
        """Give rows in quarantine to the learner again, as they are in the source now.

        Args:
            name: name of the learner.
            ids: their numbers; None: all.

        Returns:
            How many go; what the learner cannot learn comes back.

        Raises:
            UnknownLearner: there is none of this name.
        """
        return self._dispose("release", name, ids)

    def discard_quarantine(self, name: str, ids: Sequence[int] | None = None) -> int:
        """Forget rows in quarantine; None: all.

        Returns:
            How many went.

        Raises:
            UnknownLearner: there is none of this name.
        """
        return self._dispose("discard", name, ids)

    def _dispose(self, how: str, name: str, ids: Sequence[int] | None) -> int:
        numbers = None if ids is None else [int(number) for number in ids]
        with self._work() as cursor:
            return int(first(cursor, how, name=name, ids=numbers)["rows"])


def _is_outside(cursor: Asking, name: str) -> bool:
    return bool(first(cursor, "taught", name=name)["place"] == "worker")


def _replaying() -> ModuleType:
    # Loads scikit-learn: a second that other methods need not wait.
    from pgpredict.database.outside import replaying

    return replaying


def _made_of(name: str, stored: dict[str, Any]) -> Any:
    """The estimator that a learner was made of."""
    # Loads scikit-learn: a second that other methods need not wait.
    from pgpredict.modelfile import skopsfile

    if stored["model_file"] is None:
        raise UnreadableModel(
            f"the estimator of learner {name} was not kept",
            why="it was created without Python, or skops cannot write it",
        )
    return skopsfile.read(f"learner {name}", stored["model_file"], False)


def _program(name: str, stored: dict[str, Any]) -> Any:
    """What a learner was made of, as a program."""
    classes = labels_of(stored["classes"], stored["label_type"]) or None
    return program_of(_made_of(name, stored), stored["features"], classes, stored["updates"])


def _imported(cursor: Asking, name: str, stored: dict[str, Any], estimator: Any) -> int:
    from pgpredict.database.importing import check_like
    from pgpredict_transpiler.learning.registry import learning_program

    if stored["updates"] == "revise":
        raise InvalidLearner(
            f"learner {name} takes no numbers from elsewhere",
            why=f"they follow from the rows of {stored['source']}, "
            "and would be back with the next batch",
            do="put the rows in the table, or create a learner with updates='ignore'",
        )
    if stored["model_file"] is not None:
        check_like(name, _made_of(name, stored), estimator)
    classes = labels_of(stored["classes"], stored["label_type"]) or None
    program = learning_program(estimator, stored["features"], classes)
    if [[b.name, list(b.shape)] for b in program.blocks] != [
        [b["name"], b["shape"]] for b in stored["blocks"]
    ]:
        raise InvalidLearner(
            f"{type(estimator).__name__} has other parts than learner {name}",
            details=(
                f"learner   {', '.join(b['name'] for b in stored['blocks'])}",
                f"estimator {', '.join(b.name for b in program.blocks)}",
            ),
            do="export a state, teach that, and import it again",
        )
    return int(first(cursor, "import", name=name, parameters=program.initial.tolist())["state"])

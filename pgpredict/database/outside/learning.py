"""Claim, learn, keep: one transaction, so that a kill at any moment loses and doubles nothing."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import Cursor
from psycopg.rows import dict_row

from pgpredict.database.learner_statements import first, run
from pgpredict.database.outside import teaching
from pgpredict.database.outside.parts import as_part, learn_part
from pgpredict.database.outside.pupil import Pupil, read_pupil
from pgpredict.errors import InvalidLearner


class Lessons:
    """Teaches learners, and remembers the estimators of their last states.

    Reading an estimator takes as long as learning a small batch. One is used again only for the
    very state that it is of, whoever else teaches the learner, and whatever was undone.

    Args:
        soon: whether commits need not wait for the disk. What a crash loses waits in the queue
            again.

    Example:
        >>> Lessons().learn(connection, "digits", 1000)  # doctest: +SKIP
        1000
    """

    def __init__(self, soon: bool = False) -> None:
        self._soon = soon
        self._known: dict[str, Pupil] = {}

    def learn(self, connection: psycopg.Connection[Any], name: str, batch: int) -> int:
        """Learn the next rows of a learner.

        Args:
            connection: whose transaction it becomes a part of, if one is open.
            name: of a learner that runs in the worker.
            batch: how many rows at most; a first batch may need more.

        Returns:
            How many rows are done, those that went to quarantine included; 0: nothing waits, too
            few rows do to begin with, or the learner is paused.

        Raises:
            psycopg.Error: as `pgpredict.claim_batch` raises.
            UnreadableModel: this Python cannot go on with its state; rows wait.
            InvalidLearner: it cannot begin with the rows that wait.
        """
        done, needed = self._try(connection, name, batch)
        if needed > batch:
            done, _ = self._try(connection, name, needed)
        return done

    def _try(self, connection: psycopg.Connection[Any], name: str, batch: int) -> tuple[int, int]:
        """How many rows are done; or, where these are too few to begin with, how many it takes."""
        needed = 0
        with (
            connection.transaction() as transaction,
            connection.cursor(binary=True, row_factory=dict_row) as cursor,
        ):
            claimed = first(cursor, "claim_batch", name=name, batch=batch, soon=self._soon)
            if claimed["keys"] is None:
                return int(claimed["done"]), 0
            pupil = self._pupil(cursor, name, claimed)
            count = len(claimed["keys"])
            if count < pupil.fewest and not teaching.is_fitted(pupil.estimator):
                self._known[name] = pupil
                needed = pupil.fewest
                raise psycopg.Rollback(transaction)
            self._teach(cursor, pupil, claimed)
        if needed:
            return 0, needed
        self._known[name] = pupil
        return int(claimed["done"]), 0

    def _pupil(self, cursor: Cursor[dict[str, Any]], name: str, claimed: dict[str, Any]) -> Pupil:
        known = self._known.pop(name, None)
        state, state_at = claimed["state"], claimed["state_at"]
        if known is not None and (known.state, known.state_at) == (state, state_at):
            return known
        return read_pupil(cursor, name, state, state_at)

    def _teach(self, cursor: Cursor[dict[str, Any]], pupil: Pupil, claimed: dict[str, Any]) -> None:
        outcome = learn_part(cursor, pupil, as_part(claimed), "learnt")
        if not outcome.learnt and not teaching.is_fitted(pupil.estimator):
            raise InvalidLearner(
                f"learner {pupil.name} cannot begin with the {len(outcome.keys)} rows that wait",
                why=outcome.reasons[0],
                do="they wait: more rows may do, or delete those that are wrong",
            )
        if outcome.keys or claimed["held"]:
            run(
                cursor, "hold_batch", name=pupil.name, keys=outcome.keys, reasons=outcome.reasons,
                held=claimed["held"], learnt=outcome.learnt, tried=len(claimed["keys"]),
                beyond=outcome.beyond,
            )  # fmt: skip

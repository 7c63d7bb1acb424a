"""Models that learn from the rows of a table, inside the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from pgpredict.database.learner_records import Learner
from pgpredict.database.learner_statements import (
    described,
    first,
    labels_there,
    run,
)
from pgpredict.database.refusals import refusals
from pgpredict.database.session import Session
from pgpredict.database.stream_statements import table

if TYPE_CHECKING:
    from pgpredict.database.outside.learning import Lessons


class Learners(Session):
    """What `pgpredict.Database` does with learners."""

    def create_learner(
        self,
        name: str,
        estimator: Any,
        *,
        source: str,
        features: Sequence[str],
        target: str | None = None,
        key: str | Sequence[str] | None = None,
        classes: Sequence[Any] | None = None,
        backfill: bool | None = None,
        retention: int | None = None,
        notify: bool = True,
        level: str = "statement",
        updates: str | None = None,
        place: str | None = None,
    ) -> Learner:
        """Learn from the labelled rows of a table from now on, as they come.

        A row is learnt once: when it comes with its label, or when an UPDATE gives it one. A row
        with a NULL, NaN or infinity in a feature goes to quarantine instead; one without a label
        waits for it. ``predict.<name>(…)`` answers with what is learnt so far.

        With `updates` ``revise`` the learner is at any time what `fit` on the labelled rows of the
        table gives: what it learnt of a row that changes or goes is taken back.

        Args:
            name: name of the learner, ``^[a-z][a-z0-9_]{0,40}$``.
            estimator: of scikit-learn, with `partial_fit`, or one that follows from sums.
                With `partial_fit` and fitted: learning goes on from its numbers.
            source: a table with a column of numbers for each feature, looked up as in a query.
            features: names of these columns, in the estimator's order.
            target: name of the column of the label; None for what needs none, as k-means.
            key: the column or columns that tell the rows apart, NOT NULL and unique. None: the
                primary key.
            classes: every label that a classifier will see. None: those that a fitted estimator
                knows, else those that the source holds now.
            backfill: learn the labelled rows that are there already, too, in the order of the key.
                None: where what changes is revised, which always knows all rows.
            retention: how many states are kept; None: all.
            notify: whether writers wake the worker, which polls otherwise.
            level: of the triggers: ``statement``, or ``row`` where logical replication fills the
                table.
            updates: what an UPDATE or a DELETE of a row that was learnt does: ``ignore`` or
                ``revise``. None: ``revise`` for LinearRegression and Ridge, else ``ignore``;
                MultinomialNB, BernoulliNB and ComplementNB can do both.
            place: ``database``: its parameters are learnt there, by a kernel; ``worker``:
                scikit-learn itself learns, in ``pgpredict worker`` or `learn`. None: the database
                if there is a kernel for it.

        Returns:
            The learner. Its `answers` says whether ``predict.<name>(…)`` exists: some estimators
            that learn in the worker answer in Python alone, as `export_learner` gives them.

        Raises:
            InvalidName: the name is not allowed.
            UnsupportedEstimator: the estimator cannot learn there; says why.
            InvalidLearner: there is such a learner already, or features, classes or options do not
                fit.
            InvalidSource: there is no such table, or its columns do not fit.
            NoRights: triggers on the table are not yours to make.
            GoldenRowMismatch: the database would answer otherwise than a fitted estimator.

        Example:
            >>> db.create_learner(
            ...     "fraud", SGDClassifier(loss="log_loss"), source="payments", target="is_fraud",
            ...     features=["amount", "hour"], classes=[False, True])  # doctest: +SKIP
            >>> db.learn("fraud")  # doctest: +SKIP
            1000
        """
        # Loads scikit-learn: a second that other methods need not wait.
        from sklearn.base import is_classifier

        from pgpredict.database.learner_places import check_given, placed
        from pgpredict.database.modelbytes import model_bytes
        from pgpredict.database.outside.agreeing import check_agreement
        from pgpredict_transpiler.learning.registry import usual_updates

        check_given(estimator, features, target)
        updates = usual_updates(estimator) if updates is None else updates
        with self._work() as cursor:
            knows = hasattr(estimator, "classes_") or not is_classifier(estimator)
            if classes is None and target is not None and not knows:
                classes = labels_there(cursor, source, target)
            found = placed(estimator, features, classes, target, updates, place)
            first(
                cursor,
                "create",
                name=name,
                source=table(cursor, source),
                target=target,
                estimator=described(estimator),
                key=[key] if isinstance(key, str) else list(key or ()) or None,
                backfill=backfill,
                retention=retention,
                notify=notify,
                level=level,
                updates=updates,
                model_file=model_bytes(estimator, None).content,
                **found.texts,
            )
            if found.prepared is not None and found.prepared.program is not None:
                check_agreement(cursor, name, found.prepared.estimator, found.prepared.program)
            return Learner(**first(cursor, "learners", name=name))

    def learners(self) -> list[Learner]:
        """All learners, by name: where they stand, what waits.

        Example:
            >>> [learner.name for learner in db.learners() if learner.depth]  # doctest: +SKIP
            ['fraud']
        """
        with self._work() as cursor:
            return [Learner(**row) for row in run(cursor, "learners", name=None)]

    def learner(self, name: str) -> Learner:
        """One learner.

        Raises:
            UnknownLearner: there is none of this name.
        """
        with self._work() as cursor:
            found = run(cursor, "learners", name=name)
            if not found:  # this says what there is instead
                run(cursor, "check", name=name)
            return Learner(**found[0])

    def learn(self, name: str, batch: int = 1000) -> int:
        """Learn what waits, in one transaction. The worker calls this again and again.

        Args:
            name: name of the learner.
            batch: how many rows at most: one call of `partial_fit`.

        Returns:
            How many rows are done, those that went to quarantine included; 0: nothing waits, or the
            learner is paused.

        Raises:
            UnknownLearner: there is none of this name.
            UnreadableModel: it learns with scikit-learn, and this Python cannot go on with it.

        Example:
            >>> while db.learn("fraud"):  # doctest: +SKIP
            ...     pass
        """
        with self._work() as cursor:
            if first(cursor, "taught", name=name)["place"] == "worker":
                return self._lessons.learn(self._connection, name, batch)
            return int(first(cursor, "learn", name=name, batch=batch)["rows"])

    def catch_up(self, name: str, batch: int = 1000) -> int:
        """Learn all that waits, batch after batch, each in a transaction of its own.

        One statement does it. Inside a transaction of yours, every batch is part of that.

        Args:
            name: name of the learner.
            batch: how many rows at most: one call of `partial_fit`.

        Returns:
            How many rows are done; 0: nothing waited, or the learner is paused.

        Raises:
            UnknownLearner: there is none of this name.

        Example:
            >>> db.catch_up("fraud", batch=10)  # doctest: +SKIP
            12480
        """
        connection = self._connection
        if connection.autocommit and connection.info.transaction_status == TransactionStatus.IDLE:
            with self._work() as cursor:  # raises where the schema is not there
                here = first(cursor, "taught", name=name)["place"] == "database"
            if here:
                with refusals(connection), connection.cursor(row_factory=dict_row) as cursor:
                    return int(first(cursor, "catch_up", name=name, batch=batch)["done"])
        rows = 0
        while done := self.learn(name, batch):
            rows += done
        return rows

    def reconcile_learner(self, name: str) -> int:
        """Compare what a learner knows with its source; what differs is learnt next.

        For rows that were written while nobody watched, as with triggers switched off.

        Returns:
            How many rows differ.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: it was created with ``updates="ignore"``.
        """
        with self._work() as cursor:
            return int(first(cursor, "reconcile", name=name)["rows"])

    @cached_property
    def _lessons(self) -> Lessons:
        from pgpredict.database.outside.learning import Lessons

        return Lessons()

    def pause_learner(self, name: str) -> bool:
        """Let rows wait: nothing is learnt until `resume_learner`; no row is lost.

        Returns:
            Whether it learnt before.

        Raises:
            UnknownLearner: there is none of this name.
        """
        with self._work() as cursor:
            return bool(first(cursor, "pause", name=name)["was_learning"])

    def resume_learner(self, name: str) -> bool:
        """Go on: what waited is next.

        Returns:
            Whether it was paused, or had stopped.

        Raises:
            UnknownLearner: there is none of this name.
        """
        with self._work() as cursor:
            return bool(first(cursor, "resume", name=name)["was_resting"])

    def drop_learner(self, name: str) -> int:
        """Remove a learner: its triggers, functions, history, queue and quarantine.

        Returns:
            How many rows waited.

        Raises:
            UnknownLearner: there is none of this name.
            InUse: a view or something else uses its functions.
        """
        with self._work() as cursor:
            return int(first(cursor, "drop", name=name)["waited"])

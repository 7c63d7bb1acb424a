"""Rules of the gate: which rows a learner does not learn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pgpredict.database.learner_statements import first, run
from pgpredict.database.session import Session


@dataclass(frozen=True)
class Rule:
    """A rule of a learner's gate. The view ``pgpredict.rules``.

    Attributes:
        learner: name of the learner.
        name: of the rule.
        kind: ``condition``, ``null``, ``range``, ``outlier``, ``category``, ``distance``, ``rate``
            or ``flip``.
        columns: of the source, whose values the reason tells.
        condition: in SQL; where it is false the row is not learnt.
        expects: the same in words.
        created_at: when it was added.
        created_by: by which role.
    """

    learner: str
    name: str
    kind: str
    columns: list[str]
    condition: str
    expects: str
    created_at: datetime
    created_by: str


class LearnerRules(Session):
    """What `pgpredict.Database` does with the rules of learners."""

    def add_rule(self, learner: str, name: str, condition: str) -> str:
        """Learn no rows any more for which a condition is false: they go to quarantine.

        Args:
            learner: name of the learner.
            name: of the rule, 1 to 63 characters.
            condition: a boolean expression in SQL of the columns of a row; where it is NULL the
                row is learnt. It runs with the rights of the owner of pgpredict.

        Returns:
            The name of the rule.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: the condition is none, or there is such a rule; nothing is changed.

        Example:
            >>> db.add_rule("fraud", "paid late", "paid_at <= due_at")  # doctest: +SKIP
            'paid late'
        """
        with self._work() as cursor:
            found = first(cursor, "add_rule", name=learner, rule=name, condition=condition)
        return str(found["rule"])

    def add_null_rule(self, learner: str, column: str) -> str:
        """Learn no rows any more in which a column is NULL.

        Args:
            learner: name of the learner.
            column: of the source, learnt from or not.

        Returns:
            The name of the rule: ``<column>_null``.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: there is no such column, or there is such a rule.
        """
        with self._work() as cursor:
            found = first(cursor, "add_null_rule", name=learner, column=column)
        return str(found["rule"])

    def add_range_rule(
        self, learner: str, feature: str, low: float | None, high: float | None
    ) -> str:
        """Learn no rows any more in which a number is below `low` or above `high`.

        Args:
            learner: name of the learner.
            feature: a column of numbers; NULL in it is not judged.
            low: the smallest number that is learnt; None: no bound.
            high: the largest; None: no bound.

        Returns:
            The name of the rule: ``<feature>_range``.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: these are no bounds, no such column, or there is such a rule.
        """
        with self._work() as cursor:
            found = first(
                cursor, "add_range_rule", name=learner, feature=feature, low=low, high=high
            )
        return str(found["rule"])

    def add_outlier_rule(self, learner: str, feature: str, at_most: float) -> str:
        """Learn no rows any more in which a number is far from those that the source holds now.

        Args:
            learner: name of the learner.
            feature: a column of numbers; NULL in it is not judged.
            at_most: the largest ``|x - median| / (1.4826 * MAD)`` that is learnt. Median and MAD
                (median absolute deviation) are those of the source's rows now, and stay so.

        Returns:
            The name of the rule: ``<feature>_outlier``.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: there are no numbers, half of them are the same, or there is such a
                rule.
        """
        with self._work() as cursor:
            found = first(
                cursor, "add_outlier_rule", name=learner, feature=feature, at_most=at_most
            )
        return str(found["rule"])

    def add_category_rule(self, learner: str, column: str, allowed: Iterable[str]) -> str:
        """Learn no rows any more in which a column holds another value than these.

        Args:
            learner: name of the learner.
            column: of the source; NULL in it is not judged.
            allowed: the values, as Postgres writes them as text.

        Returns:
            The name of the rule: ``<column>_category``.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: there are no values, no such column, or there is such a rule.
        """
        with self._work() as cursor:
            found = first(
                cursor, "add_category_rule", name=learner, column=column, allowed=list(allowed)
            )
        return str(found["rule"])

    def add_distance_rule(
        self, learner: str, features: Iterable[str] | None = None, *, at_most: float
    ) -> str:
        """Learn no rows any more of which some numbers are together far from those of the others.

        Args:
            learner: name of the learner.
            features: columns of numbers, two or more; None: all that the learner learns from. NULL
                in one of them is not judged.
            at_most: the largest Mahalanobis distance that is learnt. Mean and covariance are those
                of the source's rows now, and stay so. Where rows are normal,
                ``sqrt(scipy.stats.chi2.ppf(0.999, n_features))`` keeps one in a thousand out.

        Returns:
            The name of the rule: ``<features>_distance``.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: there are too few rows, a column is constant or follows from others, or
                there is such a rule.
        """
        wanted = None if features is None else list(features)
        with self._work() as cursor:
            found = first(
                cursor, "add_distance_rule", name=learner, features=wanted, at_most=at_most
            )
        return str(found["rule"])

    def add_rate_rule(
        self, learner: str, by: str, *, at_most: int, within: timedelta, at: str | None = None
    ) -> str:
        """Learn at most so many rows with the same value of a column in each window of time.

        Args:
            learner: name of the learner.
            by: a column that says whom a row is from; NULL in it is not judged.
            at_most: rows of one value in a window.
            within: how long a window is; the next begins where it ends.
            at: a column that says when a row was; None: it is when it is learnt.

        Returns:
            The name of the rule: ``<by>_rate``.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: there is no such column, no such time, or there is such a rule.
        """
        with self._work() as cursor:
            found = first(
                cursor,
                "add_rate_rule",
                name=learner,
                by=by,
                at_most=at_most,
                within=within,
                at=at,
            )
        return str(found["rule"])

    def add_flip_rule(
        self, learner: str, by: str, *, at_most: float = 3, memory: int = 500, after: int = 1000
    ) -> str:
        """Learn no rows any more of a source whose labels are far too often not what is predicted.

        Args:
            learner: name of the learner, a classifier.
            by: the column that says which source a row is from; NULL in it is not judged.
            at_most: how many times the usual odds of a disagreement are learnt from, above 1; more,
                by more than chance, is held.
            memory: over how many rows of all sources the usual odds are counted, about.
            after: how many rows the learner has to have learnt before anything is counted.

        Returns:
            The name of the rule: ``<by>_flip``.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: it is no classifier, there is no such column, these are no such numbers,
                or there is such a rule.
        """
        with self._work() as cursor:
            found = first(
                cursor,
                "add_flip_rule",
                name=learner,
                by=by,
                at_most=at_most,
                memory=memory,
                after=after,
            )
        return str(found["rule"])

    def drop_rule(self, learner: str, name: str) -> None:
        """Take a rule out of the gate. What it put in quarantine stays there.

        Raises:
            UnknownLearner: there is none of this name.
            InvalidLearner: it has no such rule.
        """
        with self._work() as cursor:
            run(cursor, "drop_rule", name=learner, rule=name)

    def rules(self, learner: str | None = None) -> list[Rule]:
        """The rules of a learner, or of all, in the order in which they were added.

        Raises:
            UnknownLearner: there is none of this name.
        """
        with self._work() as cursor:
            if learner is not None:
                run(cursor, "check", name=learner)
            return [Rule(**row) for row in run(cursor, "rules", name=learner)]

"""Scores of whole tables: the door to `pgpredict.batch`, which does it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pgpredict.database.names import check_version
from pgpredict.database.session import Session

if TYPE_CHECKING:
    from pgpredict.batch import Progress, Scoring


class Scores(Session):
    """What `pgpredict.Database` does with whole tables."""

    def score(
        self,
        model: str,
        *,
        source: str,
        into: str,
        key: str | Sequence[str],
        version: int | None = None,
        partition_by: str | None = None,
        every: str | None = None,
        partitions: Sequence[object] | None = None,
        incremental: bool | None = None,
        changed: str | None = None,
        workers: int | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Scoring:
        """Score every row of a source into a table, in the database.

        The table has the columns of the key, ``prediction``, ``probability`` (of the second of two
        classes; an array in class order for more; NULL for regressors), ``version`` and ``at``; it
        is made if it is not there, with the key as its primary key. Where Python would raise, the
        prediction is NULL. All rows are scored by one version, whatever is promoted meanwhile.

        Readers see the old scores until the new ones are complete: the table or the partition as a
        whole takes the place of the old one. Only where something depends on the table (a view, an
        index, a trigger), where the role does not own it, or where the run is incremental, are rows
        written into it, range by range. A second run does the same again, or with ``incremental``
        what a first one did not get to. It works on connections of its own, which do not see what
        you have not committed on yours.

        Args:
            model: name of the model, or of a learner, whose state is read once for all rows.
            source: a table, a view, or a query (``SELECT …``), with the columns that the model
                reads.
            into: the table for the scores.
            key: the column, or columns, that tell the rows apart; none of them NULL.
            version: number of the version, or of a learner's state; None: the live one.
            partition_by: a column of the source by which a new table is partitioned: dates and
                times by periods, others by value.
            every: the period: ``hour``, ``day``, ``week``, ``month`` or ``year``; None: that of the
                table, or else day.
            partitions: values of that column: only the partitions that hold them are scored; None:
                all of which the source has rows.
            incremental: score only rows without a score of this version, or that changed since; in
                a partitioned table, partitions that hold such a row; None: if `changed` is named.
            changed: a column whose value changes whenever the row does, such as ``updated_at``. It
                is kept beside the score; a row that has another value now has changed.
            workers: how many connections work at once; None: as many processes as the server would
                give to one query.
            progress: called with how far the run is; an error that it raises ends the run.

        Returns:
            What was done. `Scoring.rows` is how many rows were scored.

        Raises:
            UnknownModel: no such model or version, or a retired one.
            InvalidSource: the source is not there, lacks a column, does not fit the model, or has
                rows that share a key or have none.
            InvalidTarget: the table is there and cannot hold these scores, or is the source.
            InUse: another run scores into it, or readers do not let go of it.
            NoRights: the role may not read the source or write the table.

        Example:
            >>> db.score("churn", source="customers", into="churn_scores", key="id").rows
            ... # doctest: +SKIP
            200
        """
        # Loaded at first use: most programs that connect score no tables.
        from pgpredict.batch.request import Request, as_key
        from pgpredict.batch.run import score

        check_version(model, version)
        with self._work():
            pass
        asked = Request(
            model=model,
            source=source,
            into=into,
            key=as_key(key),
            version=version,
            partition_by=partition_by,
            every=every,
            partitions=None if partitions is None else tuple(partitions),
            incremental=changed is not None if incremental is None else incremental,
            changed=changed,
            workers=workers,
        )
        return score(self._connection, asked, progress)

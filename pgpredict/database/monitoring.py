"""Whether what a model sees now is still what it was made for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Cursor, DataError

from pgpredict.database.names import check_version
from pgpredict.database.session import Session, all_rows, one_row
from pgpredict.errors import InvalidSource, PgpredictError

Moment = datetime | str | None


@dataclass(frozen=True)
class Drift:
    """How far a column is from the sample that a version was deployed with.

    Attributes:
        model: name of the model.
        version: number of the version.
        role: ``input`` or ``output``.
        name: of the input; of an output ``prediction`` or ``probability``, which is that of the
            second of two classes, or of the label among more.
        psi: population stability index; None: there were no rows.
        threshold: above it the column has drifted: what chance explains, and `minimum` at least.
        drifted: whether it has; False where there were no rows.
        rows: how many were looked at.
        null_share: how many of them had no value, from 0 to 1; NULL and NaN are one.
        baseline_null_share: how many rows of the sample had none.
        bins: ``{"bin": "6.5 to 12.5", "baseline": 0.1, "share": 0.3}`` in order, the last one
            ``(missing)``; shares of all rows, None where there were none.
    """

    model: str
    version: int
    role: str
    name: str
    psi: float | None
    threshold: float | None
    drifted: bool
    rows: int
    null_share: float | None
    baseline_null_share: float
    bins: list[dict[str, Any]]


class Monitoring(Session):
    """What `pgpredict.Database` can say of rows that came after a deploy."""

    def drift(
        self,
        model: str,
        relation: str,
        *,
        version: int | None = None,
        since: Moment = None,
        until: Moment = None,
        time_column: str = "at",
        outputs: bool = False,
        minimum: float = 0.1,
        record: bool = False,
    ) -> list[Drift]:
        """Compare the rows of a relation with the sample that a version was deployed with.

        Args:
            model: name of the model.
            relation: a table, view or partition whose rows fit the model; or one of predictions,
                with columns ``prediction`` and ``probability``, of which those of this version
                are taken if it has a column ``version``.
            version: which version; None: the live one.
            since: rows from then on, included; text as Postgres reads it: ``yesterday``.
            until: rows before then.
            time_column: the column of dates or times that the two are held against.
            outputs: ask the version about each row, too: it costs as much as scoring them.
            minimum: a PSI that counts as drift, however many rows there are.
            record: keep what is found, for the view ``pgpredict.drift_by_day``.

        Returns:
            One per column, inputs in the order of the arguments, then outputs.

        Raises:
            UnknownModel: no such model or version, or a retired one.
            NoBaseline: the version was deployed before there were baselines.
            InvalidSource: there is no such relation, or its rows do not fit.
            PgpredictError: `since` or `until` is no time.

        Example:
            >>> found = db.drift("churn", "customers", since="yesterday", time_column="changed_at")
            ... # doctest: +SKIP
            >>> [column.name for column in found if column.drifted]  # doctest: +SKIP
            ['tenure']
        """
        check_version(model, version)
        with self._work() as cursor:
            _check(cursor, relation, since, until)
            found = all_rows(
                cursor,
                "record_drift" if record else "drift",
                model=model,
                relation=relation,
                version=version,
                since=since,
                until=until,
                time_column=time_column,
                outputs=outputs,
                minimum=minimum,
            )
        return [Drift(model=model, **row) for row in found]


def _check(cursor: Cursor[dict[str, Any]], relation: str, since: Moment, until: Moment) -> None:
    try:
        read = one_row(cursor, "looked_at", relation=relation, since=since, until=until)
    except DataError as error:
        raise PgpredictError(
            f"this is no time: {error.diag.message_primary}",
            do="write it as 2026-05-01, 2026-05-01 08:00+02 or yesterday",
        ) from error
    if read["relation"] is None:
        raise InvalidSource(
            f"there is no table or view {relation}",
            do='write capitals, spaces and accents in double quotes: public."My Table"',
        )

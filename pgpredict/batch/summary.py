"""How the scores of a run look: how many of each label, and their quantiles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.sql import SQL, Composable, Composed, Literal

from pgpredict.batch.job import Job
from pgpredict.batch.statements import raw, run

NAMES = ("min", "1%", "5%", "25%", "50%", "75%", "95%", "99%", "max")
SAMPLE = 20_000


def counts(
    connection: Connection[Any], job: Job, table: Composable, where: Composable | None = None
) -> Counter[str | None]:
    """Rows by label, as text; of a regressor all that have a value are ``""``. None: no answer."""
    label = "prediction" if job.is_classifier else "CASE WHEN prediction IS NOT NULL THEN '' END"
    scores = _union([table], where, None)
    found = run(connection, "counts", label=raw(label), scores=scores).fetchall()
    return Counter(dict(found))


def quantiles(
    connection: Connection[Any],
    job: Job,
    tables: Sequence[Composable],
    rows: int,
    where: Composable | None = None,
) -> dict[str, float]:
    """Quantiles of the probability, or of a regressor's prediction; empty where there is none."""
    value = "probability" if job.version["has_probability"] else "prediction"
    if job.is_classifier and not job.version["has_probability"]:
        return {}
    if job.version["label_type"] == "double precision[]":  # of a learner that transforms
        return {}
    if job.version["probability_type"] == "double precision[]":
        value = "(SELECT max(p) FROM unnest(s.probability) AS p)"
    percent = 100 * SAMPLE / rows if rows > SAMPLE else None
    scores = _union(tables, where, percent)
    row = run(connection, "quantiles", value=raw(value), scores=scores).fetchone()
    values = row[0] if row else None
    return {} if not values or values[0] is None else dict(zip(NAMES, values, strict=True))


def _union(
    tables: Sequence[Composable], where: Composable | None, percent: float | None
) -> Composed:
    """The scores of some tables; of so many percent of their pages where a share is named."""
    sample, condition = Composed([]), Composed([])
    if percent is not None:
        sample = SQL(" TABLESAMPLE SYSTEM ({}) REPEATABLE (0)").format(Literal(percent))
    if where is not None:
        condition = SQL(" WHERE {}").format(where)
    return SQL("({})").format(
        SQL(" UNION ALL ").join(
            SQL("SELECT prediction, probability FROM {}{}{}").format(table, sample, condition)
            for table in tables
        )
    )

"""Whether a version is good enough to go live: the one rule for the check and for promotion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import pgpredict
from pgpredict.dagster.answers import answered, chosen, of_version
from pgpredict.dagster.attributes import Accept
from pgpredict.dagster.metrics import Answers, Metric, metric_named
from pgpredict.dagster.training_table import TrainingTable
from pgpredict.errors import InvalidSource, PgpredictError


@dataclass(frozen=True)
class Verdict:
    """What came of comparing a version with the live one.

    Attributes:
        accepted: whether it may go live.
        reason: why, in a sentence.
        metric: name of the metric.
        challenger: what the version reaches; None: it cannot be measured.
        champion: what the live version reaches; None: there is none, or it cannot be measured.
        champion_version: its number; None: there is none.
        difference: how much better the challenger is; negative: it is worse.
        rows: how many rows both answered, by which they were judged.
        unanswered: share of all rows held out that the challenger leaves NULL.
    """

    accepted: bool
    reason: str
    metric: str
    challenger: float | None = None
    champion: float | None = None
    champion_version: int | None = None
    difference: float | None = None
    rows: int = 0
    unanswered: float = 0.0


def judge(db: pgpredict.Database, table: TrainingTable, accept: Accept, version: int) -> Verdict:
    """Hold a version against the live one, both asked in the database, on the same rows.

    Args:
        db: the database.
        table: the training rows; those that are held out are asked about.
        accept: what the YAML demands.
        version: number of the version.

    Returns:
        The verdict.

    Raises:
        PgpredictError: no such metric, or one that does not fit; no such version or table.
    """
    live = live_version(db, table.keys.model)
    answers = of_version(db, table, version)
    metric = metric_for(accept, answers)
    if live is None:
        return _first(answers, metric, accept)
    if live == version:
        value = _value(metric, chosen(answers, answered(answers)))
        return Verdict(True, f"v{version} is live", metric.name, value, value, live, 0.0)
    try:
        champion = of_version(db, table, live)
    except InvalidSource as error:
        return Verdict(
            False,
            f"v{version} cannot be compared with v{live}, which is live: {_in_one_line(error)}; "
            f"let the training query give what v{live} takes, or promote by hand: "
            f"SELECT pgpredict.promote('{table.keys.model}', {version})",
            metric.name,
            champion_version=live,
        )
    return _against(answers, champion, metric, accept, version, live)


def live_version(db: pgpredict.Database, model: str) -> int | None:
    """The number of the live version; None: no version of this model is live."""
    return next((found.live for found in db.models() if found.name == model), None)


def metric_for(accept: Accept, answers: Answers) -> Metric:
    """The metric that the YAML names, or the usual one.

    Raises:
        PgpredictError: it does not fit what is predicted.
    """
    metric = metric_named(
        accept.metric,
        classifier=bool(answers.classes),
        probability=answers.probability is not None,
    )
    if not metric.fits(answers):
        raise PgpredictError(
            f"{metric.name} cannot be measured here: it needs {metric.needs}",
            do="name another metric in accept.metric",
        )
    return metric


def _first(answers: Answers, metric: Metric, accept: Accept) -> Verdict:
    known = answered(answers)
    unanswered = _share_of(~known)
    if unanswered > accept.unanswered_by:
        return Verdict(
            False,
            f"it answers NULL to {unanswered:.1%} of the rows held out, "
            f"more than {accept.unanswered_by:.1%} (accept.unanswered_by)",
            metric.name,
            unanswered=unanswered,
        )
    value = _value(metric, chosen(answers, known))
    reached, why = _bound(value, metric, accept)
    reason = f"no version is live yet: {why or 'the first one is accepted'}"
    return Verdict(
        reached, reason, metric.name, value, rows=int(known.sum()), unanswered=unanswered
    )


def _against(
    new: Answers, old: Answers, metric: Metric, accept: Accept, version: int, live: int
) -> Verdict:
    both = answered(new) & answered(old)
    unanswered = _share_of(~answered(new))
    more = unanswered - _share_of(~answered(old))
    if more > accept.unanswered_by:
        return Verdict(
            False,
            f"v{version} answers NULL to {unanswered:.1%} of the rows held out, "
            f"v{live}, which is live, to {unanswered - more:.1%}",
            metric.name,
            champion_version=live,
            unanswered=unanswered,
        )
    challenger, champion = _value(metric, chosen(new, both)), _value(metric, chosen(old, both))
    if challenger is None or champion is None:
        return Verdict(
            False,
            f"v{version} cannot be compared with v{live}, which is live: {metric.name} cannot be "
            f"measured on the {int(both.sum()):,} rows held out that both answer; mend "
            "training.held_out, or name another metric in accept.metric",
            metric.name,
            challenger,
            champion,
            live,
            rows=int(both.sum()),
            unanswered=unanswered,
        )
    gain = metric.gain(challenger, champion)
    told = f"{metric.name} {challenger:.6g}, v{live}, which is live, {champion:.6g}"
    reached, why = _bound(challenger, metric, accept)
    # Not `<`: it is false of NaN, and nothing goes live by that.
    if not gain >= -accept.not_worse_by:
        reached, why = False, f"worse by {-gain:.6g}, {accept.not_worse_by:g} is allowed"
    return Verdict(
        reached,
        f"v{version} has {told}: {why or ('better' if gain > 0 else 'not worse')}",
        metric.name,
        challenger,
        champion,
        live,
        gain,
        int(both.sum()),
        unanswered,
    )


def _value(metric: Metric, answers: Answers) -> float | None:
    """The metric of some answers; None: they do not allow it, all being of one label, say."""
    value = metric.of(answers)
    return value if np.isfinite(value) else None


def _bound(value: float | None, metric: Metric, accept: Accept) -> tuple[bool, str]:
    bound = accept.at_least
    if bound is None or (value is not None and metric.reaches(value, bound)):
        return True, ""
    side = "at least" if metric.more_is_better else "at most"
    found = "cannot be measured on these rows" if value is None else f"is {value:.6g}"
    return False, f"{metric.name} {found} and must be {side} {bound:g}"


def _share_of(rows: Sequence[bool] | np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    return float(np.mean(rows)) if len(rows) else 0.0


def _in_one_line(error: PgpredictError) -> str:
    return "; ".join([error.message, *error.details])

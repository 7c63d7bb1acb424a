"""What may come into a learner: a fitted estimator like the one that it was made of."""

from __future__ import annotations

from typing import Any

from pgpredict.database.outside import teaching
from pgpredict.errors import InvalidLearner

# What says nothing of the numbers that come of the next rows, or was used up by the first.
OF_NO_MATTER = {
    "copy",
    "copy_X",
    "init",
    "n_init",
    "n_jobs",
    "random_state",
    "verbose",
    "warm_start",
}
DO = "export a state, teach that, and import it again"


def check_like(name: str, made_of: Any, estimator: Any) -> None:
    """Refuse an estimator of another class, with other parameters, or that is not fitted.

    Args:
        name: of the learner.
        made_of: an estimator of the learner, which goes on with its own parameters.
        estimator: what is to come in.

    Raises:
        InvalidLearner: it is not like that.
    """
    if _kinds(made_of) != _kinds(estimator):
        raise InvalidLearner(
            f"{_kinds(estimator)} is not what learner {name} was made of: {_kinds(made_of)}", do=DO
        )
    pairs = zip(teaching.steps(made_of), teaching.steps(estimator), strict=True)
    differing = [word for mine, others in pairs for word in _differing(mine, others)]
    if differing:
        raise InvalidLearner(
            f"this {_kinds(estimator)} has other parameters than learner {name}",
            details=tuple(differing),
            why="the learner goes on with its own",
            do=DO,
        )
    if not teaching.is_fitted(estimator):
        raise InvalidLearner(f"this {_kinds(estimator)} is not fitted: it has no numbers", do=DO)


def _kinds(estimator: Any) -> str:
    return " -> ".join(type(step).__name__ for step in teaching.steps(estimator))


def _differing(mine: Any, others: Any) -> list[str]:
    """The parameters that two estimators of a class do not share."""
    ours, theirs = mine.get_params(deep=False), others.get_params(deep=False)
    return [
        f"{parameter}: learner {ours[parameter]!r}, estimator {theirs[parameter]!r}"
        for parameter in sorted(ours.keys() - OF_NO_MATTER)
        if repr(ours[parameter]) != repr(theirs[parameter])
    ]

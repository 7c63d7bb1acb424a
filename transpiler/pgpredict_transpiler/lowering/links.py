"""From a model's scores to its answer: inverse links, probabilities, shares."""

from __future__ import annotations

from collections.abc import Sequence

from pgpredict_transpiler import arithmetic
from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.arithmetic import Number
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.scope import Scope


def inverse_link(link: object, score: Number, scope: Scope, option: str) -> Expression:
    """The value whose link is the score.

    Args:
        link: a link of scikit-learn's losses.
        score: the sum of a linear model or of trees.
        scope: names the score; refuses a link that has no SQL form.
        option: the model's option that chose the link.
    """
    name = type(link).__name__
    if name == "IdentityLink":
        return score.expression
    if name != "LogLink":
        scope.refuse(f"its link {name} has no SQL form", option)
    named = Number(scope.let("score", score.expression), score.range)
    return arithmetic.exponential(named).expression


def two(second: Expression) -> tuple[Expression, Expression]:
    """The probabilities of two classes, given that of the second."""
    return sql.subtract(sql.number(1.0), second), second


def softmax(scores: Sequence[Expression], scope: Scope, *, finite: bool) -> tuple[Expression, ...]:
    """exp(score) over the sum of all.

    Args:
        scores: one a class, none of them NULL.
        scope: names the scores and their powers.
        finite: whether the scores are known to be finite; where they are not, numpy gives NaN and
            we give NULL.
    """
    named = [scope.let("score", score) for score in scores]
    best = scope.let("best", sql.greatest(named))
    powers = [scope.let("power", sql.exponential(_below(score, best))) for score in named]
    whole = scope.let("whole", sql.total(powers))
    shares = [sql.divide(power, whole) for power in powers]
    return tuple(shares if finite else [sql.null_if(share, sql.nan()) for share in shares])


def _below(score: Expression, best: Expression) -> Expression:
    """score - best, and -700 at least; cut first, since the difference could overflow."""
    limit = sql.number(arithmetic.EXPONENT_LIMIT)
    near = sql.greater_equal(score, sql.subtract(best, limit))
    return sql.case([(near, sql.subtract(score, best))], sql.number(-arithmetic.EXPONENT_LIMIT))


def normalized(parts: Sequence[Expression], scope: Scope, *, none: float) -> tuple[Expression, ...]:
    """Shares of the sum.

    Args:
        parts: one a class, none of them negative.
        scope: names the parts and their sum.
        none: every share where all parts are zero.
    """
    named = [scope.let("share", part) for part in parts]
    whole = scope.let("whole", sql.total(named))
    nothing = sql.equal(whole, sql.number(0.0))
    return tuple(sql.case([(nothing, sql.number(none))], sql.divide(part, whole)) for part in named)

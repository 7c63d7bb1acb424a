"""Predictions from parameters that are rows: expressions over the vector and the features.

They are the body of SQL functions that the planner inlines. So they hold no sub-select, but for the
probabilities of many classes, each of which needs all the scores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pgpredict_transpiler.learning.text import LARGE, indented, number

LARGEST = "1.79e308"
FEW_CLASSES = 5


def feature(j: int) -> str:
    """The argument that holds a feature; the first is 0.

    >>> feature(0)
    '$2'
    """
    return f"${j + 2}"


def parameter(place: int) -> str:
    """A number of the vector of parameters; the first is 0.

    >>> parameter(0)
    '$1[1]'
    """
    return f"$1[{place + 1}]"


def answer(count: int, ordinary: int, write: Callable[[bool], str]) -> str:
    """An answer that is NULL where a feature is NULL, NaN or infinite, and never raises.

    Usual are rows whose features are zero or of a size between 1e-100 and 1e100, where the kernel
    has found the parameters to be so too: no product of the two overflows or underflows, at which
    Postgres raises. The others are computed in `numeric`.

    Args:
        count: how many features there are.
        ordinary: the place of the kernel's note on the parameters.
        write: writes the answer, for usual rows (True) and for others (False).
    """
    features = [feature(j) for j in range(count)]
    listed = ", ".join(features)
    if count > 100:  # as arguments there cannot be more
        listed = f"VARIADIC ARRAY[{listed}]"
    sizes = [f"abs({name})" for name in features]
    largest = f"greatest({', '.join(sizes)})"
    smallest = f"least(1, {', '.join(f'nullif({size}, 0)' for size in sizes)})"
    return (
        f"CASE WHEN num_nulls({listed}) > 0 THEN NULL\n"
        f"  WHEN {parameter(ordinary)} = 1 AND {largest} <= {number(LARGE)}\n"
        f"    AND {smallest} >= {number(1 / LARGE)} THEN\n{indented(write(True), 2)}\n"
        f"  WHEN {largest} <= {number(1.7976931348623157e308)} THEN\n"
        f"{indented(write(False), 2)} END"
    )


def cast_of(usual: bool) -> str:
    """What is put behind the numbers of a row that is not usual."""
    return "" if usual else "::numeric"


def weighted_sum(coef: int, intercept: int, inputs: Sequence[str], usual: bool) -> str:
    """The weighted sum of the inputs.

    Args:
        coef: the place of the first weight.
        intercept: the place of the intercept.
        inputs: as they are, or of rows that are not usual cast to numeric.
        usual: whether the row is usual; of others the sum is cut where float8 ends.
    """
    cast = cast_of(usual)
    terms = [f"{parameter(coef + j)}{cast} * {value}" for j, value in enumerate(inputs)]
    total = " + ".join([*terms, f"{parameter(intercept)}{cast}"])
    if usual:
        return f"({total})"
    return f"round(greatest(-{LARGEST}, least({LARGEST}, {total})), 323)::float8"


def logistic(score: str) -> str:
    """1 / (1 + exp(-score)) of a score that is not NULL."""
    limit = number(709)
    return f"1 / (1 + exp(-greatest(-{limit}, least({limit}, {score}))))"


def share_of_margin(score: str) -> str:
    """(score cut to [-1, 1] + 1) / 2, the probability that goes with `modified_huber`."""
    one = number(1)
    return f"(greatest(-{one}, least({one}, {score})) + 1) / 2"


def first_greatest(scores: Sequence[str]) -> str:
    """The place of the greatest score, the first of equals, with each score computed once.

    Arrays are compared from their first element on, so the place is carried behind the score.

    >>> first_greatest(["a", "b"])
    '(-(greatest(ARRAY[a, 0], ARRAY[b, -1]))[2])::int'
    """
    pairs = ", ".join(f"ARRAY[{score}, {-i}]" for i, score in enumerate(scores))
    return f"(-(greatest({pairs}))[2])::int"


def normalized(parts: Sequence[str]) -> str:
    """Shares of the sum, as a float8[]; all the same where every part is zero.

    Of a few classes every part is written, and computed, once for each class and once more: a
    sub-select would compute it once, but its start takes longer for every row.

    Args:
        parts: one for each class, none of them negative.
    """
    few = len(parts) <= FEW_CLASSES
    names = [f"({part})" for part in parts] if few else [f"p{i}" for i in range(len(parts))]
    whole = "\n  + ".join(names)
    same = ", ".join([number(1 / len(parts))] * len(parts))
    if few:
        shares = ",\n".join(f"{name} / (\n    {whole})" for name in names)
        return f"CASE WHEN {whole} = 0 THEN ARRAY[{same}]\n  ELSE ARRAY[{shares}] END"
    given = ", ".join(names)
    lines = [
        f"(SELECT CASE WHEN whole = 0 THEN ARRAY[{same}]",
        f"  ELSE ARRAY[{', '.join(f'{name} / whole' for name in names)}] END",
        f"FROM (SELECT {given}, {whole} AS whole",
        f"  FROM (SELECT {', '.join(parts)} OFFSET 0) AS parts ({given}) OFFSET 0) AS total)",
    ]
    return "\n".join(lines)

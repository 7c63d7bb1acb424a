"""Answers of classifiers that give each class the logarithm of its probability, up to a constant.

A score is -Infinity for a class that cannot be: one that no row has shown yet, or with a prior of
zero.
"""

from __future__ import annotations

from collections.abc import Sequence

from pgpredict_transpiler.learning.answers import logistic
from pgpredict_transpiler.learning.text import indented, number

FARTHEST = 700.0  # exp of this is a number, and so is the sum of thousands of them
MOST_PAIRS = 10  # classes up to which each pair is compared, see `shares`


def cut(total: str) -> str:
    """A sum of `numeric` as float8, cut where the difference of two would overflow.

    >>> cut("a * b")
    'round(greatest(-8.9e307, least(8.9e307, a * b)), 323)::float8'
    """
    return f"round(greatest(-8.9e307, least(8.9e307, {total})), 323)::float8"


def prior_of(constant: float | None, offset: str, count: str) -> str:
    """What is added to the score of a class.

    Args:
        constant: its prior probability where that is an option; None: the share of its rows.
        offset: the number to add, finite.
        count: how many rows of the class there were.
    """
    never = "'-Infinity'::float8"
    if constant is None:
        return f"CASE WHEN {count} > 0 THEN {offset} ELSE {never} END"
    return offset if constant > 0.0 else never


def shares(scores: Sequence[str]) -> str:
    """The probability of the second of two classes, or a float8[] of one for each class.

    At least one score is finite. Each class is compared with every other: so the scores are written
    several times, but there is no sub-select, whose start takes longer for every row than computing
    the scores of ten classes ten times over. Of more classes a sub-select shares the scores.

    >>> shares(["a", "b"])
    "1 / (1 + exp(-greatest(-..., b - (a)))))"
    """
    if len(scores) == 2:
        return logistic(f"{scores[1]} - ({scores[0]})")
    return _compared(scores) if len(scores) <= MOST_PAIRS else _shared(scores)


def _compared(scores: Sequence[str]) -> str:
    low, high = number(-FARTHEST), number(FARTHEST)
    each = [
        " + ".join(
            f"exp(greatest({low}, least({high}, {other} - ({score}))))"
            for other in scores
            if other is not score
        )
        for score in scores
    ]
    return "ARRAY[" + ",\n  ".join(f"1 / (1 + {others})" for others in each) + "]"


def _shared(scores: Sequence[str]) -> str:
    given, each = [f"s{i}" for i in range(len(scores))], [f"p{i}" for i in range(len(scores))]
    powers = [
        f"CASE WHEN {s} - top < {number(-FARTHEST)} THEN 0 ELSE exp({s} - top) END AS {p}"
        for s, p in zip(given, each, strict=True)
    ]
    listed = ",\n".join(f"{score} AS {s}" for score, s in zip(scores, given, strict=True))
    whole = " + ".join(each)
    return "\n".join(
        [
            f"(SELECT ARRAY[{', '.join(f'{p} / ({whole})' for p in each)}]",
            "FROM (SELECT",
            indented(",\n".join(powers), 2),
            f"  FROM (SELECT *, greatest({', '.join(given)}) AS top",
            f"    FROM (SELECT\n{indented(listed, 3)}",
            "    OFFSET 0) AS scores OFFSET 0) AS compared OFFSET 0) AS powers)",
        ]
    )

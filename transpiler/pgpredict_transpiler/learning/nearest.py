"""The answer of the learners of clusters: the number of the nearest center."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pgpredict_transpiler.learning import answers
from pgpredict_transpiler.learning.log_odds import cut
from pgpredict_transpiler.learning.program import Block, Floats, starts
from pgpredict_transpiler.learning.text import LARGE, is_tame, number

CENTERS, HALVES, ORDINARY = "cluster_centers", "half_square", "ordinary"


def center_blocks(centers: int, features: int) -> tuple[Block, ...]:
    """Centers, half of the square of the length of each, and whether all these are usual."""
    return Block(CENTERS, (centers, features)), Block(HALVES, (centers,)), Block(ORDINARY)


def number_of_nearest(blocks: Sequence[Block]) -> str:
    """The number of the nearest center, from 0; the first of equals.

    Nearest is the center c with the greatest x * c - c * c / 2.
    """
    start = starts(blocks)
    count, features = next(block for block in blocks if block.name == CENTERS).shape

    def score(k: int, usual: bool) -> str:
        cast = "" if usual else "::numeric"
        terms = [
            f"{answers.parameter(start[CENTERS] + k * features + j)}{cast}"
            f" * {answers.feature(j)}{cast}"
            for j in range(features)
        ]
        total = f"{' + '.join(terms)} - {answers.parameter(start[HALVES] + k)}{cast}"
        return total if usual else cut(total)

    return answers.answer(
        features,
        start[ORDINARY],
        lambda usual: answers.first_greatest([score(k, usual) for k in range(count)]),
    )


def derived(centers: Floats) -> dict[str, object]:
    """What `noted` adds to centers, of centers that Python holds."""
    with np.errstate(over="ignore", under="ignore"):
        halves = 0.5 * (centers * centers).sum(axis=1)
    return {CENTERS: centers, HALVES: halves, ORDINARY: float(is_tame(centers.ravel()))}


def noted(blocks: Sequence[Block]) -> str:
    """Statements at the end of a kernel: halves of squares, and the note on the centers."""
    start = starts(blocks)
    count, features = next(block for block in blocks if block.name == CENTERS).shape
    first = start[CENTERS]
    size = "abs(result[at])"
    low, high, tiny = number(1 / LARGE), number(LARGE), number(1e-150)
    return (
        f"result[{start[ORDINARY] + 1}] := 1;\n"
        f"FOR k IN 1..{count} LOOP\n"
        f"  half := 0;\n"
        f"  FOR at IN {first} + (k - 1) * {features} + 1..{first} + k * {features} LOOP\n"
        f"    IF {size} > {tiny} THEN half := half + result[at] * result[at]; END IF;\n"
        f"    IF {size} > {high} OR {size} < {low} AND result[at] <> 0 THEN\n"
        f"      result[{start[ORDINARY] + 1}] := 0;\n"
        "    END IF;\n"
        "  END LOOP;\n"
        f"  result[{start[HALVES]} + k] := 0.5 * half;\n"
        "END LOOP;"
    )

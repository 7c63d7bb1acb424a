"""Estimators that follow from sums over rows, so that a row can be taken back again.

The sums are `numeric`, which is exact: what is added for a row and taken away later leaves no
trace, whatever came in between. Each float8 counts as the decimal number that Postgres and Python
print for it, at most half of its last digit away.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pgpredict_transpiler.learning.program import Block, Floats, split

# Prints a float8 with all digits that tell it from its neighbours, whatever the session has set.
SETTINGS = "SET extra_float_digits = 1"


@dataclass(frozen=True)
class SumsProgram:
    """A learner that is the same as if it were fitted on the rows that are there now.

    Attributes:
        features: the names of the inputs, in order.
        classes: the labels of a classifier in scikit-learn's order; empty for regressors.
        sums: how many sums are kept; all are zero without rows.
        change: the body, from DECLARE to END, of a PL/pgSQL function ``(sums numeric[], features
            float8[], labels float8[], taken boolean) RETURNS numeric[]`` that is created with
            `SETTINGS`: adds n rows to the sums, or takes them away. `features` holds n rows of d
            numbers each, one after the other; `labels` n places in `classes` (from 0) or n
            targets. All are finite. An UPDATE is both, one after the other.
        solve: the body of a PL/pgSQL function ``(sums numeric[]) RETURNS float8[]``: the
            parameters that follow. Raises 22003 where one is no float8.
        blocks: what these parameters hold.
        prediction: as of a `LearningProgram`; NULL as long as there are no rows.
        probability: likewise.
        exporter: makes a fitted estimator of the blocks.
        accepts: as of a `LearningProgram`.
        expects: likewise.
    """

    features: tuple[str, ...]
    classes: tuple[Any, ...]
    sums: int
    change: str
    solve: str
    blocks: tuple[Block, ...]
    prediction: str
    probability: str | None
    exporter: Callable[[Mapping[str, Floats]], Any]
    accepts: str | None = None
    expects: str = ""

    def export(self, parameters: Sequence[float] | Floats) -> Any:
        """A fitted scikit-learn estimator with these parameters.

        Args:
            parameters: shape (n_parameters,), as `solve` returns them.
        """
        return self.exporter(split(self.blocks, np.asarray(parameters, dtype=np.float64)))


def exact_number(value: str) -> str:
    """A float8 as numeric, with all its digits.

    >>> exact_number("labels[i]")
    'labels[i]::text::numeric'
    """
    return f"{value}::text::numeric"

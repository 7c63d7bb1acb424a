"""Two sets of answers, row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pgpredict_transpiler.equality import same
from pgpredict_transpiler.oracle import Answers


def differences(expected: Answers, actual: Answers, rows: pd.DataFrame, show: int = 8) -> list[str]:
    """A line for each row on which the answers differ, the first ones only."""
    wrong = np.zeros(len(rows), dtype=bool)
    numbers = [isinstance(p, float) for p in expected.prediction if p is not None]
    if numbers and all(numbers) and not _has_labels(expected):
        wrong |= ~same(expected.prediction, actual.prediction)
    else:
        wrong |= np.array(
            [e != a for e, a in zip(expected.prediction, actual.prediction, strict=True)]
        )
    if expected.probability is not None:
        assert actual.probability is not None
        pairs = zip(expected.probability, actual.probability, strict=True)
        wrong |= np.array([_differ(e, a) for e, a in pairs])
    return [_line(int(i), expected, actual, rows) for i in np.flatnonzero(wrong)[:show]]


def _has_labels(answers: Answers) -> bool:
    return answers.probability is not None


def _differ(expected: list[float] | None, actual: list[float] | None) -> bool:
    if expected is None or actual is None:
        return expected is not actual
    return not bool(same(expected, actual).all())


def _line(i: int, expected: Answers, actual: Answers, rows: pd.DataFrame) -> str:
    parts = [f"row {i}: Python {expected.prediction[i]!r}, SQL {actual.prediction[i]!r}"]
    if expected.probability is not None and actual.probability is not None:
        parts.append(f"probabilities {expected.probability[i]}, {actual.probability[i]}")
    return f"{'; '.join(parts)}; {rows.iloc[i].to_dict()}"

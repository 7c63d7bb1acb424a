"""What Python says of the sample: the baselines of a model's outputs."""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import numpy as np
import pandas as pd

from pgpredict.database.baseline import Baseline, Numbers, of_labels, of_numbers
from pgpredict.database.golden import Golden, label_text
from pgpredict_transpiler import Program
from pgpredict_transpiler.oracle import inputs_for, scalar

# More rows would not make the shares noticeably sharper, and a forest answers 20,000 a second.
LIMIT = 20_000
AT_ONCE = 2_000
# Labels as text, and class probabilities, row by row; None where there is no answer.
Answers = tuple[list[str | None], list[list[float] | None]]


def output_baselines(
    model: Any, frame: pd.DataFrame, program: Program, golden: list[Golden]
) -> list[Baseline]:
    """The baselines of the prediction and, where there is one, of the probability.

    The probability is that of the second of two classes, else the highest, which is that of the
    label. At most 20,000 rows are asked, from all over the sample. A model that raises on one of
    them is not asked about each: that takes minutes. Its golden rows, who were, stand for all.

    Args:
        model: the fitted estimator.
        frame: the sample, as `pgpredict_transpiler.sample.as_frame` makes it.
        program: what became of the model.
        golden: the first rows with Python's answers, as `golden_rows` gives them.
    """
    given = None
    if len(frame) > len(golden):
        given = _asked(model, frame, program.has_probabilities)
    labels, probabilities = given or _of_golden(golden)
    if program.label_type == "float8":
        numbers = np.array([label or "nan" for label in labels], np.float64)
        found = [of_numbers("output", "prediction", _rounded(numbers))]
    else:
        found = [of_labels("output", "prediction", Counter(labels))]
    if program.has_probabilities:
        one = 1 if program.probability_type == "float8" else None
        numbers = _rounded(_one_each(probabilities, one))
        found.append(of_numbers("output", "probability", numbers))
    return found


def _asked(model: Any, frame: pd.DataFrame, has_probabilities: bool) -> Answers | None:
    """The answers to rows from all over the sample; None: the model raised on one of them."""
    places = np.unique(np.linspace(0, len(frame) - 1, min(LIMIT, len(frame))).astype(np.int64))
    labels: list[str | None] = []
    probabilities: list[list[float] | None] = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            for start in range(0, len(places), AT_ONCE):
                inputs = inputs_for(model, frame.iloc[places[start : start + AT_ONCE]])
                labels.extend(label_text(scalar(answer)) for answer in model.predict(inputs))
                if has_probabilities:
                    probabilities.extend(model.predict_proba(inputs).tolist())
        except (ValueError, TypeError, FloatingPointError, OverflowError):
            return None
    return labels, probabilities


def _of_golden(golden: list[Golden]) -> Answers:
    return [row.prediction for row in golden], [row.probability for row in golden]


def _one_each(probabilities: list[list[float] | None], one: int | None) -> Numbers:
    """The probability of one class, or the highest, in each row; NaN where there is none."""
    rows = [row for row in probabilities if row is not None]
    result = np.full(len(probabilities), np.nan)
    if rows:
        given = np.array(rows, np.float64)
        known = [row is not None for row in probabilities]
        result[known] = given.max(axis=1) if one is None else given[:, one]
    return result


def _rounded(numbers: Numbers) -> Numbers:
    """Numbers without the digits in which SQL may differ from Python.

    An edge between 1 and its neighbour among the floats would part a model from itself.
    """
    return np.array([float(f"{round(float(number), 12):.9g}") for number in numbers], np.float64)

"""What a learner answers, beside scikit-learn and beside anything that a column may hold."""

from __future__ import annotations

from typing import Any

import hypothesis
import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st

from tests.transpiler.learning.bench import Floats, Learner

HARD = [0.0, 5e-324, 1e-300, 1e-99, 1.0, 1e99, 1e154, 1.7976931348623157e308, np.inf, np.nan]


def names(X: Floats) -> list[str]:
    return [f"x{j}" for j in range(X.shape[1])]


def frame(X: Floats) -> pd.DataFrame:
    return pd.DataFrame(X, columns=names(X))


def assert_classifies_as(
    oracle: Any, learner: Learner, parameters: Floats, X: Floats, near: float = 1e-9
) -> None:
    """The classes and their probabilities are those that the oracle gives."""
    with np.errstate(divide="ignore"):
        classes, shares = oracle.predict(frame(X)), oracle.predict_proba(frame(X))
    places = learner.answers("prediction", parameters, X)
    assert [learner.program.classes[place] for place in places] == classes.tolist()
    wanted = shares[:, 1] if shares.shape[1] == 2 else shares
    given = np.array(learner.answers("probability", parameters, X))
    assert given == pytest.approx(wanted, rel=near, abs=1e-12)


def assert_never_raises(learner: Learner, *states: Floats) -> None:
    """Any finite row has an answer, and any other row has none."""
    count = len(learner.program.features)
    number = st.one_of(st.sampled_from([*HARD, *(-x for x in HARD)]), st.floats())
    rows = st.lists(st.lists(number, min_size=count, max_size=count), min_size=1, max_size=40)
    names = ["prediction", *(["probability"] if learner.program.probability else [])]

    @hypothesis.settings(max_examples=15, deadline=None, database=None)
    @hypothesis.given(rows=rows)
    def check(rows: list[list[float]]) -> None:
        X = np.array(rows)
        whole = np.isfinite(X).all(axis=1).tolist()
        for parameters in states:
            for name in names:
                given = learner.answers(name, parameters, X)
                assert [answer is not None for answer in given] == whole

    check()

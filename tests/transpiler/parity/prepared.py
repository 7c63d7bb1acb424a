"""What the tests of a case start from: made once, by the worker that runs all of them."""

from __future__ import annotations

from collections.abc import Set
from functools import cache
from typing import Any

import pandas as pd
import pytest

from pgpredict_transpiler import Program, transpile
from pgpredict_transpiler.lowering.registry import REGISTRY
from pgpredict_transpiler.oracle import Answers, ask
from tests.transpiler.parity.case import Case
from tests.transpiler.parity.cases import CASES
from tests.transpiler.parity.hostile import all_extreme_rows, hostile_rows


def cases_of(estimators: Set[str]) -> pytest.MarkDecorator:
    """A test for each case that covers one of these estimators."""
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(
                case,
                id=f"{case.covers[0]}: {case.name}",
                marks=pytest.mark.xdist_group(f"parity {number}"),
            )
            for number, case in enumerate(CASES)
            if not estimators.isdisjoint(case.covers)
        ],
    )


every_case = cases_of(REGISTRY.keys())


@cache
def fitted(case: Case) -> tuple[Any, pd.DataFrame]:
    """The model and its sample: fitted once, since not every estimator fits twice alike."""
    return case.fit()


@cache
def prepared(case: Case) -> tuple[Program, pd.DataFrame, Answers, pd.DataFrame]:
    """The program, hostile rows and what Python says of them, and rows of extremes alone."""
    model, sample = fitted(case)
    program = transpile(model, sample)
    rows = hostile_rows(program, sample)
    return program, rows, ask(model, rows), all_extreme_rows(sample)

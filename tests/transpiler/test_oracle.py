"""What Python is asked: with the missing value and the numbers that the model was fitted with."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from pgpredict_transpiler.oracle import ask

TARGET = [1.0, 2.0, 3.0, 4.0]


def _texts(missing: object) -> pd.DataFrame:
    return pd.DataFrame({"plan": pd.Series(["a", "b", missing, "b"], dtype=object)})


@pytest.mark.parametrize("fitted", [None, np.nan])
@pytest.mark.parametrize("asked", [None, np.nan])
def test_a_missing_text_is_the_one_that_the_encoder_knows(fitted: object, asked: object) -> None:
    model = make_pipeline(OneHotEncoder(), Ridge()).fit(_texts(fitted), TARGET)
    assert None not in ask(model, _texts(asked)).prediction


def test_each_column_has_its_own_missing_value() -> None:
    frame = _texts(None).assign(region=_texts(np.nan)["plan"])
    model = make_pipeline(OneHotEncoder(), Ridge()).fit(frame, TARGET)
    swapped = frame.rename(columns={"plan": "region", "region": "plan"})[["plan", "region"]]
    assert ask(model, swapped) == ask(model, frame)


def test_an_imputer_of_none_is_asked_with_none() -> None:
    imputer = SimpleImputer(missing_values=None, strategy="most_frequent")
    model = make_pipeline(imputer, OneHotEncoder(), Ridge()).fit(_texts(None), TARGET)
    assert None not in ask(model, _texts(np.nan)).prediction


def test_whole_numbers_are_floats_where_the_model_refuses_them() -> None:
    imputer = SimpleImputer(strategy="constant", fill_value=0.5)
    frame = pd.DataFrame({"x": [1.0, 2.0, np.nan, 3.0]})
    model = make_pipeline(imputer, LinearRegression()).fit(frame, TARGET)
    assert ask(model, pd.DataFrame({"x": [1, 2]})) == ask(model, pd.DataFrame({"x": [1.0, 2.0]}))


def test_rows_at_which_python_raises_have_no_answer() -> None:
    frame = pd.DataFrame({"x": [1.0, np.nan, np.inf, 4.0]})
    model = LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])
    assert ask(model, frame).prediction == [pytest.approx(1.0), None, None, pytest.approx(4.0)]

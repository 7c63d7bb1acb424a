"""skops files need no trust, whichever supported estimators they hold, unless they are unsafe."""

from __future__ import annotations

import functools
import io
import json
import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV, Ridge, TweedieRegressor
from sklearn.model_selection import GridSearchCV, RepeatedKFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.utils.validation import check_array

from pgpredict.errors import UntrustedModel
from pgpredict.modelfile import read_model
from pgpredict_transpiler.lowering.registry import REGISTRY
from tests.transpiler.parity.case import NUMBERS, Case, mixed_frame
from tests.transpiler.parity.cases import CASES

Fitted = tuple[Any, pd.DataFrame]


def _first_case(estimator: str) -> Case:
    return next(case for case in CASES if estimator in case.covers)


def _predictions(model: Any, sample: pd.DataFrame) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names and of functions outside their domain
        return model.predict(sample)


def _read_without_trust(model: Any, folder: Path) -> Any:
    skops.io.dump(model, folder / "model.skops")
    return read_model(folder / "model.skops").estimator


@pytest.mark.filterwarnings("ignore::FutureWarning")  # some go away in later versions
@pytest.mark.parametrize("estimator", REGISTRY)
def test_every_supported_estimator_is_read_as_it_is(estimator: str, tmp_path: Path) -> None:
    model, sample = _first_case(estimator).fit()

    read = _read_without_trust(model, tmp_path)

    np.testing.assert_array_equal(_predictions(read, sample), _predictions(model, sample))


def _of_mixed(model: Any, columns: list[str] = NUMBERS, *, classes: bool = False) -> Fitted:
    frame, score, label = mixed_frame()
    return model.fit(frame[columns], label if classes else score.abs()), frame[columns]


def _categories_of_the_frame() -> Fitted:
    frame, score, _ = mixed_frame()
    frame = frame[["plan", "region", "gap"]].astype({"plan": "category", "region": "category"})
    model = HistGradientBoostingRegressor(max_iter=3, categorical_features="from_dtype")
    return model.fit(frame, score), frame


def _of_selected_columns() -> Fitted:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    side_by_side = make_column_transformer(
        (numbers, make_column_selector(dtype_include=np.number)),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include=[object])),
        remainder="passthrough",
    )
    frame, _, label = mixed_frame()
    frame = frame[[*NUMBERS, "gap", "plan"]].astype({"plan": object})
    return make_pipeline(side_by_side, LogisticRegression(max_iter=300)).fit(frame, label), frame


MORE: dict[str, Callable[[], Fitted]] = {
    "categories of the frame": _categories_of_the_frame,
    "columns by their type": _of_selected_columns,
    "a search by a metric": lambda: _of_mixed(
        GridSearchCV(
            make_pipeline(StandardScaler(), LogisticRegression()),
            {"logisticregression__C": [0.1, 1.0]},
            scoring="roc_auc_ovr",
            cv=StratifiedKFold(2),
        ),
        classes=True,
    ),
    "a search by several metrics": lambda: _of_mixed(
        GridSearchCV(Ridge(), {"alpha": [1, 2]}, scoring=["r2", "neg_max_error"], refit="r2", cv=2)
    ),
    "folds": lambda: _of_mixed(
        GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=RepeatedKFold(n_splits=2, n_repeats=1))
    ),
    "stopped early": lambda: _of_mixed(
        HistGradientBoostingClassifier(max_iter=5, early_stopping=True),
        classes=True,
    ),
    "logistic, cross-validated": lambda: _of_mixed(
        make_pipeline(StandardScaler(), LogisticRegressionCV(Cs=2, cv=StratifiedKFold(2))),
        classes=True,
    ),
    "Tweedie with a logarithm": lambda: _of_mixed(
        make_pipeline(StandardScaler(), TweedieRegressor(power=1.5))
    ),
    "numpy's functions": lambda: _of_mixed(
        make_pipeline(FunctionTransformer(np.log1p), FunctionTransformer(np.round), Ridge()),
        ["amount", "count"],
    ),
}


@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("name", MORE)
def test_what_people_write_every_day_is_read_as_it_is(name: str, tmp_path: Path) -> None:
    model, sample = MORE[name]()

    read = _read_without_trust(model, tmp_path)

    np.testing.assert_array_equal(_predictions(read, sample), _predictions(model, sample))


def _with_function(function: Any) -> Any:
    frame = mixed_frame()[0][["count"]]
    model = make_pipeline(FunctionTransformer(), Ridge()).fit(frame, frame["count"])
    model[0].func = function
    return model


class Ours(BaseEstimator):  # type: ignore[misc]
    """An estimator that scikit-learn does not know."""


@pytest.mark.parametrize(
    ("function", "named"),
    [
        (os.system, "system"),
        (functools.partial(os.system), "functools.partial"),
        (functools.partial(check_array, estimator=Ours()), "functools.partial"),
        (functools.partial(np.log1p), "functools.partial"),
        (functools.partial(check_array, accept_sparse=StandardScaler()), "functools.partial"),
    ],
    ids=["a function", "hidden in a partial", "an argument of ours", "numpy's", "an argument"],
)
def test_a_function_that_could_do_harm_needs_trust(
    function: Any, named: str, tmp_path: Path
) -> None:
    skops.io.dump(_with_function(function), tmp_path / "model.skops")

    with pytest.raises(UntrustedModel, match="not known to be safe") as refusal:
        read_model(tmp_path / "model.skops")
    assert any(named in line for line in refusal.value.details)


def test_a_partial_is_judged_by_what_its_references_lead_to(tmp_path: Path) -> None:
    """A file may say `check_array` in a place and mean another part of itself by its number."""
    model = _with_function(functools.partial(check_array, dtype=None))
    model.steps.insert(0, ("other", FunctionTransformer(np.log1p)))
    content = _renumbered(skops.io.dumps(model), "log1p", "check_array")
    (tmp_path / "model.skops").write_bytes(content)

    with pytest.raises(UntrustedModel) as refusal:
        read_model(tmp_path / "model.skops")

    assert refusal.value.details == ("functools.partial",)


def _renumbered(content: bytes, first: str, second: str) -> bytes:
    """The file with the first function's number at the second one, too."""
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    schema = json.loads(parts["schema.json"])
    number = next(node["__id__"] for node in _nodes(schema) if node.get("__class__") == first)
    for node in _nodes(schema):
        if node.get("__class__") == second:
            node["__id__"] = number
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as new:
        for name, part in (parts | {"schema.json": json.dumps(schema).encode()}).items():
            new.writestr(name, part)
    return changed.getvalue()


def _nodes(part: Any) -> list[dict[str, Any]]:
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return [*([part] if isinstance(part, dict) else []), *(n for i in inner for n in _nodes(i))]

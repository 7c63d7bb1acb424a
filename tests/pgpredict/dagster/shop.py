"""A shop: a table of visits, thirty days of them, and ways to train who buys, and for how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg
import pandas as pd
from sklearn.dummy import DummyClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from pgpredict.dagster import ServedModel

VISITS = """
    CREATE TABLE visits (
        id     integer PRIMARY KEY,
        day    date NOT NULL,
        tenure integer NOT NULL,
        spend  numeric(10, 2),
        buys   boolean,
        worth  float8
    );
    INSERT INTO visits
    SELECT n, date '2026-03-01' + n % 30, n * 7 % 71, CASE WHEN n % 50 > 0 THEN n % 97 * 1.25 END,
           n * 7 % 71 + 30 * sin(n) > 35, 3 * (n * 7 % 71) + 10 * sin(n)
    FROM generate_series(1, 3000) AS n;
    ANALYZE visits;
"""
HERE = "tests.pgpredict.dagster.shop"


def good(X: pd.DataFrame, y: pd.Series[Any]) -> Any:
    """A pipeline that learns what there is to learn."""
    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(X, y)


def poor(X: pd.DataFrame, y: pd.Series[Any]) -> Any:
    """One that learns only how many buy."""
    return make_pipeline(SimpleImputer(), DummyClassifier()).fit(X, y)


def picky(X: pd.DataFrame, y: pd.Series[Any]) -> Any:
    """One that takes no missing values: where Python would raise, the answer is NULL."""
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)


def failing(X: pd.DataFrame, y: pd.Series[Any]) -> Any:
    """One that cannot be trained."""
    raise ValueError("the rows make no sense")


def foreign(X: pd.DataFrame, y: pd.Series[Any]) -> Any:
    """One that has no SQL form."""
    rows = slice(0, 50)
    return make_pipeline(SimpleImputer(), GaussianProcessClassifier()).fit(X[rows], y[rows])


def forgetful(X: pd.DataFrame, y: pd.Series[Any]) -> Any:
    """One that forgot its last line."""


def logistic_of(X: pd.DataFrame, y: pd.Series[Any]) -> Any:
    """A small model, which is trained in no time."""
    return LogisticRegression().fit(X, y)


def worth(X: pd.DataFrame, y: pd.Series[Any]) -> Any:
    """A regressor."""
    return make_pipeline(SimpleImputer(), LinearRegression()).fit(X, y)


def logistic() -> Any:
    """A candidate."""
    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression())


def tree() -> Any:
    """Another."""
    return make_pipeline(SimpleImputer(), DecisionTreeClassifier(max_depth=3, random_state=0))


def attributes(**changed: Any) -> dict[str, Any]:
    """What the YAML of the model says, with changes; None takes a line out."""
    usual: dict[str, Any] = {
        "model": "buys",
        "training": {
            "query": "SELECT id, tenure, spend, buys FROM visits",
            "target": "buys",
            "key": ["id"],
        },
        "train": f"{HERE}.good",
        "retries": {"attempts": 0},
        "score": {
            "source": "visits",
            "into": "buys_scores",
            "partition_by": "day",
            "start": "2026-03-01",
        },
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


def definitions(given: Mapping[str, Any]) -> dg.Definitions:
    """What comes of a YAML with these attributes."""
    component = ServedModel.from_attributes_dict(attributes=dict(given))
    return component.build_defs(dg.ComponentTree.for_test().load_context)


def materialise(
    defs: dg.Definitions,
    instance: dg.DagsterInstance,
    *keys: str,
    day: str | None = None,
    raises: bool = True,
) -> dg.ExecuteInProcessResult:
    """Materialise assets of the model by name, with their checks, in this process."""
    return defs.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(["buys", key]) for key in keys],
        partition_key=day,
        raise_on_error=raises,
    )


def retrain(
    defs: dg.Definitions, instance: dg.DagsterInstance, *, raises: bool = True
) -> dg.ExecuteInProcessResult:
    """Run the job that trains, judges and promotes."""
    job = defs.resolve_job_def("buys_retrain")
    return job.execute_in_process(instance=instance, raise_on_error=raises)


def failure(result: dg.ExecuteInProcessResult) -> tuple[str, dict[str, str]]:
    """What the UI shows of the step that failed: its description, and what stands beside it."""
    assert not result.success
    (failed,) = result.filter_events(lambda event: event.is_step_failure)
    told = failed.step_failure_data.user_failure_data
    assert told is not None, failed.step_failure_data.error
    return told.description or "", {name: str(value.value) for name, value in told.metadata.items()}


def checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks of a run, by name."""
    return {found.check_name: found for found in result.get_asset_check_evaluations()}


def metadata(result: dg.ExecuteInProcessResult, key: str) -> dict[str, Any]:
    """What a run says of an asset that it materialised."""
    events = result.asset_materializations_for_node(f"buys_{key}")
    return {name: value.value for name, value in events[-1].metadata.items()}


TRAINING = ("training_rows", "version", "promoted")

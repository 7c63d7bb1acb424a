"""What a deploy keeps of its sample, for later rows to be held against."""

from __future__ import annotations

import numpy as np
import pandas as pd
import psycopg
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression

import pgpredict
from tests.pgpredict.database.models import customers, value
from tests.pgpredict.database.visits import ROWS, baselines, returns, visits


def test_the_whole_sample_is_kept_in_bins(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    sample = visits()
    kept = baselines(connection, "returns")

    assert list(kept) == [
        *("input age", "input Spent €", "input plan", "input member"),
        *("output prediction", "output probability"),
    ]
    for name in ("age", "Spent €"):
        kind, edges, labels, shares, null_share, rows = kept[f"input {name}"]
        cut = pd.cut(sample[name], [-np.inf, *edges, np.inf], right=False)
        assert shares == pytest.approx(list(cut.value_counts(sort=False) / ROWS))
        assert (kind, labels, rows) == ("number", None, ROWS)
        assert null_share == pytest.approx(sample[name].isna().mean())
    # The zeros are by themselves, below the first number above them.
    assert max(kept["input Spent €"][3]) == pytest.approx((sample["Spent €"] == 0).mean())
    kind, edges, labels, shares, *_ = kept["input plan"]
    assert (kind, edges, labels) == ("category", None, ["basic", "plus", "family"])
    assert shares == pytest.approx([0, *sample["plan"].value_counts(normalize=True)])
    assert kept["input member"][2] == ["false", "true"]


def test_what_python_says_of_the_sample_is_kept(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    sample = visits()
    model, kept = returns(sample), baselines(connection, "returns")

    said = model.predict(sample)
    _, _, labels, shares, *_ = kept["output prediction"]
    assert dict(zip(labels, shares[1:], strict=True)) == pytest.approx(
        {"true": said.mean(), "false": 1 - said.mean()}
    )
    _, edges, _, shares, *_ = kept["output probability"]
    bins = np.searchsorted(edges, model.predict_proba(sample)[:, 1], side="right")
    assert shares == pytest.approx(np.bincount(bins, minlength=len(edges) + 1) / ROWS)


def test_outputs_of_a_regressor_are_numbers(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    sample = customers(2_000)
    db.deploy("value", value(2), sample)
    kind, edges, _, shares, _, rows = baselines(connection, "value")["output prediction"]
    cut = np.searchsorted(edges, 2 * sample.sum(axis=1), side="right")
    assert (kind, rows) == ("number", 2_000)
    assert shares == pytest.approx(np.bincount(cut) / 2_000)


def test_of_more_classes_the_probability_of_the_label_is_kept(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    sample, kinds = load_iris(return_X_y=True, as_frame=True)
    model = LogisticRegression(max_iter=1000).fit(sample, kinds)
    db.deploy("iris", model, sample)
    kept = baselines(connection, "iris")
    assert set(kept["output prediction"][2]) == {"0", "1", "2"}
    highest = model.predict_proba(sample).max(axis=1)
    _, edges, _, shares, *_ = kept["output probability"]
    cut = np.searchsorted(edges, highest, side="right")
    assert shares == pytest.approx(np.bincount(cut, minlength=len(edges) + 1) / len(sample))


def test_a_model_that_refuses_rows_keeps_what_it_said_of_golden_rows(
    db: pgpredict.Database, connection: psycopg.Connection
) -> None:
    sample = customers(3_000)
    model = LinearRegression().fit(sample, sample.sum(axis=1))
    sample.loc[::10, "tenure"] = np.nan
    db.deploy("value", model, sample)
    *_, null_share, rows = baselines(connection, "value")["output prediction"]
    assert (null_share, rows) == (0.1, 1_000)
    assert baselines(connection, "value")["input tenure"][-1] == 3_000


def test_a_model_that_goes_takes_all_of_it_along(
    visited: pgpredict.Database, connection: psycopg.Connection
) -> None:
    visited.drift("returns", '"Visits"', record=True)
    visited.drop("returns")
    for table in ("baseline", "drift_result"):
        assert connection.execute(f"SELECT count(*) FROM pgpredict.{table}").fetchone() == (0,)

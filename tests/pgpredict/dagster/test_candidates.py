"""The best of several candidates, and names that mean nothing."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest
from dagster.components.resolved.errors import ResolutionException

import pgpredict
from pgpredict.dagster.candidates import named
from pgpredict.errors import UnreadableModel
from tests.pgpredict.dagster.shop import (
    HERE,
    attributes,
    definitions,
    failure,
    metadata,
    retrain,
)


def choosing(*candidates: Any, **more: Any) -> dg.Definitions:
    """The definitions of a model with candidates."""
    return definitions(attributes(train=None, candidates=list(candidates), **more))


def test_the_best_of_several_candidates_and_values(
    instance: dg.DagsterInstance, db: pgpredict.Database
) -> None:
    depths = {"decisiontreeclassifier__max_depth": [1, 2, 4]}
    result = retrain(
        choosing(f"{HERE}.logistic", {"estimator": f"{HERE}.tree", "grid": depths}), instance
    )

    told = metadata(result, "version")
    rows = told["candidates"].splitlines()
    header = ["candidate", "rows", "roc_auc_ovr"]
    assert rows[0].strip("| ").split(" | ")[:3] == header
    scores: dict[int, list[tuple[float, str]]] = {}
    for row in rows[2:]:
        candidate, learnt, score, *_ = (cell.strip() for cell in row.strip("|").split("|"))
        scores.setdefault(int(learnt), []).append((float(score), candidate))
    first, *_, last = sorted(scores)
    assert len(scores[first]) == 4  # all of them on few rows
    assert len(scores[last]) < 4  # the better ones on more
    assert told["trained by"] == max(scores[last])[1]
    assert db.models()[0].live == 1


def test_one_candidate_is_only_fitted(instance: dg.DagsterInstance, db: pgpredict.Database) -> None:
    told = metadata(retrain(choosing(f"{HERE}.tree"), instance), "version")

    assert told["trained by"] == f"{HERE}.tree"
    assert "candidates" not in told
    assert "decision tree" in told["description"]


def test_values_that_were_best_are_told(instance: dg.DagsterInstance) -> None:
    depths = {"decisiontreeclassifier__max_depth": [1, 4]}
    candidate = {"estimator": f"{HERE}.tree", "grid": depths}

    told = metadata(
        retrain(choosing(candidate, accept={"metric": "accuracy"}), instance), "version"
    )

    assert told["best parameters"]["decisiontreeclassifier__max_depth"] in {1, 4}


@pytest.mark.parametrize(
    ("candidate", "why"),
    [
        ("nowhere.at_all", "cannot import nowhere"),
        (f"{HERE}.nothing", f"{HERE} has no nothing"),
        ("logistic", "logistic names no module"),
        (f"{HERE}.attributes", f"{HERE}.attributes is a dict, not an estimator"),
        (
            {"estimator": f"{HERE}.tree", "grid": {"depth": [1, 2]}},
            f"{HERE}.tree has no parameter depth",
        ),
        (
            {"estimator": f"{HERE}.tree", "grid": {"decisiontreeclassifier__max_depth": ["x", 2]}},
            f"{HERE}.tree cannot be trained",
        ),
    ],
)
def test_what_cannot_be_trained_is_told(
    instance: dg.DagsterInstance, db: pgpredict.Database, candidate: Any, why: str
) -> None:
    told, parts = failure(retrain(choosing(candidate), instance, raises=False))

    assert told.startswith("training buys: ")
    assert why in parts["what was wrong"]
    assert parts["what to do"]
    assert db.models() == []


def test_a_function_that_returns_no_estimator(
    instance: dg.DagsterInstance, db: pgpredict.Database
) -> None:
    defs = definitions(attributes(train=f"{HERE}.forgetful"))

    _, parts = failure(retrain(defs, instance, raises=False))

    assert parts["what was wrong"] == (
        f"{HERE}.forgetful returned a NoneType, not a fitted estimator"
    )


def test_a_metric_that_does_not_exist_is_refused_with_the_yaml() -> None:
    with pytest.raises(
        ResolutionException, match="there is no metric beauty: it is one of roc_auc"
    ):
        choosing(f"{HERE}.tree", accept={"metric": "beauty"})


def test_a_metric_that_does_not_fit(instance: dg.DagsterInstance) -> None:
    _, parts = failure(
        retrain(choosing(f"{HERE}.tree", accept={"metric": "r2"}), instance, raises=False)
    )
    assert parts["what was wrong"] == "r2 cannot be measured here: it needs numbers"


def test_names_with_a_dot_in_front_are_looked_up_beside_the_yaml() -> None:
    package = "pgpredict.dagster"

    assert named(".keys.Keys", package) is named("pgpredict.dagster.keys.Keys", None)
    assert named(".ServedModel", package) is named("pgpredict.dagster.ServedModel", None)
    with pytest.raises(UnreadableModel, match=r"cannot import \.nothing"):
        named(".nothing.at_all", package)

"""How good answers are, and what a better one means."""

from __future__ import annotations

import numpy as np
import pytest

from pgpredict.dagster.metrics import METRICS, Answers, measured, metric_named

TWO = Answers(
    np.array([False, False, True, True]),
    np.array([False, True, True, True]),
    np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.2, 0.8]]),
    (False, True),
)
THREE = Answers(
    np.array(["a", "b", "c"], dtype=object),
    np.array(["a", "b", "b"], dtype=object),
    np.array([[0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.1, 0.5, 0.4]]),
    ("a", "b", "c"),
)
NUMBERS = Answers(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 5.0]), None, ())


def test_two_labels() -> None:
    found = measured(TWO)

    assert found["roc_auc"] == 1.0
    assert found["accuracy"] == 0.75
    assert found["brier"] == pytest.approx((0.01 + 0.36 + 0.09 + 0.04) / 4)
    assert "r2" not in found


def test_more_labels() -> None:
    found = measured(THREE)

    assert set(found) == {"roc_auc", "log_loss", "accuracy", "balanced_accuracy", "f1"}
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert found["log_loss"] == pytest.approx(-np.log([0.8, 0.5, 0.4]).mean())


def test_numbers() -> None:
    found = measured(NUMBERS)

    assert found["mean_absolute_error"] == pytest.approx(2 / 3)
    assert found["root_mean_squared_error"] == pytest.approx(np.sqrt(4 / 3))
    assert found["r2"] == -1.0


def test_what_the_rows_do_not_allow_is_left_out() -> None:
    one_label = Answers(
        np.array([True, True]),
        np.array([True, True]),
        np.array([[0.1, 0.9], [0.2, 0.8]]),
        TWO.classes,
    )

    assert "roc_auc" not in measured(one_label)
    assert measured(one_label)["accuracy"] == 1.0


def test_gain_is_positive_for_the_better_one() -> None:
    assert METRICS["roc_auc"].gain(0.8, 0.7) == pytest.approx(0.1)
    assert METRICS["log_loss"].gain(0.8, 0.7) == pytest.approx(-0.1)
    assert METRICS["log_loss"].reaches(0.6, 0.7)
    assert not METRICS["r2"].reaches(0.6, 0.7)


@pytest.mark.parametrize(
    ("classifier", "probability", "name"),
    [(True, True, "roc_auc"), (True, False, "accuracy"), (False, False, "r2")],
)
def test_the_usual_metric(classifier: bool, probability: bool, name: str) -> None:
    assert metric_named(None, classifier=classifier, probability=probability).name == name

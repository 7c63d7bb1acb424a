"""The file of an estimator that goes on: the same numbers, in the same order of axes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import IncrementalPCA
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pgpredict.database.outside import numbers, stored, teaching
from pgpredict.database.outside.preparing import seeded
from pgpredict.errors import UnreadableModel

X = np.random.default_rng(0).normal(size=(40, 6))
CLASSES = np.array(["no", "yes"])
y = CLASSES[np.arange(40) % 2]


def test_arrays_keep_the_order_of_their_axes() -> None:
    """A product adds up in another order where its factors lie otherwise."""
    model = IncrementalPCA(3).partial_fit(X)
    assert not model.components_.flags.c_contiguous
    read = stored.read("pupil", stored.write(model), going_on=True)
    assert read.components_.flags.f_contiguous
    assert numbers.same(model, read)


def test_what_only_grows_is_cut() -> None:
    model = make_pipeline(StandardScaler(), MLPClassifier((3,), random_state=0))
    for _ in range(5):
        teaching.teach(model, X, y, CLASSES)
    losses = list(model[-1].loss_curve_)
    read = stored.read("pupil", stored.write(model), going_on=True)
    assert read[-1].loss_curve_ == losses[-1:]
    for each in (model, read):
        teaching.teach(each, X, y, CLASSES)
    assert numbers.same(model, read)


def test_a_seed_wherever_there_is_none() -> None:
    given = make_pipeline(StandardScaler(), MLPClassifier(random_state=None))
    assert seeded(given)[-1].random_state == 0
    assert given[-1].random_state is None
    assert seeded(MLPClassifier(random_state=7)).random_state == 7


def test_numbers_that_differ_are_noticed() -> None:
    one, other = (MLPClassifier((3,), random_state=0) for _ in range(2))
    for each in (one, other):
        teaching.teach(each, X, y, CLASSES)
    assert numbers.same(one, other)
    other._random_state.uniform()
    assert not numbers.same(one, other)
    assert numbers.not_finite(one) is None
    one.coefs_[1][0, 0] = np.nan
    assert numbers.not_finite(one) == "1"
    one.coefs_[1][0, 0] = -1e101
    assert numbers.beyond(one, 1e100)


def test_a_state_that_is_not_kept() -> None:
    with pytest.raises(UnreadableModel, match="the model of this state of learner pupil"):
        stored.read("pupil", None, going_on=True)

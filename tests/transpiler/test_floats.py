"""Thresholds pulled back: the comparison before a function equals the one behind it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pgpredict_transpiler.floats import from_ordinal, pull_back, to_ordinal
from pgpredict_transpiler.lowering.splits import at_float32

numbers = st.floats(allow_nan=False)
finite = st.floats(allow_nan=False, allow_infinity=False)


@given(numbers)
def test_a_place_leads_back_to_its_number(number: float) -> None:
    assert from_ordinal(to_ordinal(np.array([number])))[0] == number


@given(numbers, numbers)
def test_places_are_in_the_order_of_the_numbers(one: float, other: float) -> None:
    places = to_ordinal(np.array([one, other]))
    assert (places[0] < places[1]) == (one < other)


@given(numbers.filter(lambda x: x < np.inf))
def test_neighbours_have_neighbouring_places(number: float) -> None:
    with np.errstate(over="ignore"):
        places = to_ordinal(np.array([number, np.nextafter(number, np.inf)]))
    assert places[1] - places[0] == 1


@given(st.lists(numbers, min_size=1, max_size=5), numbers)
def test_a_bound_splits_as_its_threshold_does_at_float32(
    thresholds: list[float], number: float
) -> None:
    with np.errstate(over="ignore"):
        bounds = pull_back(at_float32, np.array(thresholds))
        near = np.concatenate([bounds, np.nextafter(bounds, np.inf), [number]])
        for bound, threshold in zip(bounds, thresholds, strict=True):
            assert ((near <= bound) == (at_float32(near) <= threshold))[~np.isnan(near)].all()


@given(finite, finite, st.floats(1e-3, 1e3), numbers)
def test_a_bound_splits_as_its_threshold_does_behind_a_scaler(
    threshold: float, mean: float, scale: float, number: float
) -> None:
    def scaled(x: np.ndarray) -> np.ndarray:
        return (x - mean) / scale

    with np.errstate(all="ignore"):
        bound = pull_back(scaled, np.array([threshold]))[0]
        near = np.array([bound, np.nextafter(bound, np.inf), number])
        told, wanted = near <= bound, scaled(near) <= threshold
    assert (told == wanted)[~np.isnan(near)].all()


def test_a_threshold_that_nothing_reaches_has_no_bound() -> None:
    assert np.isnan(pull_back(np.exp, np.array([-1.0]))[0])


def test_a_threshold_above_everything_lets_everything_through() -> None:
    assert pull_back(np.tanh, np.array([2.0]))[0] == np.inf

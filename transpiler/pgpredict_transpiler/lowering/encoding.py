"""Encoders of categories: every output column is a look-up by the category."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from pgpredict_transpiler.columns import Column, Key, Lookup
from pgpredict_transpiler.errors import InvalidSample
from pgpredict_transpiler.scope import Scope
from pgpredict_transpiler.search import from_lookup

Place = float | None  # of a category among the encoder's; None: it does not know the category


LARGEST_WHOLE = 2**53  # beyond it neighbouring whole numbers are the same float8


def one_hot_encoder(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """One column for each category that is not dropped; the infrequent ones share the last."""
    result = []
    for i, column in enumerate(columns):
        places = _places(model, i, column, scope)
        group = _groups(model, i)
        members: dict[int | None, list[Key]] = {}
        for key, place in places.table.items():
            members.setdefault(group(place), []).append(key)
        for number in range(model._n_features_outs[i]):
            lookup = _indicator(places, members, group, number)
            result.append(from_lookup(lookup, f"{column.name}_{number}"))
    return result


def ordinal_encoder(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """The number of the category."""
    return [
        from_lookup(_places(model, i, column, scope).mapped(_codes(model, i)), column.name)
        for i, column in enumerate(columns)
    ]


def _indicator(
    places: Lookup,
    members: dict[int | None, list[Key]],
    group: Callable[[Place], int | None],
    number: int,
) -> Lookup:
    """1 for the categories of one group, 0 for all others."""
    unknown = float(group(places.unknown) == number)
    missing = float(group(places.missing) == number)
    if unknown:
        table = {key: 0.0 for other, keys in members.items() if other != number for key in keys}
    else:
        table = dict.fromkeys(members.get(number, []), 1.0)
    return Lookup(places.key, table, unknown, missing)


# Which category a value is


def _places(model: Any, i: int, column: Column, scope: Scope) -> Lookup:
    """The place of each key among the i-th column's categories; None for what is not among them."""
    categories = model.categories_[i]
    if column.type.startswith("timestamp") or categories.dtype.kind in "mM":
        scope.refuse("its categories are timestamps: encode text, numbers or booleans")
    if column.type == "float8" and categories.dtype.kind != "O":
        scope.require_finite([column], may_be_missing=True)
    known = _known(categories, column, scope)
    places = _keyed(column, known, _place_of_missing(categories), scope)
    if model.handle_unknown == "error":
        scope.require_value(places, lambda place: place is not None)
    return places


def _keyed(column: Column, known: dict[Key, float], missing: Place, scope: Scope) -> Lookup:
    if column.lookup:
        return column.lookup.mapped(lambda value: missing if value is None else known.get(value))
    if column.fill is not None:
        missing = known.get(column.fill)
    kind = {"text": str, "boolean": bool, "float8": float}[column.type]
    table: dict[Key, Place] = {k: place for k, place in known.items() if type(k) is kind}
    return Lookup(scope.let("key", column.key, column.type), table, None, missing)


def _known(categories: Any, column: Column, scope: Scope) -> dict[Key, float]:
    """The places of the categories, by what stands for them in SQL."""
    given = [(place, c) for place, c in enumerate(categories.tolist()) if not _is_missing(c)]
    if any(type(c) is int and abs(c) > LARGEST_WHOLE for _, c in given):
        scope.refuse("it knows whole numbers beyond 2 ** 53, which float8 cannot tell apart")
    known = {
        key: float(place)
        for place, category in given
        for key in [_key(category, column)]
        if key is not None
    }
    if given and not known:
        raise InvalidSample(
            f"column {column.name!r} of the sample is {column.type}, "
            f"but {scope.estimator} at {scope.path} knows categories such as {given[0][1]!r}",
            do="pass a sample of the kind that the model was trained on",
        )
    return known


def _key(category: Any, column: Column) -> Key | None:
    """A category as a key of the column; None if no row can hold it."""
    if isinstance(category, str):
        is_text = column.type == "text" or isinstance(column.fill, str)
        return category if is_text and _can_be_stored(category) else None
    if not isinstance(category, (bool, int, float)) or column.type == "text":
        is_fill = isinstance(column.fill, float) and column.fill == category
        return column.fill if is_fill else None
    if column.type == "boolean" and category in (0, 1):
        return bool(category)
    return float(category)


def _can_be_stored(text: str) -> bool:
    try:
        return b"\0" not in text.encode()
    except UnicodeEncodeError:
        return False


def _place_of_missing(categories: Any) -> Place:
    """SQL has one missing value, Python two; NaN is the one that scikit-learn means."""
    values = categories.tolist()
    if any(isinstance(value, float) and math.isnan(value) for value in values):
        return float(len(values) - 1)
    return float(values.index(None)) if None in values else None


def _is_missing(category: Any) -> bool:
    return category is None or (isinstance(category, float) and math.isnan(category))


# What becomes of a category


def _groups(model: Any, i: int) -> Callable[[Place], int | None]:
    """The output column for each place; None: none of them."""
    infrequent = _infrequent(model, i)
    unknown: int | None = None
    if infrequent is not None and model.handle_unknown in ("infrequent_if_exist", "warn"):
        unknown = int(infrequent.max())
    dropped = None if model._drop_idx_after_grouping is None else model._drop_idx_after_grouping[i]

    def group(place: Place) -> int | None:
        if place is None:
            result = unknown
        else:
            result = int(place if infrequent is None else infrequent[int(place)])
        if dropped is None or result is None:
            return result
        return None if result == dropped else result - (result > dropped)

    return group


def _codes(model: Any, i: int) -> Callable[[Place], float | None]:
    """The number for each place; None: NULL."""
    infrequent = _infrequent(model, i)
    missing = model._missing_indices.get(i)
    unknown = model.unknown_value if model.handle_unknown == "use_encoded_value" else 0

    def code(place: Place) -> float | None:
        if place is None:
            result = unknown
        elif place == missing:
            result = model.encoded_missing_value
        else:
            result = place if infrequent is None else infrequent[int(place)]
        number = float(np.asarray(result).astype(model.dtype))
        return None if math.isnan(number) else number

    return code


def _infrequent(model: Any, i: int) -> Any:
    """For each place that after all infrequent ones became the last; None if there are none."""
    return model._default_to_infrequent_mappings[i] if model._infrequent_enabled else None

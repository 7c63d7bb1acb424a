"""The trees of HistGradientBoosting: missing values, and categories as sets of codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Column
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.lowering.keysets import KeyBits
from pgpredict_transpiler.lowering.splits import OFTEN, Comparison, Split, Splits, split_keys
from pgpredict_transpiler.lowering.trees import check_size, nested
from pgpredict_transpiler.lowering.walking import LEAF, Walk
from pgpredict_transpiler.scope import Scope
from pgpredict_transpiler.search import LINEAR


def histogram_scores(model: Any, columns: Sequence[Column], scope: Scope) -> list[Expression]:
    """baseline + tree + tree …, one sum for each class, or a single one."""
    numbers = _prepared(model, columns, scope)
    predictors = model._predictors
    nodes = [predictor.nodes for stage in predictors for predictor in stage]
    if any(tree["is_categorical"].any() for tree in nodes):
        # What goes left is a set there, and no bound.
        scope = scope.without_walks()
    depth = max(int(tree["depth"].max()) for tree in nodes)
    check_size(sum(map(len, nodes)), depth, "max_iter or max_leaf_nodes", scope)
    splits = Splits(numbers, _thresholds(nodes, len(numbers)), scope)
    baseline = np.ravel(model._baseline_prediction)
    if scope.walks:
        classes = range(len(baseline))
        return [_walked(baseline[k], [stage[k] for stage in predictors], splits) for k in classes]
    categories = _categories(nodes, numbers, scope)
    return [
        scope.sum(
            [sql.number(start), *(_tree(stage[k], categories, splits) for stage in predictors)]
        )
        for k, start in enumerate(baseline)
    ]


def _prepared(model: Any, columns: Sequence[Column], scope: Scope) -> list[Column]:
    """The columns as the trees number them: the encoded categories first, if there are any."""
    if model._preprocessor is None:
        return scope.numbers(columns)
    categories, others = [], []
    for name, transformer, selection in model._preprocessor.transformers_:
        chosen = [
            column for column, taken in zip(columns, np.asarray(selection), strict=True) if taken
        ]
        if name == "encoder":
            categories += scope.transform(transformer, chosen, ".categorical_features")
        else:
            scope.use(chosen)
            others += scope.numbers(chosen)
    return categories + others


def _thresholds(nodes: Sequence[Any], count: int) -> list[np.ndarray]:
    splitting = np.concatenate(nodes)
    splitting = splitting[(splitting["is_leaf"] == 0) & (splitting["is_categorical"] == 0)]
    return [splitting["num_threshold"][splitting["feature_idx"] == i] for i in range(count)]


SplitKeys = Callable[[Callable[[float], bool], bool], Split | bool]


def _categories(
    nodes: Sequence[Any], columns: Sequence[Column], scope: Scope
) -> dict[int, SplitKeys]:
    """How each categorical column is split: as bits where that is asked often."""
    splitting = np.concatenate(nodes)
    asked = splitting["feature_idx"][
        (splitting["is_leaf"] == 0) & (splitting["is_categorical"] == 1)
    ]
    result: dict[int, SplitKeys] = {}
    for column, count in zip(*np.unique(asked, return_counts=True), strict=True):
        lookup = columns[column].lookup
        assert lookup is not None  # the encoder gives look-ups
        often = count >= OFTEN and len(lookup.table) > LINEAR
        result[int(column)] = KeyBits(lookup, scope).split if often else partial(split_keys, lookup)
    return result


def _walked(start: float, predictors: Sequence[Any], splits: Splits) -> Expression:
    """start + tree + tree …, to be walked."""
    walk = Walk([float(start)])
    for nodes in (predictor.nodes for predictor in predictors):
        walk.add(
            np.where(nodes["is_leaf"], LEAF, nodes["left"].astype(np.int64)).tolist(),
            nodes["right"].tolist(),
            partial(_comparison, nodes, splits),
            nodes["value"][:, np.newaxis].tolist().__getitem__,
        )
    return sql.at(walk.expression(), 1)


def _comparison(nodes: Any, splits: Splits, number: int) -> Comparison:
    node = nodes[number]
    threshold, missing_left = float(node["num_threshold"]), bool(node["missing_go_to_left"])
    return splits.comparison(int(node["feature_idx"]), threshold, missing_left)


def _tree(predictor: Any, categories: Mapping[int, SplitKeys], splits: Splits) -> Expression:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"].astype(bool)

    def split(number: int) -> Split | bool:
        node = nodes[number]
        column, missing_left = int(node["feature_idx"]), bool(node["missing_go_to_left"])
        if not node["is_categorical"]:
            return splits.at(column, float(node["num_threshold"]), missing_left)
        bits = predictor.raw_left_cat_bitsets[node["bitset_idx"]]
        return categories[column](lambda code: _in_bits(bits, int(code)), missing_left)

    return nested(
        [LEAF if is_leaf else int(i) for i, is_leaf in zip(nodes["left"], leaf, strict=True)],
        [int(i) for i in nodes["right"]],
        lambda number: sql.number(float(nodes[number]["value"])),
        split,
    )


def _in_bits(bits: np.ndarray, code: int) -> bool:
    return bool(int(bits[code // 32]) >> (code % 32) & 1)

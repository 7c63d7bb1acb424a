"""Decision trees and forests of scikit-learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Column
from pgpredict_transpiler.expressions import Expression
from pgpredict_transpiler.floats import Floats
from pgpredict_transpiler.lowering.splits import Comparison, Split, Splits, at_float32
from pgpredict_transpiler.lowering.walking import LEAF, Walk
from pgpredict_transpiler.prediction import Prediction, first_greatest, label, labels_of
from pgpredict_transpiler.scope import Scope

MOST_COPIES = 2  # so often a tree is written out; an assignment in PL/pgSQL costs as much as a tree
DEEPEST = 150  # a deeper nest of CASEs is hard on the stacks of Python and of the server
MOST_NODES = 200_000  # beyond it a statement takes seconds to plan and hundreds of megabytes
MOST_WALKED = 2_000_000  # nodes in an array: a gigabyte in every session that predicts

Value = Callable[[int], Expression]  # of a leaf, by its number


def tree_regressor(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The value of the leaf."""
    trees = _Trees([model], columns, scope)
    if scope.walks:
        (value,) = trees.means(1)
    else:
        (values,) = trees.values()
        value = trees.lower(0, lambda leaf: sql.number(values[leaf, 0]))
    return Prediction(value, _describe("decision tree", [model]))


def tree_classifier(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The most frequent class of the leaf; its shares are the probabilities."""
    labels = labels_of(model.classes_, scope)
    if scope.walks:
        return _averaged("decision tree", [model], labels, columns, scope)
    trees = _Trees([model], columns, scope)
    (shares,) = trees.values()
    winner = trees.lower(0, lambda leaf: label(labels[int(np.argmax(shares[leaf]))]))
    probabilities = tuple(trees.means(len(labels)))
    return Prediction(winner, _describe("decision tree", [model]), labels, probabilities)


def forest_regressor(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The mean of the trees, added up in their order."""
    trees = _Trees(model.estimators_, columns, scope)
    (mean,) = trees.means(1)
    return Prediction(mean, _describe("forest", model.estimators_))


def forest_classifier(model: Any, columns: Sequence[Column], scope: Scope) -> Prediction:
    """The class with the greatest mean share over the trees."""
    labels = labels_of(model.classes_, scope)
    return _averaged("forest", model.estimators_, labels, columns, scope)


def _averaged(
    name: str,
    estimators: Sequence[Any],
    labels: tuple[Any, ...],
    columns: Sequence[Column],
    scope: Scope,
) -> Prediction:
    trees = _Trees(estimators, columns, scope)
    shares = tuple(scope.let("share", mean) for mean in trees.means(len(labels)))
    return Prediction(
        first_greatest(shares, labels, scope),
        _describe(name, estimators),
        labels,
        shares,
    )


def sum_of_trees(
    estimators: Sequence[Any], columns: Sequence[Column], scope: Scope, start: float, factor: float
) -> Expression:
    """start + factor * tree + factor * tree …, in the order in which boosting adds its stages.

    Args:
        estimators: regression trees.
        columns: their inputs; no number may be missing.
        scope: names partial sums.
        start: the initial prediction.
        factor: the learning rate.
    """
    trees = _Trees(estimators, columns, scope, may_be_missing=False)
    if scope.walks:
        return sql.at(trees.walked([start], factor), 1)
    terms = []
    for number, values in enumerate(trees.values()):
        scaled = factor * values[:, 0]
        terms.append(trees.lower(number, lambda leaf, scaled=scaled: sql.number(scaled[leaf])))  # type: ignore[misc]
    return scope.sum([sql.number(start), *terms])


def check_size(nodes: int, depth: int, options: str, scope: Scope) -> None:
    """Refuse trees that are too large to be written, or nest deeper than an expression can.

    Args:
        nodes: of all trees.
        depth: of the deepest.
        options: of the estimator, which keep trees small.
        scope: where to refuse.
    """
    if scope.walks:
        if nodes > MOST_WALKED:
            scope.refuse(f"it has {nodes:,} nodes, and {MOST_WALKED:,} is the limit: use {options}")
        return
    if nodes > MOST_NODES:
        scope.refuse_size(
            f"it has {nodes:,} nodes, and an expression holds {MOST_NODES:,}: limit {options}"
        )
    if depth > DEEPEST:
        scope.refuse_size(
            f"a tree is {depth} levels deep, and {DEEPEST} is the limit: set max_depth"
        )


class _Trees:
    """The trees of one ensemble over the same columns."""

    def __init__(
        self,
        estimators: Sequence[Any],
        columns: Sequence[Column],
        scope: Scope,
        *,
        may_be_missing: bool = True,
    ) -> None:
        self._estimators = estimators
        self._scope = scope
        self._check()
        numbers = scope.numbers(columns)
        accepts = may_be_missing and _accepts_missing(estimators[0])
        scope.require_finite(numbers, may_be_missing=accepts, float32=True)
        self._splits = Splits(numbers, self._thresholds(len(numbers)), scope, at_float32)

    def _check(self) -> None:
        trees = [e.tree_ for e in self._estimators]
        nodes, depth = sum(t.node_count for t in trees), max(t.max_depth for t in trees)
        check_size(nodes, depth, "max_depth or max_leaf_nodes", self._scope)
        if self._estimators[0].tree_.n_outputs > 1:
            self._scope.refuse("it predicts several targets at once: deploy one model for each")

    def _thresholds(self, count: int) -> list[Floats]:
        features = np.concatenate([e.tree_.feature for e in self._estimators])
        thresholds = np.concatenate([e.tree_.threshold for e in self._estimators])
        return [thresholds[features == i] for i in range(count)]

    def values(self) -> list[NDArray[np.float64]]:
        """For each tree the values of its nodes: shape (nodes, classes), or (nodes, 1)."""
        return [e.tree_.value[:, 0, :] for e in self._estimators]

    def lower(self, number: int, value: Value) -> Expression:
        """One tree as nested CASEs."""
        tree = self._estimators[number].tree_
        return nested(
            [int(i) for i in tree.children_left],
            [int(i) for i in tree.children_right],
            value,
            lambda node: self._splits.at(*_question(tree, node)),
        )

    def means(self, count: int) -> list[Expression]:
        """The mean over the trees of each value of the leaf, added up in the order of the trees.

        A tree with up to two values is written out for each. With more, its leaf is found once, and
        the values are looked up by it: leaves with equal values share a place.
        """
        if self._scope.walks:
            sums = self._scope.let("sums", self.walked([0.0] * count), "float8[]")
            parts = [sql.at(sums, k + 1) for k in range(count)]
            return [sql.divide(part, sql.number(float(len(self._estimators)))) for part in parts]
        write = self._by_leaf if count > MOST_COPIES else self._copies
        terms = [write(i, values) for i, values in enumerate(self.values())]
        totals = [self._scope.sum([tree[k] for tree in terms]) for k in range(count)]
        return [sql.divide(total, sql.number(float(len(terms)))) for total in totals]

    def walked(self, starts: Sequence[float], factor: float = 1.0) -> Expression:
        """For each value of the leaves its sum over the trees, to be walked.

        Args:
            starts: what each sum starts from.
            factor: what each value is multiplied by.
        """
        walk = Walk(starts)
        for estimator, values in zip(self._estimators, self.values(), strict=True):
            tree, scaled = estimator.tree_, (factor * values).tolist()
            walk.add(
                tree.children_left.tolist(),
                tree.children_right.tolist(),
                partial(self._comparison, tree),
                scaled.__getitem__,
            )
        return walk.expression()

    def _comparison(self, tree: Any, node: int) -> Comparison:
        return self._splits.comparison(*_question(tree, node))

    def _copies(self, number: int, values: NDArray[np.float64]) -> list[Expression]:
        return [self.lower(number, _value_of(values, k)) for k in range(values.shape[1])]

    def _by_leaf(self, number: int, values: NDArray[np.float64]) -> list[Expression]:
        leaves = np.flatnonzero(self._estimators[number].tree_.children_left == LEAF)
        distinct, places = np.unique(values[leaves], axis=0, return_inverse=True)
        place_of = dict(zip(leaves.tolist(), (places.ravel() + 1).tolist(), strict=True))
        found = self.lower(number, lambda leaf: sql.place(place_of[leaf]))
        named = self._scope.let("leaf", found, "int")
        return [sql.element(distinct[:, k].tolist(), named) for k in range(values.shape[1])]


def nested(
    left: Sequence[int], right: Sequence[int], value: Value, split: Callable[[int], Split | bool]
) -> Expression:
    """A tree given by arrays as nested CASEs; children come after their parents in the arrays.

    Args:
        left: the left child of each node; a leaf has none, -1.
        right: the right child.
        value: the expression of a leaf.
        split: the split at a node.
    """
    built: dict[int, Expression] = {}
    for node in reversed(range(len(left))):
        if left[node] == LEAF:
            built[node] = value(node)
            continue
        on_left, on_right = built.pop(left[node]), built.pop(right[node])
        decision = split(node)
        if isinstance(decision, bool):
            built[node] = on_left if decision else on_right
        else:
            built[node] = decision.between(on_left, on_right)
    return built[0]


def _question(tree: Any, node: int) -> tuple[int, float, bool]:
    """Which column a node compares, with what, and whether a missing value goes left."""
    missing_left = bool(tree.missing_go_to_left[node])
    return int(tree.feature[node]), float(tree.threshold[node]), missing_left


def _value_of(values: NDArray[np.float64], k: int) -> Value:
    return lambda leaf: sql.number(values[leaf, k])


def _accepts_missing(tree: Any) -> bool:
    # Which trees do has changed between versions of scikit-learn, so it is asked.
    return bool(tree._support_missing_values(np.zeros((1, 1))))


def _describe(name: str, estimators: Sequence[Any]) -> str:
    nodes = sum(e.tree_.node_count for e in estimators)
    count = f"{len(estimators)} trees, " if len(estimators) > 1 else ""
    return f"{name}, {count}{nodes:,} nodes"

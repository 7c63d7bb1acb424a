"""Are the trees of a loaded model whole?

scikit-learn follows the node numbers of a tree without looking: a file with wrong numbers makes
`predict` read foreign memory or run for ever. That is why skops does not trust trees. Here the
numbers are checked, so that an honest forest needs no `--trust`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pgpredict.errors import UnreadableModel


def check(estimator: object, name: str) -> None:
    """Refuse a model in which a tree points outside itself or outside its inputs.

    Args:
        estimator: what was loaded.
        name: of the file, for the message.

    Raises:
        UnreadableModel: a node number, a feature number or a shape is out of range.

    Example:
        >>> from sklearn.tree import DecisionTreeRegressor
        >>> check(DecisionTreeRegressor().fit([[0.0], [1.0]], [0.0, 1.0]), "tree.skops")
    """
    for part in _parts(estimator):
        if not (_tree_is_whole(part) and _forest_fits(part) and _histogram_is_whole(part)):
            raise UnreadableModel(
                f"cannot read {name}: a tree in its {type(part).__name__} is damaged",
                why="its node numbers point outside the tree or outside the inputs",
                do="save the model again",
            )


def _parts(root: object) -> Iterator[Any]:
    """Every object that the model holds, each once."""
    seen: set[int] = set()
    waiting: list[Any] = [root]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | type | None):
            continue
        seen.add(id(part))
        yield part
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
        elif isinstance(part, np.ndarray):
            waiting.extend(part.ravel().tolist() if part.dtype == object else [])
        else:
            waiting.extend(getattr(part, "__dict__", {}).values())


def _tree_is_whole(part: Any) -> bool:
    tree = getattr(part, "tree_", None)
    if tree is None or not hasattr(tree, "children_left"):
        return True
    if not 0 < tree.node_count <= tree.capacity or tree.n_features > part.n_features_in_:
        return False
    left, right = tree.children_left, tree.children_right
    return _nodes_are_whole(left, right, tree.feature, left == -1, tree.n_features)


def _forest_fits(part: Any) -> bool:
    """These hand rows to their trees unchecked, so the trees must not be wider than the rows."""
    from sklearn.ensemble import BaseEnsemble, IsolationForest
    from sklearn.ensemble._forest import BaseForest
    from sklearn.ensemble._gb import BaseGradientBoosting

    if not isinstance(part, BaseEnsemble) or not hasattr(part, "estimators_"):
        return True
    if isinstance(part, BaseGradientBoosting):
        shape = (len(part.estimators_), part.n_trees_per_iteration_)
        trees = part.estimators_.ravel().tolist()
        return bool(part.estimators_.shape == shape) and _all_as_wide(trees, part.n_features_in_)
    if isinstance(part, BaseForest):
        return _all_as_wide(part.estimators_, part.n_features_in_)
    if isinstance(part, IsolationForest):
        chosen = part.estimators_features_
        return len(chosen) == len(part.estimators_) and all(
            _all_as_wide([tree], len(features)) and len(features) <= part.n_features_in_
            for tree, features in zip(part.estimators_, chosen, strict=True)
        )
    return True


def _all_as_wide(trees: list[Any], width: int) -> bool:
    return all(tree.tree_.n_features == width for tree in trees)


def _histogram_is_whole(part: Any) -> bool:
    """The trees of HistGradientBoosting, rounds by classes."""
    rounds = getattr(part, "_predictors", None)
    if rounds is None:
        return True
    return all(_predictor_is_whole(p, part._n_features) for trees in rounds for p in trees)


def _predictor_is_whole(predictor: Any, n_features: int) -> bool:
    nodes = predictor.nodes
    leaf = nodes["is_leaf"] != 0
    by_category = ~leaf & (nodes["is_categorical"] != 0)
    if np.any(nodes["bitset_idx"][by_category] >= len(predictor.raw_left_cat_bitsets)):
        return False
    return _nodes_are_whole(
        nodes["left"].astype(np.int64),
        nodes["right"].astype(np.int64),
        nodes["feature_idx"],
        leaf,
        n_features,
    )


def _nodes_are_whole(left: Any, right: Any, feature: Any, leaf: Any, n_features: int) -> bool:
    # A child comes after its parent in every tree that scikit-learn grows: that rules out loops.
    inner = ~leaf
    here = np.arange(len(leaf))[inner]
    return bool(
        len(leaf)
        and np.all((left[inner] > here) & (left[inner] < len(leaf)))
        and np.all((right[inner] > here) & (right[inner] < len(leaf)))
        and np.all((feature[inner] >= 0) & (feature[inner] < n_features))
    )

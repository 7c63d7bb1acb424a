"""Families of estimators, in the words of scikit-learn's users."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

# The public modules of scikit-learn that a family comes from.
FAMILIES = {
    "pipelines and columns": ("pipeline", "compose"),
    "preprocessing": ("preprocessing", "impute"),
    "linear models": ("linear_model", "svm"),
    "trees and forests": ("tree", "ensemble"),
    "searches and one-vs-rest": ("model_selection", "multiclass"),
    "baselines": ("dummy",),
}


def by_family(names: Iterable[str]) -> dict[str, list[str]]:
    """Sort estimators into families.

    Args:
        names: package and class, as in ``sklearn.Ridge``.

    Returns:
        The names of each family, sorted; what no family of scikit-learn's holds stands under the
        name of its package.

    Example:
        >>> by_family(["sklearn.Ridge", "sklearn.LinearSVC", "other.Ridge"])
        {'linear models': ['sklearn.LinearSVC', 'sklearn.Ridge'], 'other': ['other.Ridge']}
    """
    families: dict[str, list[str]] = {family: [] for family in FAMILIES}
    for name in sorted(names):
        families.setdefault(_family(name), []).append(name)
    return {family: members for family, members in families.items() if members}


def _family(name: str) -> str:
    # The halving searches are hidden until this is imported.
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401

    package, _, estimator = name.partition(".")
    if package == "sklearn":
        for family, modules in FAMILIES.items():
            if any(hasattr(import_module(f"sklearn.{module}"), estimator) for module in modules):
                return family
    return package

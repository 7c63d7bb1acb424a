"""Rows to learn from."""

from __future__ import annotations

import numpy as np

from tests.transpiler.learning.bench import Floats

TWENTY_THOUSAND = (1, 7, 1000, 300, 2, 4096, 800, 3000, 5000, 5794)
FOUR_HUNDRED = (1, 2, 60, 200, 17, 120)


def rows(count: int, features: int = 5, seed: int = 0) -> tuple[Floats, Floats]:
    """Features of different sizes, one constant, and a target that depends on them."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(count, features)) * np.geomspace(0.1, 3.0, features)
    X[:, 1] = 1.0
    noise = random.normal(size=count)
    return X, X @ np.linspace(-1.0, 1.0, features) + noise


def names(X: Floats) -> list[str]:
    """A name for each feature."""
    return [f"x{j}" for j in range(X.shape[1])]


def in_classes(target: Floats, count: int) -> Floats:
    """The target cut into classes of about the same size."""
    edges = np.quantile(target, np.linspace(0.0, 1.0, count + 1)[1:-1])
    return np.searchsorted(edges, target).astype(np.float64)

"""The streaming algorithms of Spark's MLlib as estimators with scikit-learn's interface.

They do in Python what a learner of them does in the database. After Apache Spark,
mllib/clustering/StreamingKMeans.scala, mllib/regression/StreamingLinearRegressionWithSGD.scala and
mllib/optimization/GradientDescent.scala.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

Floats = NDArray[np.float64]


def discount_of(decay: float, count: int) -> float:
    """decay to the power of count, zero below 1e-300.

    >>> discount_of(0.5, 2), discount_of(0.5, 5000)
    (0.25, 0.0)
    """
    if decay == 0.0 or count * math.log(decay) < math.log(1e-300):
        return 0.0
    return float(decay**count)


class StreamingKMeans(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """K-means that forgets: what was learnt counts less with each batch, or with each row.

    A cluster that hardly any row has come to is given up for half of the largest one.

    Args:
        n_clusters: how many clusters.
        decay_factor: what is left of the weight of the past after a unit of time, from 0 (only the
            last batch counts) to 1 (all rows count alike).
        half_life: instead of `decay_factor`, after how many units half of the weight is left.
        time_unit: ``batches`` or ``points``: what is a unit of time.
        init: the centers to start with, shape (n_clusters, n_features), or ``random``: drawn from a
            normal distribution around zero.
        initial_weight: how many rows each of these counts for: one number, or one for each.
        random_state: seed of ``random``.

    Attributes:
        cluster_centers_: shape (n_clusters, n_features).
        cluster_weights_: how many rows each center counts for by now, shape (n_clusters,).

    Example:
        >>> model = StreamingKMeans(2, half_life=5, init=[[0.0], [10.0]])
        >>> model.partial_fit([[1.0], [9.0], [11.0]]).cluster_centers_.tolist()
        [[1.0], [10.0]]
        >>> model.predict([[2.0], [8.0]]).tolist()
        [0, 1]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "decay_factor": [Interval(Real, 0, 1, closed="both")],
        "half_life": [Interval(Real, 0, None, closed="neither"), None],
        "time_unit": [StrOptions({"batches", "points"})],
        "init": [StrOptions({"random"}), "array-like"],
        "initial_weight": [Interval(Real, 0, None, closed="left"), "array-like"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_clusters: int = 2,
        *,
        decay_factor: float = 1.0,
        half_life: float | None = None,
        time_unit: str = "batches",
        init: Any = "random",
        initial_weight: Any = 0.0,
        random_state: Any = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.decay_factor = decay_factor
        self.half_life = half_life
        self.time_unit = time_unit
        self.init = init
        self.initial_weight = initial_weight
        self.random_state = random_state

    @property
    def decay(self) -> float:
        """What is left of the weight of the past after a unit of time."""
        if self.half_life is None:
            return float(self.decay_factor)
        return math.exp(math.log(0.5) / self.half_life)

    def start(self, n_features: int) -> tuple[Floats, Floats]:
        """The centers and their weights before the first batch.

        Raises:
            ValueError: an option is out of its range, or has another shape.
        """
        self._validate_params()
        shape = (self.n_clusters, n_features)
        if isinstance(self.init, str):
            centers = check_random_state(self.random_state).normal(size=shape)
        else:
            centers = np.array(self.init, dtype=np.float64)
        if centers.shape != shape or not np.isfinite(centers).all():
            raise ValueError(f"init needs {shape[0]} centers of {shape[1]} finite numbers")
        weights = np.asarray(self.initial_weight, dtype=np.float64)
        if weights.shape not in ((), shape[:1]) or not (weights >= 0.0).all():
            raise ValueError(f"initial_weight needs one weight, or {shape[0]}, none negative")
        return centers, np.broadcast_to(weights, shape[:1]).copy()

    def fit(self, X: Any, y: Any = None) -> StreamingKMeans:
        """Learn one batch of rows from the beginning; `y` is ignored."""
        if hasattr(self, "cluster_centers_"):
            del self.cluster_centers_
        return self.partial_fit(X, y)

    def partial_fit(self, X: Any, y: Any = None) -> StreamingKMeans:  # noqa: ARG002
        """Learn a batch of rows, shape (n, n_features); `y` is ignored."""
        fresh = not hasattr(self, "cluster_centers_")
        X = validate_data(self, X, dtype=np.float64, order="C", reset=fresh)
        if fresh:
            self.cluster_centers_, self.cluster_weights_ = self.start(X.shape[1])
        nearest = self._nearest(X)
        self.cluster_weights_ *= discount_of(
            self.decay, len(X) if self.time_unit == "points" else 1
        )
        for k in np.unique(nearest):
            rows = X[nearest == k]
            self.cluster_weights_[k] += len(rows)
            share = len(rows) / max(self.cluster_weights_[k], 1e-16)
            moved = share / len(rows) * rows.sum(axis=0)
            self.cluster_centers_[k] = self.cluster_centers_[k] * (1.0 - share) + moved
        self._split_the_largest()
        return self

    def predict(self, X: Any) -> NDArray[np.intp]:
        """The number of the nearest center for each row."""
        check_is_fitted(self)
        return self._nearest(validate_data(self, X, dtype=np.float64, order="C", reset=False))

    def _nearest(self, X: Floats) -> NDArray[np.intp]:
        centers = self.cluster_centers_
        distances: Floats = (centers * centers).sum(axis=1) - 2.0 * (X @ centers.T)
        found: NDArray[np.intp] = np.argmin(distances, axis=1)
        return found

    def _split_the_largest(self) -> None:
        """Gives half of the largest cluster to one that is dying."""
        weights, centers = self.cluster_weights_, self.cluster_centers_
        largest, smallest = int(weights.argmax()), int(weights.argmin())
        if weights[smallest] < 1e-8 * weights[largest]:
            weights[[largest, smallest]] = (weights[largest] + weights[smallest]) / 2.0
            apart = 1e-14 * np.maximum(np.abs(centers[largest]), 1.0)
            centers[smallest] = centers[largest] - apart
            centers[largest] = centers[largest] + apart


class StreamingLinearRegressionWithSGD(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Least squares by gradient descent over each batch, from where the last batch has led.

    There is no intercept: give the rows a feature that is 1 if there should be one.

    Args:
        step_size: of the first iteration of a batch; that of the i-th is divided by sqrt(i).
        n_iterations: over each batch, at most.
        convergence_tol: iterations end where they move the weights by less than this share.
        initial_weights: to start with, shape (n_features,); None: zeros.

    Attributes:
        coef_: shape (n_features,).
        intercept_: 0.0.

    Example:
        >>> model = StreamingLinearRegressionWithSGD(step_size=0.5)
        >>> model.partial_fit([[1.0], [2.0]], [2.0, 4.0]).coef_.round(2).tolist()
        [2.0]
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "step_size": [Interval(Real, 0, None, closed="neither")],
        "n_iterations": [Interval(Integral, 1, None, closed="left")],
        "convergence_tol": [Interval(Real, 0, 1, closed="both")],
        "initial_weights": ["array-like", None],
    }

    def __init__(
        self,
        *,
        step_size: float = 0.1,
        n_iterations: int = 50,
        convergence_tol: float = 0.001,
        initial_weights: Any = None,
    ) -> None:
        self.step_size = step_size
        self.n_iterations = n_iterations
        self.convergence_tol = convergence_tol
        self.initial_weights = initial_weights

    def start(self, n_features: int) -> Floats:
        """The weights before the first batch.

        Raises:
            ValueError: an option is out of its range, or has another shape.
        """
        self._validate_params()
        if self.initial_weights is None:
            return np.zeros(n_features)
        weights = np.array(self.initial_weights, dtype=np.float64)
        if weights.shape != (n_features,) or not np.isfinite(weights).all():
            raise ValueError(f"initial_weights needs {n_features} finite numbers")
        return weights

    def fit(self, X: Any, y: Any) -> StreamingLinearRegressionWithSGD:
        """Learn one batch from the beginning."""
        if hasattr(self, "coef_"):
            del self.coef_
        return self.partial_fit(X, y)

    def partial_fit(self, X: Any, y: Any) -> StreamingLinearRegressionWithSGD:
        """Learn a batch: rows, shape (n, n_features), and the numbers to predict, shape (n,)."""
        fresh = not hasattr(self, "coef_")
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, reset=fresh)
        weights: Floats = self.start(X.shape[1]) if fresh else self.coef_
        for i in range(1, self.n_iterations + 1):
            gradient = X.T @ (X @ weights - y) / len(X)
            before, weights = weights, weights - self.step_size / math.sqrt(i) * gradient
            moved = float(np.linalg.norm(weights - before))
            size = float(np.linalg.norm(weights))
            if i > 1 and moved < self.convergence_tol * max(size, 1.0):
                break
        self.coef_: Floats = weights
        self.intercept_ = 0.0
        return self

    def predict(self, X: Any) -> Floats:
        """The weighted sum of the features of each row."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(X @ self.coef_)

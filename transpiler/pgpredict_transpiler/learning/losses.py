"""The losses of scikit-learn's SGD (linear_model/_sgd_fast.pyx.tp, _loss/_loss.pyx.tp).

Each is written twice, as PL/pgSQL and as Python; a test holds the two and scikit-learn together.
In PL/pgSQL `p` is the score, `y` the target and `z` free to use; `dloss` takes the gradient.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from pgpredict_transpiler.learning.text import number

FAR = number(745.1332191019411)  # exp of more than this below zero is zero, and Postgres raises
ONE, ZERO = number(1.0), number(0.0)


@dataclass(frozen=True)
class Loss:
    """A loss.

    Attributes:
        gradient: PL/pgSQL that sets `dloss` to the derivative with respect to `p`.
        derivative: the same in Python, of (y, p).
        value: an expression for the loss itself where a passive-aggressive step wants it.
        negative: the target of the negative class: -1, or 0 for the log loss.
        bounded: whether the gradient is never greater than 1e12, so that nothing is clipped.
        margin: whether it is a hinge.
    """

    gradient: str
    derivative: Callable[[float, float], float]
    value: str = ""
    negative: float = -1.0
    bounded: bool = True
    margin: bool = False


def hinge(threshold: float) -> Loss:
    """`hinge`, and with a threshold of zero `perceptron`."""
    limit = number(threshold)
    return Loss(
        f"dloss := CASE WHEN p * y <= {limit} THEN -y ELSE {ZERO} END;",
        lambda y, p: -y if p * y <= threshold else 0.0,
        value=f"CASE WHEN p * y <= {limit} THEN {limit} - p * y ELSE 0 END",
        margin=True,
    )


def squared_hinge() -> Loss:
    """`squared_hinge`."""
    return Loss(
        "z := 1 - p * y;\ndloss := CASE WHEN z > 0 THEN -2 * y * z ELSE 0 END;",
        lambda y, p: -2.0 * y * (1.0 - p * y) if 1.0 - p * y > 0.0 else 0.0,
        bounded=False,
    )


def modified_huber() -> Loss:
    """`modified_huber`."""

    def derivative(y: float, p: float) -> float:
        z = p * y
        if z >= 1.0:
            return 0.0
        return 2.0 * (1.0 - z) * -y if z >= -1.0 else -4.0 * y

    return Loss(
        "z := p * y;\n"
        "dloss := CASE WHEN z >= 1 THEN 0 WHEN z >= -1 THEN 2 * (1 - z) * -y ELSE -4 * y END;",
        derivative,
    )


def log_loss() -> Loss:
    """`log_loss`, whose targets are 0 and 1. Far from the border `exp` would underflow."""

    def derivative(y: float, p: float) -> float:
        if p > -37.0:
            power = math.exp(-p)
            return ((1.0 - y) - y * power) / (1.0 + power)
        return math.exp(p) - y

    return Loss(
        "IF p > -37 THEN\n"
        f"  z := CASE WHEN p > {FAR} THEN 0 ELSE exp(-p) END;\n"
        "  dloss := ((1 - y) - y * z) / (1 + z);\n"
        "ELSE\n"
        f"  dloss := CASE WHEN p < -{FAR} THEN 0 ELSE exp(p) END - y;\n"
        "END IF;",
        derivative,
        negative=0.0,
    )


def squared_error() -> Loss:
    """`squared_error`."""
    return Loss("dloss := p - y;", lambda y, p: p - y, bounded=False)


def huber(epsilon: float) -> Loss:
    """`huber`."""
    limit = number(epsilon)

    def derivative(y: float, p: float) -> float:
        z = p - y
        return z if abs(z) <= epsilon else math.copysign(epsilon, z)

    return Loss(
        "z := p - y;\n"
        f"dloss := CASE WHEN abs(z) <= {limit} THEN z WHEN z >= 0 THEN {limit} ELSE -{limit} END;",
        derivative,
        bounded=epsilon <= 1e12,
    )


def epsilon_insensitive(epsilon: float) -> Loss:
    """`epsilon_insensitive`."""
    limit = number(epsilon)

    def derivative(y: float, p: float) -> float:
        if y - p > epsilon:
            return -1.0
        return 1.0 if p - y > epsilon else 0.0

    return Loss(
        f"dloss := CASE WHEN y - p > {limit} THEN -{ONE}\n"
        f"  WHEN p - y > {limit} THEN {ONE} ELSE {ZERO} END;",
        derivative,
        value=f"greatest(abs(y - p) - {limit}, 0)",
    )


def squared_epsilon_insensitive(epsilon: float) -> Loss:
    """`squared_epsilon_insensitive`."""
    limit = number(epsilon)

    def derivative(y: float, p: float) -> float:
        z = y - p
        if z > epsilon:
            return -2.0 * (z - epsilon)
        return 2.0 * (-z - epsilon) if z < -epsilon else 0.0

    return Loss(
        "z := y - p;\n"
        f"dloss := CASE WHEN z > {limit} THEN -2 * (z - {limit})\n"
        f"  WHEN z < -{limit} THEN 2 * (-z - {limit}) ELSE 0 END;",
        derivative,
        bounded=False,
    )


def loss(name: str, epsilon: float) -> Loss:
    """The loss that goes by this name in SGDClassifier and SGDRegressor."""
    made: dict[str, Callable[[], Loss]] = {
        "hinge": lambda: hinge(1.0),
        "perceptron": lambda: hinge(0.0),
        "squared_hinge": squared_hinge,
        "modified_huber": modified_huber,
        "log_loss": log_loss,
        "squared_error": squared_error,
        "huber": lambda: huber(epsilon),
        "epsilon_insensitive": lambda: epsilon_insensitive(epsilon),
        "squared_epsilon_insensitive": lambda: squared_epsilon_insensitive(epsilon),
    }
    return made[name]()

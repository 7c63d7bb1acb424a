"""Refusals of learners, in one voice."""

from __future__ import annotations

from typing import Any, NoReturn

from pgpredict_transpiler.errors import UnsupportedEstimator


def refuse(estimator: Any, why: str, option: str = "") -> NoReturn:
    """Raise UnsupportedEstimator for an estimator that cannot learn in the database.

    Args:
        estimator: which.
        why: the reason.
        option: the option that is to blame, if one is.
    """
    name = type(estimator).__name__
    raise UnsupportedEstimator(f"{name}({option})" if option else name, "estimator", why)

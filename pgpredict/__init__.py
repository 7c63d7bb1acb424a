"""A fitted scikit-learn pipeline becomes SQL, stored in PostgreSQL as a versioned function.

Example:
    A database that is already there, a pipeline that is already fitted::

        import pgpredict

        db = pgpredict.connect("postgresql://me@host/shop")
        db.install()
        db.deploy("churn", pipeline, sample, source="public.customers")

    From then on a prediction is plain SQL: ``SELECT predict.churn(c) FROM customers c``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pgpredict.database import Database, connect

__all__ = ["Database", "__version__", "connect"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    # Loaded at first use: `pgpredict server stop` should not wait a second for scikit-learn.
    if name in {"Database", "connect"}:
        from pgpredict import database

        return getattr(database, name)
    raise AttributeError(f"module 'pgpredict' has no attribute {name!r}")

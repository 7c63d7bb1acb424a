"""The errors that pgpredict raises on purpose.

    PgpredictError
    ├── UnsupportedEstimator   an estimator, or an option of it, has no SQL form
    │   └── TooLarge           trees that no SQL expression can hold
    ├── NotFitted              an estimator was never fitted
    ├── InvalidSample          the sample does not fit the model, or has a type without an SQL type
    └── InvalidLearner         features or classes of a learner do not fit its estimator

`pgpredict.errors` adds those of the database half to the same tree.
"""

from __future__ import annotations


class PgpredictError(Exception):
    """The root of every error that pgpredict raises on purpose.

    Args:
        message: what went wrong and where, in one sentence without a full stop.
        why: the reason, where the message alone does not tell it.
        do: what the reader can do about it.
        details: further lines, shown indented below the message: rows, columns, dependent objects.

    Example:
        >>> print(PgpredictError("cannot read churn.pkl", why="pickle runs code", do="use --trust"))
        cannot read churn.pkl
          why: pickle runs code
          do: use --trust
    """

    def __init__(
        self, message: str, *, why: str = "", do: str = "", details: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.message = message
        self.why = why
        self.do = do
        self.details = details

    def __str__(self) -> str:
        lines = [self.message, *(f"  {line}" for line in self.details)]
        if self.why:
            lines.append(f"  why: {self.why}")
        if self.do:
            lines.append(f"  do: {self.do}")
        return "\n".join(lines)


class UnsupportedEstimator(PgpredictError):
    """An estimator, or an option of it, that pgpredict cannot turn into SQL.

    Args:
        name: class of the estimator, with the option if only that is not supported.
        path: where it stands, as one would write it in Python: ``pipeline['features']['text']``.
        why: the reason.
    """

    def __init__(self, name: str, path: str, why: str) -> None:
        super().__init__(
            f"{name} at {path} is not supported", why=why, do="see `pgpredict supported`"
        )
        self.name = name
        self.path = path


class TooLarge(UnsupportedEstimator):
    """Trees that are too large for an SQL expression; the form ``nodes`` may hold them."""


class NotFitted(PgpredictError):
    """An estimator that has not been fitted, so that there is nothing to deploy."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(f"{name} at {path} is not fitted", do="call fit() before you deploy it")
        self.name = name
        self.path = path


class InvalidSample(PgpredictError):
    """A sample that does not fit the model, or has a column whose type has no SQL type."""


class InvalidLearner(PgpredictError):
    """A learner whose features or classes do not fit its estimator."""

"""The errors that pgpredict raises on purpose.

    PgpredictError                what was wrong, where, why, what to do
    ├── UnsupportedEstimator      an estimator, or an option of it, has no SQL form
    │   └── TooLarge              trees that no SQL expression can hold
    ├── NotFitted                 an estimator was never fitted
    ├── InvalidSample             the sample does not fit the model, or a column has no SQL type
    ├── UnreadableModel           a model file that is not there, or not a model
    │   └── UntrustedModel        a model file that runs code, read without trust
    ├── UnreadableSample          a sample file or query that cannot be read
    ├── InvalidName               a name of a model, stream or learner that is not allowed
    ├── UnknownModel              no such model, or no such version of it
    ├── SignatureChanged          the live alias is in use and its inputs would change
    ├── InUse                     something depends on what is to be removed
    ├── NothingBefore             no earlier version to roll back to
    ├── InvalidSource             the source table is not there, or its columns do not fit
    ├── InvalidTarget             the table for scores is there, and cannot hold these
    ├── NoBaseline                a version of a time when no baselines were kept
    ├── UnknownStream             no such stream
    ├── InvalidStream             a stream that exists already, or that cannot be as asked for
    ├── UnknownLearner            no such learner
    ├── InvalidLearner            a learner that exists already, or that cannot be as asked for
    ├── GoldenRowMismatch         the database answers otherwise than Python
    └── DatabaseError             the database cannot be used
        ├── NoServer              nobody answers
        ├── NoSchema              pgpredict is not installed in this database
        ├── NewerSchema           a newer pgpredict installed the schema
        └── NoRights              this role may not do that

All take what `PgpredictError` takes: a message and, by keyword, ``why``, ``do`` and ``details``.
"""

from __future__ import annotations

from pgpredict_transpiler.errors import (
    InvalidLearner,
    InvalidSample,
    NotFitted,
    PgpredictError,
    TooLarge,
    UnsupportedEstimator,
)

__all__ = [
    "DatabaseError",
    "GoldenRowMismatch",
    "InUse",
    "InvalidLearner",
    "InvalidName",
    "InvalidSample",
    "InvalidSource",
    "InvalidStream",
    "InvalidTarget",
    "NewerSchema",
    "NoBaseline",
    "NoRights",
    "NoSchema",
    "NoServer",
    "NotFitted",
    "NothingBefore",
    "PgpredictError",
    "SignatureChanged",
    "TooLarge",
    "UnknownLearner",
    "UnknownModel",
    "UnknownStream",
    "UnreadableModel",
    "UnreadableSample",
    "UnsupportedEstimator",
    "UntrustedModel",
]


class UnreadableModel(PgpredictError):
    """A model file that does not exist, is empty, truncated, or holds no estimator."""


class UntrustedModel(UnreadableModel):
    """A model file whose reading runs code that nobody said to trust."""


class UnreadableSample(PgpredictError):
    """A sample file or query that gives no rows that can be read."""


class InvalidName(PgpredictError):
    """A name of a model, stream or learner that does not match ``^[a-z][a-z0-9_]{0,40}$``."""


class UnknownModel(PgpredictError):
    """A model, or a version of a model, that the database does not hold."""


class SignatureChanged(PgpredictError):
    """A version whose inputs differ from the live one's, while something uses the live alias."""


class InUse(PgpredictError):
    """Something depends on what is to be removed: a view, an index, the live alias."""


class NothingBefore(PgpredictError):
    """A rollback of a model that had no other live version before, or one that is retired."""


class InvalidSource(PgpredictError):
    """A source that does not exist, or whose columns are not what the model takes."""


class InvalidTarget(PgpredictError):
    """A table for scores that has other columns, is the source itself, or is no plain table."""


class NoBaseline(PgpredictError):
    """A version that was deployed before there were baselines, so that drift has no measure."""


class UnknownStream(PgpredictError):
    """A stream that the database does not hold."""


class InvalidStream(PgpredictError):
    """A stream that exists already, or an option of one that has no meaning."""


class UnknownLearner(PgpredictError):
    """A learner that the database does not hold."""


class GoldenRowMismatch(PgpredictError):
    """Rows on which the function in the database answers otherwise than the model in Python."""


class DatabaseError(PgpredictError):
    """The database cannot be used: the root of the four errors below."""


class NoServer(DatabaseError):
    """Nobody answers at the address, or the embedded server does not start."""


class NoSchema(DatabaseError):
    """The database holds no pgpredict schema."""


class NewerSchema(DatabaseError):
    """The schema was installed by a newer pgpredict than this one."""


class NoRights(DatabaseError):
    """The role lacks a right that the operation needs."""

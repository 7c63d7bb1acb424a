"""The client of the database half: connect, install, deploy, operate.

    target      what `connect` accepts, and a connection to it
    session     a connection on which each piece of work is a transaction
    client      Database: what people call
    schema      install and migrate
    prepared    a new version, before the database is touched
    golden      rows of the sample and what Python says of them, as text
    contract    what the sample held, per input
    baseline    its distribution in bins, for later rows to be held against
    answers     the same of what Python says of it
    monitoring  whether later rows have drifted from that
    streams     predictions that are kept up to date while a table changes: records and
                statements are in stream_records, stream_statements
    learners    models that learn from the rows of a table: records and statements are in
                learner_records, learner_statements, what is done with their states in
                learner_history, with the rules of their gates in learner_rules
    modelbytes  the model file that is stored
    deploying   a new version into the database, in one transaction
    mismatch    golden rows that differ, side by side
    names       which model names are allowed
    records     what Database gives back
    queries     the named statements of sql/queries/
    refusals    the database's errors as errors of ours

Example:
    >>> import pgpredict
    >>> with pgpredict.connect(dsn) as db:  # doctest: +SKIP
    ...     db.install()
    ...     db.deploy("churn", pipeline, sample, source="public.customers")
    ...     db.promote("churn", 2)
"""

from __future__ import annotations

from pgpredict.database.client import Database, connect
from pgpredict.database.learner_records import Learner, LearnerState, Quarantined
from pgpredict.database.learner_rules import Rule
from pgpredict.database.monitoring import Drift
from pgpredict.database.records import Deployment, Event, GoldenRow, Model, Verification, Version
from pgpredict.database.stream_records import DeadLetter, Stream

__all__ = [
    "Database",
    "DeadLetter",
    "Deployment",
    "Drift",
    "Event",
    "GoldenRow",
    "Learner",
    "LearnerState",
    "Model",
    "Quarantined",
    "Rule",
    "Stream",
    "Verification",
    "Version",
    "connect",
]

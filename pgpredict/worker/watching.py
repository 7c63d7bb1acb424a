"""The drift of learners: a worker feeds what they learnt to their detectors."""

from __future__ import annotations

import time
from typing import Any

import psycopg
from psycopg.rows import dict_row

from pgpredict.database.learner_drift import feed
from pgpredict.errors import PgpredictError
from pgpredict.worker.faults import in_words, is_lost
from pgpredict.worker.schedule import Stream
from pgpredict.worker.shift import Shift

# Seconds until it is tried again where it failed: somebody has to install river first.
TRY_AGAIN = 60.0


def watch(connection: psycopg.Connection[Any], shift: Shift, learner: Stream) -> None:
    """Feed the errors of a learner that wait. Where that fails the learner learns on.

    Args:
        connection: in autocommit.
        shift: is told of drift, and of what fails.
        learner: its name and its marks.

    Raises:
        psycopg.Error: the connection is lost.
    """
    try:
        with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
            action = feed(cursor, learner.name)
    except (PgpredictError, psycopg.Error) as error:
        if isinstance(error, psycopg.Error) and is_lost(error, connection):
            raise
        said = "; ".join(filter(None, (in_words(error), getattr(error, "do", ""))))
        if said != learner.unwatched:
            shift.tell("unwatched", learner=learner.name, error=said)
        learner.unwatched, learner.watch_from = said, time.monotonic() + TRY_AGAIN
        return
    learner.to_watch, learner.unwatched = False, ""
    if action is not None:
        shift.tell("drifted", learner=learner.name, action=action)

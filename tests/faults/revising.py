"""A learner that revises: clients change and delete rows that it has learnt.

At the end its sums are, bit for bit, those of a learner that is created anew over the table.
"""

from __future__ import annotations

import random
from typing import Any

import psycopg
from sklearn.linear_model import Ridge

import pgpredict
from tests.faults.judge import Finding

NAME, ANEW = "readings", "readings_anew"
TABLE = """
    CREATE TABLE reading (id bigint PRIMARY KEY, x1 float8, x2 float8, number float8, note text)
"""
# Each client has so many ids of its own, so that rows are changed and deleted again and again.
RANGE = 400
# %(first)s to %(last)s are ids, %(z)s is a number.
CHANGES = (
    """
    INSERT INTO reading (id, x1, x2, number)
    SELECT n, n * 0.1 - %(z)s, n %% 7 * 1e-3, nullif(n %% 5, 0) * 0.7 + %(z)s
    FROM generate_series(%(first)s::bigint, %(last)s) AS n
    ON CONFLICT (id) DO UPDATE SET x1 = excluded.x1, number = excluded.number
    """,
    "UPDATE reading SET x1 = x1 * 0.9 + %(z)s WHERE id BETWEEN %(first)s AND %(last)s",
    "UPDATE reading SET number = %(z)s WHERE id BETWEEN %(first)s AND %(last)s AND id %% 3 = 0",
    "UPDATE reading SET number = NULL WHERE id BETWEEN %(first)s AND %(last)s AND id %% 9 = 0",
    "UPDATE reading SET note = 'seen' WHERE id BETWEEN %(first)s AND %(last)s",
    "DELETE FROM reading WHERE id BETWEEN %(first)s AND %(last)s AND id %% 2 = 0",
)
LEARNT = "each labelled row was learnt as it is"
OTHER = "nothing else was learnt"
WAITS = "nothing waits, nothing is in quarantine"
SAME_SUMS = "the sums are those of a learner created anew, bit for bit"
SAME_PARAMETERS = "so are the parameters"
SUMS = "SELECT rows, sums::text FROM pgpredict.learner_sums WHERE learner = %s"
KNOWN = """
    SELECT id FROM pgpredict.readings_rows AS r (id, features, label, counted)
    WHERE counted AND EXISTS (
        SELECT FROM reading AS s
        WHERE s.id = r.id AND ARRAY[s.x1, s.x2] = r.features AND s.number = r.label)
"""


def create(db: pgpredict.Database, name: str = NAME) -> None:
    """Create the learner of the table, or another one like it."""
    db.create_learner(
        *(name, Ridge(0.5)),
        source="reading",
        features=["x1", "x2"],
        target="number",
        updates="revise",
    )


def change(cursor: psycopg.Cursor, client: int, choice: random.Random) -> None:
    """Do something to some of a client's rows: half of the time insert."""
    first = client * RANGE + choice.randrange(RANGE)
    last = min(first + choice.choice([1, 10, 60]), client * RANGE + RANGE) - 1
    what = CHANGES[0] if choice.random() < 0.5 else choice.choice(CHANGES[1:])
    cursor.execute(what.encode(), {"first": first, "last": last, "z": choice.uniform(-3.0, 3.0)})


def judge(connection: psycopg.Connection[Any]) -> list[Finding]:
    """Look at what the learner knows of the rows that are there; nobody works any more."""
    db = pgpredict.connect(connection)
    labelled = _ids(connection, "SELECT id FROM reading WHERE number IS NOT NULL")
    known = _ids(connection, KNOWN)
    all_known = _ids(connection, "SELECT key1 FROM pgpredict.readings_rows")
    create(db, ANEW)
    try:
        while db.learn(ANEW):
            pass
        found = {name: connection.execute(SUMS, [name]).fetchone() for name in (NAME, ANEW)}
        numbers = {
            name: connection.execute(f"SELECT predict.{name}_parameters()".encode()).fetchone()
            for name in (NAME, ANEW)
        }
    finally:
        db.drop_learner(ANEW)
    learner = db.learner(NAME)
    left = {f"{learner.depth} wait"} if learner.depth else {q.reason for q in db.quarantine(NAME)}
    return [
        Finding(NAME, question, len(seen), len(wrong), str(next(iter(wrong), "")))
        for question, seen, wrong in (
            (LEARNT, labelled, labelled - known),
            (OTHER, all_known, all_known - labelled),
            (WAITS, {1}, left),
            (
                SAME_SUMS,
                labelled,
                {} if found[NAME] == found[ANEW] else {f"{found[NAME]}, not {found[ANEW]}"},
            ),
            (
                SAME_PARAMETERS,
                {1},
                {} if numbers[NAME] == numbers[ANEW] else {f"{numbers[NAME]}"},
            ),
        )
    ]


def taken_back(connection: psycopg.Connection[Any]) -> int:
    """How many rows the learner took out of its sums, since they had changed or gone."""
    query = "SELECT sum(taken_back)::bigint FROM pgpredict.learner_states WHERE learner = %s"
    (rows,) = connection.execute(query, [NAME]).fetchone() or (0,)
    return int(rows)


def _ids(connection: psycopg.Connection[Any], query: str) -> set[int]:
    return {key for (key,) in connection.execute(query.encode()).fetchall()}

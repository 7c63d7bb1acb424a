"""Looks whether every committed row has its one prediction, and nothing else is there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal

from tests.faults.changes import HOT, hot_code
from tests.faults.memory import Memory
from tests.faults.place import STREAMS, Stream

EXPECTED = """
    CREATE TEMP TABLE expected (
        id bigint, region text, code text, change bigint, untouched boolean);
    CREATE TEMP TABLE times_id (id bigint, times integer);
    CREATE TEMP TABLE times_code ("Région" text, code text, times integer)
"""
UNTOUCHED = {
    "times_id": """(
        SELECT t.* FROM expected AS e JOIN times_id AS t USING (id)
        WHERE e.untouched AND t.times = 1)""",
    "times_code": """(
        SELECT t.* FROM expected AS e
        JOIN times_code AS t ON t."Région" = e.region AND t.code = e.code
        WHERE e.untouched AND t.times = 1)""",
}


@dataclass(frozen=True)
class Finding:
    """What was looked at, and what is wrong with it.

    Attributes:
        what: the name of a stream, or `table`.
        question: what should be so.
        seen: how many there were to look at.
        wrong: for how many it is not so.
        example: one of those.
    """

    what: str
    question: str
    seen: int
    wrong: int
    example: str


@dataclass(frozen=True)
class Question:
    """What should be so, and the statements that count all and show those that are wrong."""

    scope: str
    words: str
    seen: str
    wrong: str


def questions() -> list[Question]:
    """The questions of `questions.sql`."""
    text = (Path(__file__).parent / "questions.sql").read_text(encoding="utf-8")
    found = re.findall(r"^-- (\w+): (.+)\n((?:(?!-- ).*\n)+)", text, re.MULTILINE)
    return [
        Question(scope, words, *(one.strip() for one in statements.split(";")[:2]))
        for scope, words, statements in found
    ]


def judge(connection: psycopg.Connection, memories: Sequence[Memory]) -> list[Finding]:
    """Ask everything.

    Args:
        connection: to the database, in which nobody works any more.
        memories: what each client knows of its rows.

    Returns:
        A finding for each question, good or bad.
    """
    _tell(connection, memories)
    asked = questions()
    findings = [_ask(connection, one, "table", {}) for one in asked if one.scope == "table"]
    for stream in STREAMS:
        findings += [
            _ask(connection, one, stream.name, _names(stream))
            for one in asked
            if one.scope in {"stream", stream.mode}
        ]
    return findings


def _ask(
    connection: psycopg.Connection, question: Question, what: str, names: dict[str, Composable]
) -> Finding:
    (seen,) = connection.execute(SQL(question.seen).format(**names)).fetchone() or (0,)
    found = connection.execute(SQL(question.wrong).format(**names))
    columns = [column.name for column in found.description or ()]
    rows = found.fetchall()
    example = str(dict(zip(columns, rows[0], strict=True))) if rows else ""
    return Finding(what, question.words, seen, len(rows), example)


def _names(stream: Stream) -> dict[str, Composable]:
    times = "times_id" if stream.key == ("id",) else "times_code"
    return {
        "keys": SQL(", ").join(map(Identifier, stream.key)),
        "name": Literal(stream.name),
        "live": Identifier("predict", f"{stream.name}_live"),
        "log": Identifier("predict", f"{stream.name}_log"),
        "queue": Identifier("pgpredict", f"{stream.name}_queue"),
        "times": Identifier(times),
        "untouched": SQL(UNTOUCHED[times]),
    }


def _tell(connection: psycopg.Connection, memories: Sequence[Memory]) -> None:
    """Tell the database what the clients know, and of the rows that they share."""
    connection.execute(EXPECTED)
    known = [row for memory in memories for row in memory.rows.values()]
    _copy(connection, "expected", ((r.id, *r.code, r.change, r.untouched) for r in known))
    _copy(connection, "expected", ((key, *hot_code(key), 0, False) for key in HOT))
    by_id, by_code = Counter(HOT), Counter(map(hot_code, HOT))
    for memory in memories:
        by_id.update(memory.by_id)
        by_code.update(memory.by_code)
    _copy(connection, "times_id", by_id.items())
    _copy(connection, "times_code", ((*code, times) for code, times in by_code.items()))
    connection.execute("ANALYZE expected; ANALYZE times_id; ANALYZE times_code")


def _copy(connection: psycopg.Connection, table: str, rows: Iterable[Sequence[object]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(SQL("COPY {} FROM STDIN").format(Identifier(table))) as copy,
    ):
        for row in rows:
            copy.write_row(row)

"""What a client does to the table `item`: one function, one kind of change.

Each takes the cursor, the client's memory, its choices and the number of its transaction, and does
to the memory what it does to the table.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import psycopg

from tests.faults.memory import Code, Memory, Row

COLUMNS = 'id, "Région", code, x1, x2, kind, change'
# Rows that belong to nobody, and that everybody writes. Last in the order of either key: a worker
# that has one of them locked has all that he wants.
HOT = range(90_000_001, 90_000_011)

Change = Callable[[psycopg.Cursor, Memory, random.Random, int], None]
Values = tuple[float, float | None, str | None]


class Unexpected(Exception):
    """A statement found other rows than the client knows of."""


def inputs(choice: random.Random) -> Values:
    """Values for the columns x1, x2 and kind, never the same twice; some are missing."""
    x2 = choice.gauss(0, 1) if choice.random() < 0.9 else None
    return choice.gauss(0, 1), x2, choice.choice(["a", "b", "c", "never seen", None])


def insert_one(cursor: psycopg.Cursor, memory: Memory, choice: random.Random, number: int) -> None:
    (row,) = _new_rows(memory, choice, number, 1)
    cursor.execute(
        f"INSERT INTO item ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s)",
        [row.id, *row.code, *inputs(choice), number],
    )
    _inserted(memory, [row])


def insert_batch(
    cursor: psycopg.Cursor, memory: Memory, choice: random.Random, number: int
) -> None:
    rows = _new_rows(memory, choice, number, choice.randint(2, 250))
    values = [[row.id, *row.code, *inputs(choice)] for row in rows]
    cursor.execute(
        f"INSERT INTO item ({COLUMNS}) SELECT u.*, %s FROM unnest(%s::bigint[], %s::text[],"
        " %s::text[], %s::float8[], %s::float8[], %s::text[]) AS u",
        [number, *map(list, zip(*values, strict=True))],
    )
    _inserted(memory, rows)


def copy_batch(cursor: psycopg.Cursor, memory: Memory, choice: random.Random, number: int) -> None:
    rows = _new_rows(memory, choice, number, choice.randint(2, 250))
    with cursor.copy(f"COPY item ({COLUMNS}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row([row.id, *row.code, *inputs(choice), number])
    _inserted(memory, rows)


def insert_or_update(
    cursor: psycopg.Cursor, memory: Memory, choice: random.Random, number: int
) -> None:
    """One statement that fires the triggers of INSERT and of UPDATE."""
    old = memory.some(choice.randint(1, 10), choice)
    new = _new_rows(memory, choice, number, choice.randint(1, 10))
    for row in [*old, *new]:
        cursor.execute(
            f"INSERT INTO item ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (id)"
            " DO UPDATE SET x1 = excluded.x1, x2 = excluded.x2, change = excluded.change",
            [row.id, *row.code, *inputs(choice), number],
        )
    _changed(memory, old, number)
    _inserted(memory, new)


def update_inputs(
    cursor: psycopg.Cursor, memory: Memory, choice: random.Random, number: int
) -> None:
    rows = memory.some(choice.choice([1, 1, 1, 5, 60]), choice)
    values = [[row.id, *inputs(choice)] for row in rows]
    cursor.execute(
        "UPDATE item AS i SET x1 = u.x1, x2 = u.x2, kind = u.kind, change = %s FROM unnest("
        "%s::bigint[], %s::float8[], %s::float8[], %s::text[]) AS u (id, x1, x2, kind)"
        " WHERE i.id = u.id",
        [number, *(map(list, zip(*values, strict=True)) if rows else [[]] * 4)],
    )
    _expect(cursor, rows, "UPDATE")
    _changed(memory, rows, number)


def update_note(cursor: psycopg.Cursor, memory: Memory, choice: random.Random, number: int) -> None:
    """A change that no prediction depends on."""
    rows = memory.some(choice.randint(1, 20), choice)
    cursor.execute(
        "UPDATE item SET note = 'seen', change = %s WHERE id = ANY (%s)",
        [number, [row.id for row in rows]],
    )
    _expect(cursor, rows, "UPDATE of no input")
    for row in rows:
        memory.put(replace(row, change=number, untouched=False))
    memory.did("updates of no input", len(rows))


def update_hot(cursor: psycopg.Cursor, memory: Memory, choice: random.Random, number: int) -> None:
    """A row that the other clients write too."""
    key = choice.choice(HOT)
    cursor.execute("UPDATE item SET x1 = %s WHERE id = %s", [choice.gauss(0, 1), key])
    memory.predicted(key, hot_code(key))
    memory.did("updates of a row that all write")


def hot_code(key: int) -> Code:
    """The code of a row that everybody writes."""
    return Code("ärger", str(key))


def move_ids(cursor: psycopg.Cursor, memory: Memory, choice: random.Random, number: int) -> None:
    rows = memory.some(choice.randint(1, 5), choice)
    moved = [replace(row, id=memory.fresh_id(choice)) for row in rows]
    cursor.execute(
        "UPDATE item AS i SET id = u.moved, change = %s"
        " FROM unnest(%s::bigint[], %s::bigint[]) AS u (id, moved) WHERE i.id = u.id",
        [number, [row.id for row in rows], [row.id for row in moved]],
    )
    _expect(cursor, rows, "UPDATE of the id")
    for row, then in zip(rows, moved, strict=True):
        memory.remove(row)
        memory.put(replace(then, change=number, untouched=False))
        memory.predicted(then.id)
    memory.did("moves to another id", len(rows))


def move_codes(cursor: psycopg.Cursor, memory: Memory, choice: random.Random, number: int) -> None:
    """The other key changes, and an input with it: one prediction under each key."""
    rows = memory.some(choice.randint(1, 5), choice)
    moved = [replace(row, code=memory.fresh_code(choice)) for row in rows]
    cursor.execute(
        'UPDATE item AS i SET "Région" = u.region, code = u.code, x1 = i.x1 + 1, change = %s'
        " FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS u (id, region, code)"
        " WHERE i.id = u.id",
        [number, *([getattr(o, name) for o in many] for many, name in _code_columns(rows, moved))],
    )
    _expect(cursor, rows, "UPDATE of the code")
    for row in moved:
        memory.put(replace(row, change=number, untouched=False))
        memory.predicted(row.id, row.code)
    memory.did("moves to another code", len(rows))


def _code_columns(
    rows: Sequence[Row], moved: Sequence[Row]
) -> list[tuple[Sequence[Row | Code], str]]:
    codes = [row.code for row in moved]
    return [(rows, "id"), (codes, "region"), (codes, "code")]


def delete(cursor: psycopg.Cursor, memory: Memory, choice: random.Random, number: int) -> None:
    rows = memory.some(choice.choice([1, 1, 2, 15]), choice)
    cursor.execute("DELETE FROM item WHERE id = ANY (%s)", [[row.id for row in rows]])
    _expect(cursor, rows, "DELETE")
    for row in rows:
        memory.remove(row)
    memory.did("deletes", len(rows))


def delete_and_insert(
    cursor: psycopg.Cursor, memory: Memory, choice: random.Random, number: int
) -> None:
    """A row goes, and another comes under its keys, in one transaction."""
    for row in memory.some(choice.randint(1, 3), choice):
        cursor.execute("DELETE FROM item WHERE id = %s", [row.id])
        cursor.execute(
            f"INSERT INTO item ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [row.id, *row.code, *inputs(choice), number],
        )
        memory.put(replace(row, change=number, untouched=False))
        memory.predicted(row.id, row.code)
        memory.did("deletes and inserts under the same key")


INSERTS: dict[Change, int] = {insert_one: 8, insert_batch: 3, copy_batch: 1}
CHANGES: dict[Change, int] = {
    insert_or_update: 1,
    update_inputs: 8,
    update_note: 2,
    update_hot: 1,
    move_ids: 2,
    move_codes: 2,
    delete: 3,
    delete_and_insert: 2,
}


def _new_rows(memory: Memory, choice: random.Random, number: int, count: int) -> list[Row]:
    return [
        Row(memory.fresh_id(choice), memory.fresh_code(choice), number, untouched=True)
        for _ in range(count)
    ]


def _inserted(memory: Memory, rows: Sequence[Row]) -> None:
    for row in rows:
        memory.put(row)
        memory.predicted(row.id, row.code)
    memory.did("inserts", len(rows))


def _changed(memory: Memory, rows: Sequence[Row], number: int) -> None:
    for row in rows:
        memory.put(replace(row, change=number, untouched=False))
        memory.predicted(row.id, row.code)
    memory.did("updates of inputs", len(rows))


def _expect(cursor: psycopg.Cursor, rows: Sequence[Row], what: str) -> None:
    if cursor.rowcount != len(rows):
        raise Unexpected(f"{what} of {len(rows)} rows found {cursor.rowcount}")

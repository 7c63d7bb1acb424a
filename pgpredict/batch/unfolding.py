"""The text of a version's functions as expressions of a query.

A function of the form ``block`` is PL/pgSQL that the transpiler wrote: shared values, then a
result. Over a whole table the same expressions run faster in the query itself, where label and
probability can share what they have in common. What is written here never decides an answer: rows
out of the ordinary, and functions whose text looks any other way, are left to the functions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pgpredict.batch.levels import Input, Unfolded, leveled
from pgpredict.batch.names import NAME, plain
from pgpredict.batch.steps import Steps

# Beyond this Postgres plans for longer than it could save.
MOST_TEXT = 500_000

DECLARED = re.compile(rf"  ({NAME}) (\w+(?:\[\])?);")
LET = re.compile(rf"  ({NAME}) := (.*);")
RETURN = re.compile(r"  RETURN (.*);")
UNLESS = re.compile(r"  IF (\(.*\)) IS NOT TRUE THEN")
IF = re.compile(r"  IF (.*) THEN")
NULL, END = "    RETURN NULL;", "  END IF;"


def unfold(
    texts: Sequence[str], inputs: Sequence[Input], calls: Sequence[str], *, is_classifier: bool
) -> Unfolded | None:
    """Turn functions of the same arguments into expressions of a query.

    Args:
        texts: what PL/pgSQL keeps of each of them; the first gives the label or value.
        inputs: their arguments.
        calls: how each of them is called in the query.
        is_classifier: whether the first gives a label, which must not depend on rounding.

    Returns:
        The levels; None: they are too large, or not what the transpiler writes.
    """
    if sum(map(len, texts)) > MOST_TEXT:
        return None
    read = [_steps(text) for text in texts]
    functions = [steps for steps in read if steps is not None]
    lets = _shared(functions)
    if len(functions) < len(read) or lets is None:
        return None
    return leveled(functions, lets, inputs, calls, is_classifier=is_classifier)


def _shared(functions: Sequence[Steps]) -> dict[str, tuple[str, str]] | None:
    """The values of all functions; None: two of them mean different things by one name."""
    together: dict[str, tuple[str, str]] = {}
    for steps in functions:
        for name, value in steps.lets.items():
            if together.setdefault(name, value) != value:
                return None
    return together if len({steps.ordinary for steps in functions}) == 1 else None


def _steps(text: str) -> Steps | None:
    """Read a function; None: it is not what the transpiler writes."""
    lines = text.strip("\n").split("\n")
    if lines[-1] != "END;" or "BEGIN" not in lines[:-2]:
        return None
    begin = lines.index("BEGIN")
    types = {}
    for line in lines[:begin]:
        declared = DECLARED.fullmatch(line)
        if declared:
            types[plain(declared[1])] = declared[2]
        elif line != "DECLARE":
            return None
    body, ordinary = lines[begin + 1 : -1], None
    unless, only_if = UNLESS.fullmatch(body[0]), IF.fullmatch(body[0])
    if unless and body[1] != NULL:
        ordinary = unless[1]
        body = _behind(body)
    elif only_if and not unless:
        ordinary = only_if[1]
        body = _until_return(body[1:])
    return _straight(body, ordinary, types)


def _behind(body: list[str]) -> list[str]:
    """What stands after the block that the first line opens: its last END IF is not of a RETURN."""
    for number, line in enumerate(body):
        if line == END and body[number - 1] != NULL:
            return body[number + 1 :]
        if line == END and body[number + 1 : number + 2] == [END]:
            return body[number + 2 :]
    return []


def _until_return(body: list[str]) -> list[str]:
    for number, line in enumerate(body):
        if RETURN.fullmatch(line):
            return body[: number + 1]
    return []


def _straight(body: list[str], ordinary: str | None, types: dict[str, str]) -> Steps | None:
    """Values, then what they have to be, then the result, and nothing else."""
    lets: dict[str, tuple[str, str]] = {}
    while body and (let := LET.fullmatch(body[0])):
        name = plain(let[1])
        if name not in types:
            return None
        lets[name] = (types[name], let[2])
        body = body[1:]
    condition = None
    if body and (unless := UNLESS.fullmatch(body[0])):
        if body[1:3] != [NULL, END]:
            return None
        condition, body = unless[1], body[3:]
    if len(body) != 1 or not (result := RETURN.fullmatch(body[0])):
        return None
    return Steps(ordinary, lets, condition, result[1])

"""The text of a version's functions as expressions of a query.

A function of the form ``block`` is PL/pgSQL that the transpiler wrote: shared values, then a
result. Over a whole table the same expressions run faster in the query itself, where label and
probability can share what they have in common. What is written here never decides an answer: rows
out of the ordinary, and functions whose text looks any other way, are left to the functions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# Beyond this Postgres plans for longer than it could save.
MOST_TEXT = 500_000
# A value that is used twice is written out twice where it is that short.
SHORT = 60

NAME = r'"(?:[^"]|"")*"'
# What stands in a literal, and the collation "C", are no names.
TOKEN = re.compile(rf"""('(?:[^']|'')*'|COLLATE "C")|({NAME})""")
DECLARED = re.compile(rf"  ({NAME}) (\w+(?:\[\])?);")
LET = re.compile(rf"  ({NAME}) := (.*);")
RETURN = re.compile(r"  RETURN (.*);")
UNLESS = re.compile(r"  IF (\(.*\)) IS NOT TRUE THEN")
IF = re.compile(r"  IF (.*) THEN")
NULL, END = "    RETURN NULL;", "  END IF;"


@dataclass(frozen=True)
class Steps:
    """What a function does with an ordinary row.

    Attributes:
        ordinary: what makes a row ordinary; None: every row is.
        lets: shared values by name: type and expression, each using only those before it.
        condition: where it is not true the answer is NULL; None: there is none.
        result: the expression of the answer.
    """

    ordinary: str | None
    lets: dict[str, tuple[str, str]]
    condition: str | None
    result: str


@dataclass(frozen=True)
class Unfolded:
    """Functions as levels of a query, each computed from the columns of the one before.

    Attributes:
        levels: the new columns of each level: name and expression.
        results: the expressions of the answers, over the columns of the last level.
        ordinary: name of the column that says whether the row is one for these expressions;
            None: every row is.
    """

    levels: tuple[tuple[tuple[str, str], ...], ...]
    results: tuple[str, ...]
    ordinary: str | None


def unfold(
    texts: Sequence[str], inputs: Sequence[str], column: Callable[[int], str]
) -> Unfolded | None:
    """Turn functions of the same arguments into expressions of a query.

    Args:
        texts: what PL/pgSQL keeps of each of them.
        inputs: their arguments, quoted where need be.
        column: the name of the column that holds the argument of a number, ready for SQL.

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
    ordinary = functions[0].ordinary
    names = {_plain(name): column(number) for number, name in enumerate(inputs)}
    return _levels(functions, lets, ordinary, names)


def _levels(
    functions: Sequence[Steps],
    lets: dict[str, tuple[str, str]],
    ordinary: str | None,
    names: dict[str, str],
) -> Unfolded:
    uses = Counter[str]()
    for text in [e for _, e in lets.values()] + [
        text for steps in functions for text in (steps.condition, steps.result) if text
    ]:
        uses.update(_names(text))
    levels: list[list[tuple[str, str]]] = []
    guard = None
    if ordinary is not None:
        guard = '"ordinary"'
        levels.append([(guard, _written(ordinary, names))])
    base = len(levels) - 1
    known, depths = dict(names), dict.fromkeys(names, base)
    for name, (kind, expression) in lets.items():
        text = f"({_written(expression, known)})::{kind}"
        depth = max((depths[used] for used in _names(expression)), default=base)
        if uses[name] > 1 and len(text) > SHORT:
            depth += 1
            if depth == len(levels):
                levels.append([])
            known[name] = f'"let_{len(known)}"'
            guarded = text if guard is None else f"CASE WHEN {guard} THEN {text} END"
            levels[depth].append((known[name], guarded))
        else:
            known[name] = text
        depths[name] = depth
    results = []
    for steps in functions:
        result = f"({_written(steps.result, known)})"
        if steps.condition is not None:
            result = f"(CASE WHEN {_written(steps.condition, known)} THEN {result} END)"
        results.append(result)
    return Unfolded(tuple(map(tuple, levels)), tuple(results), guard)


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
            types[_plain(declared[1])] = declared[2]
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
        name = _plain(let[1])
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


def _names(text: str) -> list[str]:
    return [_plain(name) for _, name in TOKEN.findall(text) if name]


def _written(text: str, names: dict[str, str]) -> str:
    """A text with other names put in."""
    return TOKEN.sub(lambda found: found[1] or names[_plain(found[2])], text)


def _plain(name: str) -> str:
    """A name without quotes, as Postgres keeps it."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name

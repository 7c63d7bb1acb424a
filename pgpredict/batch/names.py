"""Names in the text of an expression."""

from __future__ import annotations

import re
from collections.abc import Mapping

NAME = r'"(?:[^"]|"")*"'
# What stands in a literal, and the collation "C", are no names.
TOKEN = re.compile(rf"""('(?:[^']|'')*'|COLLATE "C")|({NAME})""")


def names_in(text: str) -> list[str]:
    """The names that an expression uses, as Postgres keeps them, as often as it does."""
    return [plain(name) for _, name in TOKEN.findall(text) if name]


def written(text: str, names: Mapping[str, str]) -> str:
    """An expression with other texts put in for its names."""
    return TOKEN.sub(lambda found: found[1] or names[plain(found[2])], text)


def plain(name: str) -> str:
    """A name without quotes, as Postgres keeps it.

    Example:
        >>> plain('"2"" pipe"')
        '2" pipe'
    """
    return name[1:-1].replace('""', '"') if name.startswith('"') else name

"""What a function of the form block does with an ordinary row."""

from __future__ import annotations

from dataclasses import dataclass


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

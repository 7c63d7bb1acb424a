"""How kernels are written down: constants, indents, and a body that goes on after an underflow."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence

Product = Callable[[str, str], str]
LARGE = 1e100  # the product of three numbers of this size is a number still


def number(value: float) -> str:
    """A float8 constant that reads back to the same bits.

    >>> number(0.1), number(1.0)
    ("'0.1'::float8", "'1'::float8")
    """
    return f"'{float(value)!r}'::float8".replace(".0'", "'")


def indented(text: str, levels: int = 1) -> str:
    """The text moved to the right."""
    return textwrap.indent(text, "  " * levels)


def plain(left: str, right: str) -> str:
    """A product as it is: Postgres raises where it underflows."""
    return f"{left} * {right}"


def careful(left: str, right: str) -> str:
    """A product that is zero where it underflows, as everywhere but in Postgres.

    Below 2^-538 both factors are too small for any product; else the smaller one is lifted by
    that much, so that the product can be compared with half of the smallest float8.

    Args:
        left: a variable.
        right: a variable.
    """
    small, large = f"least(abs({left}), abs({right}))", f"greatest(abs({left}), abs({right}))"
    return (
        f"(CASE WHEN {large} >= 1 OR {small} = 0 THEN {left} * {right}\n"
        f"  WHEN {large} < {number(2.0**-538)} THEN 0\n"
        f"  WHEN {small} * {number(2.0**538)} * {large} <= {number(2.0**-537)} THEN 0\n"
        f"  ELSE {left} * {right} END)"
    )


def quotient(left: str, right: str, product: Product) -> str:
    """A quotient that is zero where it underflows, if products are `careful`.

    Args:
        left: a variable.
        right: a variable.
        product: how products are written.
    """
    if product is plain:
        return f"{left} / {right}"
    up, down = number(2.0**538), number(2.0**-537)
    return (
        f"CASE WHEN abs({left}) < 1 AND abs({right}) > 1\n"
        f"  AND abs({left}) * {up} <= abs({right}) * {down} THEN 0 ELSE {left} / {right} END"
    )


def body(declarations: str, text: Callable[[Product], str]) -> str:
    """The body of a kernel, which sets `result`.

    Postgres raises where a product underflows; it is rare, so the batch is first tried without
    guards, and done again with them if that fails.

    Args:
        declarations: of its variables.
        text: writes the statements with a given form of products.
    """
    return f"""DECLARE
{indented(declarations)}
BEGIN
  IF n = 0 THEN
    RETURN parameters;
  END IF;
  BEGIN
{indented(text(plain), 2)}
    RETURN result;
  EXCEPTION WHEN numeric_value_out_of_range THEN
    NULL;  -- an underflow, or an overflow that comes again
  END;
{indented(text(careful))}
  RETURN result;
END"""


def tame(array: str, ranges: Sequence[tuple[int, int]], place: int) -> str:
    """Statements that note whether numbers of an array can be multiplied by features.

    Predictions read that note: with such numbers, and features of the same kind, no product
    overflows or underflows.

    Args:
        array: its name.
        ranges: how many numbers stand before some, and how many these are.
        place: where to put the note, from 1.
    """
    small, large = number(1 / LARGE), number(LARGE)
    loops = [
        f"FOR j IN {before + 1}..{before + count} LOOP\n"
        f"  IF {array}[j] <> 0 AND NOT abs({array}[j]) BETWEEN {small} AND {large} THEN\n"
        f"    {array}[{place}] := 0;\n"
        f"  END IF;\n"
        f"END LOOP;"
        for before, count in ranges
        if count
    ]
    return "\n".join([f"{array}[{place}] := 1;", *loops])


def is_tame(numbers: Iterable[float]) -> bool:
    """What `tame` notes, of numbers that Python holds."""
    return all(x == 0 or 1 / LARGE <= abs(x) <= LARGE for x in numbers)

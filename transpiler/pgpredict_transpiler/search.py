"""A look-up as SQL: a balanced search over sorted keys.

A CASE with one WHEN per value takes twice the time of a search once there are more than a few
values, and text has to be compared byte by byte, whatever the database's collation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Column, Key, Lookup, Range
from pgpredict_transpiler.expressions import Expression

LINEAR = 4  # so many keys are tried one after the other


def search(lookup: Lookup) -> Expression:
    """The expression that gives a look-up's value.

    Args:
        lookup: keys of one type: text, numbers or booleans.

    Returns:
        A CASE expression of type float8.

    Example:
        >>> from pgpredict_transpiler.columns import Lookup
        >>> plan = Lookup(sql.reference("plan"), {"basic": 1.0, "plus": 2.0}, 0.0, 0.0)
        >>> search(plan).sql("postgres").count("WHEN")
        2
    """
    keys = sorted(lookup.table, key=_byte_order)
    unknown = sql.constant(lookup.unknown) if lookup.unknown is not None else sql.null_number()
    found = _between(lookup, keys, unknown)
    if lookup.missing == lookup.unknown:
        return found
    missing = sql.number(lookup.missing) if lookup.missing is not None else sql.null_number()
    return sql.case([(sql.is_null(lookup.key), missing)], found)


def _between(lookup: Lookup, keys: Sequence[Key], unknown: Expression) -> Expression:
    telling = [key for key in keys if lookup.table[key] != lookup.unknown]
    if not telling:
        return unknown
    if len(telling) <= LINEAR:
        return sql.case(
            [(equals(lookup.key, key), _value(lookup, key)) for key in telling], unknown
        )
    middle = len(telling) // 2
    return sql.case(
        [(_before(lookup.key, telling[middle]), _between(lookup, telling[:middle], unknown))],
        _between(lookup, telling[middle:], unknown),
    )


def _value(lookup: Lookup, key: Key) -> Expression:
    value = lookup.table[key]
    return sql.null_number() if value is None else sql.number(value)


def equals(key: Expression, value: Key) -> Expression:
    """key = value; of a boolean the key itself or its negation."""
    if isinstance(value, bool):
        return key if value else sql.negate(key)
    return sql.equal(key, bound(value))


def one_of(key: Expression, values: Sequence[Key]) -> Expression:
    """key IN (values)."""
    if isinstance(values[0], bool):
        return sql.any_of([equals(key, value) for value in values])
    key = sql.collate_c(key) if isinstance(values[0], str) else key
    return sql.in_(key, [sql.constant(value) for value in values])


def where(lookup: Lookup, holds: Callable[[float | None], bool]) -> Expression:
    """The condition that a look-up's value is one for which `holds`.

    Args:
        lookup: what gives the value.
        holds: tells it of a value; of None for NULL.

    Returns:
        A condition on the key alone, so nothing is looked up; not true, maybe NULL, where it does
        not hold.

    Example:
        >>> plan = Lookup(sql.reference("plan"), {"basic": 1.0, "plus": 2.0})
        >>> print(where(plan, lambda value: value is not None).sql("postgres"))
        ("plan" COLLATE "C") IN ('basic', 'plus')
    """
    unknown, missing = holds(lookup.unknown), holds(lookup.missing)
    others = [key for key, value in lookup.table.items() if holds(value) != unknown]
    if not others:
        if unknown == missing:
            return sql.boolean(unknown)
        return sql.is_null(lookup.key) if missing else sql.is_not_null(lookup.key)
    condition = one_of(lookup.key, others)
    if unknown:
        condition = sql.negate(condition)
    return sql.any_of([condition, sql.is_null(lookup.key)]) if missing else condition


def _before(key: Expression, value: Key) -> Expression:
    return sql.less(key, bound(value))


def bound(value: Key) -> Expression:
    """A constant to compare a key with.

    Text is compared by bytes: a column's own collation may call texts equal that Python tells
    apart.
    """
    constant = sql.constant(value)
    return sql.collate_c(constant) if isinstance(value, str) else constant


def _byte_order(key: Key) -> tuple[int, bytes, float]:
    # In UTF-8 the order of the bytes is the order of the code points, which Python's str has too;
    # surrogates cannot be stored in a database, so encoding never fails for a key that a row could
    # hold.
    return (
        (0, key.encode("utf-8", "surrogatepass"), 0.0)
        if isinstance(key, str)
        else (1, b"", float(key))
    )


def from_lookup(lookup: Lookup, name: str = "") -> Column:
    """The column of a look-up; its expression is a balanced search."""
    known = [value for value in lookup.values if value is not None]
    magnitudes = [abs(value) for value in known if value]
    limits = Range(min(known, default=0.0), max(known, default=0.0), min(magnitudes, default=1.0))
    return Column(search(lookup), name=name, range=limits, lookup=lookup)

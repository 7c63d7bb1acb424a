"""A look-up as SQL: a balanced search over sorted keys.

A CASE with one WHEN per value takes twice the time of a search once there are more than a few values, and
text has to be compared byte by byte, whatever the database's collation.
"""

from __future__ import annotations

from collections.abc import Sequence

from pgpredict_transpiler import expressions as sql
from pgpredict_transpiler.columns import Key, Lookup
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
        >>> plan = Lookup(sql.reference("plan"), {"basic": 1.0, "plus": 2.0}, unknown=0.0, missing=0.0)
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
    return sql.equal(key, sql.constant(value))


def _before(key: Expression, value: Key) -> Expression:
    bound = sql.constant(value)
    return sql.less(key, sql.collate_c(bound) if isinstance(value, str) else bound)


def _byte_order(key: Key) -> tuple[int, bytes, float]:
    # In UTF-8 the order of the bytes is the order of the code points, which Python's str has too; surrogates
    # cannot be stored in a database, so encoding never fails for a key that a row could hold.
    return (
        (0, key.encode("utf-8", "surrogatepass"), 0.0)
        if isinstance(key, str)
        else (1, b"", float(key))
    )

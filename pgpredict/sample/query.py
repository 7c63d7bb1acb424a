"""Samples that a query gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pgpredict.errors import NoRights, UnreadableSample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    import psycopg

# More rows than golden rows are of use: categories and ranges are taken from all of them.
MOST_ROWS = 100_000

INTEGERS = frozenset({"int2", "int4", "int8", "oid"})
FLOATS = frozenset({"float4", "float8", "numeric"})
TIMES = frozenset({"date", "timestamp"})


def read_query(
    query: str,
    connection: psycopg.Connection[Any],
    notice: Callable[[str], None] = lambda _: None,
    *,
    at_most: int | None = None,
) -> pd.DataFrame:
    """Read a sample from a database, in a transaction that can only read.

    Args:
        query: one SELECT, VALUES, TABLE or WITH.
        connection: where to run it; must not be inside a transaction.
        notice: called with a sentence for the user, if there are more rows.
        at_most: how many of its rows are read; None: 100,000.

    Returns:
        The rows. ``numeric`` becomes float64; an integer column with a NULL too, as pandas does
        it; a boolean column with a NULL becomes object with None; ``date`` and ``timestamp``
        become datetime64, ``timestamptz`` the same in UTC; text and enums become str.

    Raises:
        UnreadableSample: the query fails or writes, gives no rows or no columns, or gives two
            columns of one name.
        NoRights: the role may not read what the query reads.

    Example:
        >>> frame = read_query("select 1.5 as tenure, 'gold' as plan", connection)  # doctest: +SKIP
        >>> frame.dtypes.astype(str).to_dict()  # doctest: +SKIP
        {'tenure': 'float64', 'plan': 'str'}
    """
    import pandas as pd

    at_most = at_most or MOST_ROWS
    rows, columns = _fetch(query, connection, at_most)
    names = [name for name, _ in columns]
    if not names:
        raise UnreadableSample("cannot use the sample query: it gives no columns")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnreadableSample(
            f"cannot use the sample query: columns appear twice: {', '.join(twice)}",
            do="give every column a name of its own with AS",
        )
    if not rows:
        raise UnreadableSample(
            "cannot use the sample query: it gives no rows",
            why="golden rows are what proves that the function answers as the model does",
        )
    if len(rows) > at_most:
        notice(f"the sample is cut: the query gives more than {at_most:,} rows")
        del rows[at_most:]
    return pd.DataFrame(
        {
            name: _series([row[place] for row in rows], kind)
            for place, (name, kind) in enumerate(columns)
        }
    )


def _fetch(
    query: str, connection: psycopg.Connection[Any], at_most: int
) -> tuple[list[tuple[Any, ...]], list[tuple[str, str]]]:
    import psycopg
    from psycopg.rows import tuple_row
    from psycopg.types.numeric import FloatLoader

    body = query.strip().rstrip(";").encode()
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET TRANSACTION READ ONLY")
            # A cursor of the server takes one query and nothing that writes.
            with connection.cursor("pgpredict_sample", row_factory=tuple_row) as cursor:
                cursor.adapters.register_loader("numeric", FloatLoader)
                cursor.execute(body)
                described = cursor.description or []
                columns = [(column.name, _type_name(connection, column)) for column in described]
                return cursor.fetchmany(at_most + 1), columns
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise UnreadableSample(
            "cannot read the sample: the query writes", do="give a query that only reads"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise NoRights(
            f"cannot read the sample: {error.diag.message_primary}",
            do="grant SELECT on it to the role of the DSN, or give a file",
        ) from error
    except psycopg.OperationalError:
        raise  # the connection is gone: not the query's fault
    except psycopg.Error as error:
        raise UnreadableSample(
            "cannot read the sample: the query fails",
            why=str(error.diag.message_primary or error).strip().splitlines()[0],
            details=(query.strip(),),
        ) from error


def _type_name(connection: psycopg.Connection[Any], column: psycopg.Column) -> str:
    known = connection.adapters.types.get(column.type_code)
    return known.name if known else "text"  # an enum, or a type of an extension


def _series(values: Sequence[Any], kind: str) -> pd.Series[Any]:
    import pandas as pd

    missing = any(value is None for value in values)
    if kind in FLOATS or (kind in INTEGERS and missing):
        return pd.Series(values, dtype="float64")
    if kind in INTEGERS:
        return pd.Series(values, dtype="int64")
    if kind == "bool":
        return pd.Series(values, dtype="object" if missing else "bool")
    if kind in TIMES:
        return pd.Series(values, dtype="datetime64[us]")
    if kind == "timestamptz":
        return pd.Series(pd.to_datetime(list(values), utc=True)).dt.as_unit("us")
    if all(value is None or isinstance(value, str) for value in values):
        return pd.Series(values, dtype="str")
    return pd.Series(values, dtype="object")

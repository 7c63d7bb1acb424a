"""Reading samples: a CSV file, a Parquet file, or the answer of a query.

A sample is a table of the model's input columns. It gives the function its argument names and
types, and its rows become the golden rows of the version.
"""

from __future__ import annotations

import re
from pathlib import Path

from pgpredict.sample.files import read_file
from pgpredict.sample.query import read_query

__all__ = ["is_query", "read_file", "read_query"]

QUERY = re.compile(
    r"\s*(--[^\n]*\n\s*|/\*.*?\*/\s*)*"  # comments
    r"\(*\s*(select|with|table|values)\b",
    re.IGNORECASE | re.DOTALL,
)


def is_query(source: str) -> bool:
    """Tell a query from the name of a file.

    Args:
        source: what a person gave as the sample.

    Returns:
        True for text that starts as a query does, and is not the path of a file.

    Example:
        >>> is_query("select * from customers limit 1000"), is_query("customers.csv")
        (True, False)
    """
    return QUERY.match(source) is not None and not _names_a_file(source)


def _names_a_file(source: str) -> bool:
    try:
        return Path(source).is_file()
    except (OSError, ValueError):
        # Too long for a name, or a character that no name holds: a query, then.
        return False

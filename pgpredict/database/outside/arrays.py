"""Arrays of numpy as parameters of statements: psycopg writes lists of floats one by one."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from psycopg import Cursor
from psycopg.adapt import Dumper
from psycopg.pq import Format

FLOAT8, FLOAT8_ARRAY = 701, 1022
ELEMENT = np.dtype([("bytes", ">i4"), ("value", ">f8")])


class FloatsDumper(Dumper):
    """An array of shape (n,) as a float8[], in the binary form of Postgres (array_recv)."""

    format = Format.BINARY
    oid = FLOAT8_ARRAY

    def dump(self, obj: Any) -> bytes:
        """The bytes: one dimension that starts at 1, no NULL, and 8 bytes for each number.

        Example:
            >>> FloatsDumper(np.ndarray).dump(np.array([1.0])).hex(" ", 4)
            '00000001 00000000 000002bd 00000001 00000001 00000008 3ff00000 00000000'
        """
        if obj.size == 0:
            return struct.pack("!3i", 0, 0, FLOAT8)
        elements = np.empty(obj.size, ELEMENT)
        elements["bytes"], elements["value"] = 8, obj
        return struct.pack("!5i", 1, 0, FLOAT8, obj.size, 1) + elements.tobytes()


def takes_arrays(cursor: Cursor[Any]) -> None:
    """Let statements of a cursor take arrays of floats."""
    cursor.adapters.register_dumper(np.ndarray, FloatsDumper)


def as_array(values: Sequence[float | None]) -> Any:
    """An array, unless one of the values is missing."""
    return values if None in values else np.array(values, dtype=np.float64)

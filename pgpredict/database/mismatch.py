"""Golden rows that differ, side by side."""

from __future__ import annotations

from typing import Any

from pgpredict.database.records import GoldenRow
from pgpredict.errors import GoldenRowMismatch

MOST_INPUTS_SHOWN = 8


def mismatch(model: str, result: dict[str, Any], worst: list[GoldenRow]) -> GoldenRowMismatch:
    """The error for a version whose function answers otherwise than Python.

    Args:
        model: name of the model.
        result: what `pgpredict.verify` said.
        worst: the rows that differ most.
    """
    return GoldenRowMismatch(
        f"cannot deploy {model}: {result['differing']:,} of {result['rows']:,} golden rows differ "
        "from Python",
        details=tuple(line for row in worst for line in _side_by_side(row)),
        why="the function in the database would not answer as the model does",
        do="nothing was changed; please report the model and these rows",
    )


def _side_by_side(row: GoldenRow) -> list[str]:
    shown = [f"{name}={_value(text)}" for name, text in row.inputs.items()]
    if len(shown) > MOST_INPUTS_SHOWN:
        shown = [*shown[:MOST_INPUTS_SHOWN], "…"]
    return [
        f"row {row.row_number}: {', '.join(shown)}",
        f"  Python {_answer(row.expected, row.expected_probability)}",
        f"  SQL    {_answer(row.actual, row.actual_probability)}",
    ]


def _answer(prediction: str | None, probability: list[float] | None) -> str:
    if probability is None:
        return _value(prediction)
    return f"{_value(prediction)}  probability {', '.join(_value(p) for p in probability)}"


def _value(value: object) -> str:
    return "NULL" if value is None else str(value)

"""Golden rows: rows of the sample as text, and what Python says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pgpredict.errors import InvalidSample
from pgpredict_transpiler.oracle import ask
from pgpredict_transpiler.sample import Input

LIMIT = 1_000


@dataclass(frozen=True)
class Golden:
    """A golden row: its inputs by name, and Python's answers; None is NULL."""

    inputs: dict[str, str | None]
    prediction: str | None
    probability: list[float] | None


def golden_rows(model: object, frame: pd.DataFrame, inputs: tuple[Input, ...]) -> list[Golden]:
    """The first 1,000 rows of a sample with the model's answers.

    Args:
        model: the fitted estimator.
        frame: the sample, as `pgpredict_transpiler.sample.as_frame` makes it.
        inputs: the inputs that the SQL takes.

    Returns:
        One golden row per row. Numbers are written so that they read back to the same bits.

    Raises:
        InvalidSample: a text that Postgres cannot store.
    """
    head = frame.head(LIMIT)
    answers = ask(model, head)
    columns = {i.name: list(_as_text(head, i)) for i in inputs}
    probability = answers.probability or [None] * len(head)
    return [
        Golden(
            {name: texts[row] for name, texts in columns.items()},
            label_text(answers.prediction[row]),
            probability[row],
        )
        for row in range(len(head))
    ]


def label_text(value: object) -> str | None:
    """A prediction as Postgres reads it; a float with all its digits."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)


def column_of(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """A column by the name that SQL gives it: the text of the frame's own."""
    place = [str(label) for label in frame.columns].index(name)
    return frame.iloc[:, place]


def _as_text(frame: pd.DataFrame, given: Input) -> Iterator[str | None]:
    write = WRITERS[given.type]
    for number, value in enumerate(column_of(frame, given.name)):
        text = None if pd.isna(value) else write(value)
        if text is not None and not storable(text):
            raise InvalidSample(
                f"column {given.name!r} of the sample holds a text that Postgres cannot store",
                details=(f"row {number}: {text!r}",),
                do="remove zero characters and broken UTF-8 from the sample",
            )
        yield text


def storable(text: str) -> bool:
    """Whether Postgres can hold a text: no zero character, no broken UTF-8."""
    return "\x00" not in text and not any("\ud800" <= c <= "\udfff" for c in text)


def _timestamp_text(value: Any) -> str:
    return pd.Timestamp(value).isoformat(timespec="microseconds")


WRITERS: dict[str, Callable[[Any], str]] = {
    "float8": lambda value: repr(float(value)),
    "text": str,
    "boolean": lambda value: str(bool(value)).lower(),
    "timestamp": _timestamp_text,
    "timestamptz": _timestamp_text,
}

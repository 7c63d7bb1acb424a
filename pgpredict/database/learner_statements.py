"""The statements of learners, and what an estimator becomes in them."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from psycopg import Cursor, sql
from psycopg import errors as pg
from psycopg.postgres import types
from psycopg.types.json import Jsonb

from pgpredict.database.queries import query
from pgpredict.database.stream_statements import table
from pgpredict.errors import InvalidLearner, InvalidSource

if TYPE_CHECKING:
    from pgpredict_transpiler.learning.program import LearningProgram
    from pgpredict_transpiler.learning.sums import SumsProgram

Asking = Cursor[dict[str, Any]]

# More labels than these are no classes.
MOST_CLASSES = 1000
SQL_TYPES = {bool: "boolean", int: "bigint", float: "double precision", str: "text"}


def run(cursor: Asking, statement: str, /, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of a statement of ``sql/queries/learners.sql``."""
    return cursor.execute(query(statement, "learners"), parameters).fetchall()


def first(cursor: Asking, statement: str, /, **parameters: Any) -> dict[str, Any]:
    """The first of them."""
    return run(cursor, statement, **parameters)[0]


def labels_there(cursor: Asking, source: str, target: str) -> list[Any]:
    """The labels that a table holds now, in no order.

    Raises:
        InvalidSource: the table has no such column.
        InvalidLearner: there are too many to be classes.
    """
    oid = table(cursor, source)
    name = first(cursor, "name_of", source=oid)
    statement = sql.SQL(query("labels", "learners")).format(
        target=sql.Identifier(target), source=sql.Identifier(name["schema"], name["relation"])
    )
    try:
        found = cursor.execute(statement).fetchone()
    except pg.UndefinedColumn as error:
        raise InvalidSource(f"{source} has no column {target}") from error
    labels = _as_rows_are_read(cursor, (found or {}).get("labels") or [])
    if len(labels) > MOST_CLASSES:
        raise InvalidLearner(
            f"{target} holds more than {MOST_CLASSES} different labels: they are no classes",
            do="name the classes, or take an estimator that predicts a number",
        )
    return [label if type(label) in SQL_TYPES else float(label) for label in labels]


def _as_rows_are_read(cursor: Asking, labels: list[Any]) -> list[Any]:
    """Labels of a type that is cast when rows are read: char(n) to text, real to float8."""
    kind = cursor.description[0].type_code if cursor.description else 0
    if kind == types["bpchar"].array_oid:
        return [label.rstrip(" ") for label in labels]
    if kind == types["float4"].array_oid:
        return [struct.unpack("f", struct.pack("f", label))[0] for label in labels]
    return labels


def described(estimator: object) -> str:
    """An estimator in one line, with the options that are not the usual ones."""
    return re.sub(r"\s+", " ", str(estimator))


def program_of(
    estimator: Any, features: Sequence[str], classes: Sequence[Any] | None, updates: str
) -> LearningProgram | SumsProgram:
    """What an estimator becomes, by what the learner does with rows that change.

    Raises:
        UnsupportedEstimator: it cannot learn so; says why.
        InvalidLearner: features, classes or updates do not fit.
    """
    # Loads scikit-learn: a second that others need not wait.
    from pgpredict_transpiler.learning.registry import learning_program, sums_program

    if updates not in ("ignore", "revise"):
        raise InvalidLearner(
            f"updates is {updates!r}: it is ignore or revise",
            do="see docs/learners.md for what they mean",
        )
    if updates == "ignore":
        return learning_program(estimator, features, classes)
    program = sums_program(estimator, features, classes)
    if hasattr(estimator, "partial_fit") and hasattr(estimator, "classes_"):
        raise InvalidLearner(
            f"the {type(estimator).__name__} has learnt rows already",
            why="what revises knows the rows of its source, and no others",
            do="give one that is not fitted: sklearn.base.clone(estimator)",
        )
    return program


def texts_of(program: LearningProgram | SumsProgram, target: str | None) -> dict[str, Any]:
    """The parameters of the statement `create` that come from a program."""
    return {
        "features": list(program.features),
        "label_type": _label_type(program, target),
        "classes": [label_text(label) for label in program.classes],
        "blocks": Jsonb([{"name": b.name, "shape": list(b.shape)} for b in program.blocks]),
        "prediction": program.prediction,
        "probability": program.probability,
        "accepts": program.accepts,
        "expects": program.expects,
        **_learning(program),
    }


def _learning(program: LearningProgram | SumsProgram) -> dict[str, Any]:
    """Those about how it learns."""
    from pgpredict_transpiler.learning.sums import SumsProgram

    if isinstance(program, SumsProgram):
        initial = [0.0] * sum(block.size for block in program.blocks)
        return {
            "initial": initial,
            "kernel": program.change,
            "solve": program.solve,
            "sums": program.sums,
        }
    initial = program.initial.tolist()
    return {"initial": initial, "kernel": program.kernel, "solve": None, "sums": None}


def labels_of(texts: Sequence[str], label_type: str) -> list[Any]:
    """The classes of a learner as Python scalars."""
    readers: dict[str, Callable[[str], Any]] = {
        "boolean": "true".__eq__,
        "bigint": int,
        "double precision": float,
        "text": str,
    }
    return [readers[label_type](text) for text in texts]


def key_text(key: Any) -> str | None:
    """A key as the history writes it: the value, or JSON for several columns; None: NULL."""
    if isinstance(key, Mapping):
        return json.dumps(dict(key), default=str)
    return None if key is None else str(key)


def _label_type(program: LearningProgram | SumsProgram, target: str | None) -> str:
    if program.classes:
        return SQL_TYPES[type(program.classes[0])]
    return "integer" if target is None else "double precision"


def label_text(label: Any) -> str:
    """A class as the learner keeps it."""
    return str(label).lower() if isinstance(label, bool) else str(label)

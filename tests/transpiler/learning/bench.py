"""A learner in a real database beside scikit-learn's partial_fit, over the same batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from pgpredict_transpiler.learning.program import LearningProgram
from pgpredict_transpiler.learning.sums import SumsProgram

Floats = NDArray[np.float64]
ARGUMENTS = "(parameters float8[], features float8[], labels float8[])"


@dataclass
class Learner:
    """The functions of a learning program in a database."""

    connection: psycopg.Connection
    program: LearningProgram

    def __post_init__(self) -> None:
        self.connection.execute(
            f"CREATE FUNCTION step {ARGUMENTS} RETURNS float8[] "
            f"LANGUAGE plpgsql IMMUTABLE AS $body${self.program.kernel}$body$".encode()
        )
        define_answers(self.connection, self.program)

    def step(self, parameters: Floats, X: Floats, labels: Floats) -> Floats:
        """The parameters after a batch."""
        arguments = [parameters.tolist(), X.ravel().tolist(), labels.tolist()]
        query = "SELECT step(%s::float8[], %s::float8[], %s::float8[])"
        row = self.connection.execute(query, arguments, binary=True).fetchone()
        assert row
        return np.array(row[0])

    def learn(self, X: Floats, labels: Floats, sizes: Sequence[int]) -> Any:
        """A fitted estimator after batches of these sizes."""
        return self.program.export(self.after(X, labels, sizes))

    def after(self, X: Floats, labels: Floats, sizes: Sequence[int]) -> Floats:
        """The parameters after batches of these sizes."""
        parameters = self.program.initial
        for start, end in spans(sizes):
            parameters = self.step(parameters, X[start:end], labels[start:end])
        return parameters

    def answers(self, name: str, parameters: Floats, X: Floats) -> list[Any]:
        """What `prediction` or `probability` says of each row."""
        return answers(self.connection, name, parameters, X)


def define_answers(connection: psycopg.Connection, program: LearningProgram | SumsProgram) -> None:
    """Create the functions that answer.

    Not where a function cannot have so many arguments.
    """
    floats = ", ".join(["float8[]", *["float8"] * len(program.features)])
    kinds = {
        "prediction": "int" if program.classes else "float8",
        "probability": "float8[]" if len(program.classes) > 2 else "float8",
    }
    for name, kind in kinds.items():
        expression = getattr(program, name)
        if expression and len(program.features) < 100:
            connection.execute(
                f"CREATE FUNCTION {name} ({floats}) RETURNS {kind} LANGUAGE sql IMMUTABLE "
                f"RETURN {expression}".encode()
            )


def answers(connection: psycopg.Connection, name: str, parameters: Floats, X: Floats) -> list[Any]:
    """What `prediction` or `probability` says of each row."""
    values = ", ".join(f"x[{j}]" for j in range(1, X.shape[1] + 1))
    query = (
        f"SELECT {name}(%s::float8[], {values}) FROM (SELECT x FROM jsonb_array_elements_text("
        "%s::jsonb) WITH ORDINALITY AS each (row, at), LATERAL (SELECT row::float8[] AS x) AS x"
        " ORDER BY at OFFSET 0) AS rows"
    )
    rows = ["{" + ",".join(map(repr, map(float, row))) + "}" for row in X]
    arguments = [parameters.tolist(), Jsonb(rows)]
    return [row[0] for row in connection.execute(query.encode(), arguments).fetchall()]


def spans(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Where batches of these sizes start and end."""
    ends = np.cumsum(sizes).tolist()
    yield from zip([0, *ends[:-1]], ends, strict=True)


def taught(estimator: Any, X: Any, y: Any, sizes: Sequence[int], **first: Any) -> Any:
    """The estimator after partial_fit of each batch; `first` goes to every call."""
    for start, end in spans(sizes):
        estimator.partial_fit(X[start:end], y[start:end], **first)
    return estimator

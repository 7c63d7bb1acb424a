"""A program that keeps sums, in a real database."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import psycopg

from pgpredict_transpiler.learning.sums import SETTINGS, SumsProgram
from tests.transpiler.learning.bench import Floats, answers, define_answers


@dataclass
class Sums:
    """The functions of such a program in a database."""

    connection: psycopg.Connection
    program: SumsProgram

    def __post_init__(self) -> None:
        change = "(sums numeric[], features float8[], labels float8[], taken boolean)"
        self.connection.execute(
            f"CREATE FUNCTION change {change} RETURNS numeric[] LANGUAGE plpgsql IMMUTABLE "
            f"{SETTINGS} AS $body${self.program.change}$body$;\n"
            "CREATE FUNCTION solve (sums numeric[]) RETURNS float8[] LANGUAGE plpgsql IMMUTABLE "
            f"AS $body${self.program.solve}$body$".encode()
        )
        define_answers(self.connection, self.program)

    @property
    def empty(self) -> list[Decimal]:
        """The sums without rows."""
        return [Decimal(0)] * self.program.sums

    def add(self, sums: list[Decimal], X: Floats, labels: Floats) -> list[Decimal]:
        """The sums with more rows."""
        return self._changed(sums, X, labels, taken=False)

    def take(self, sums: list[Decimal], X: Floats, labels: Floats) -> list[Decimal]:
        """The sums without some rows."""
        return self._changed(sums, X, labels, taken=True)

    def solve(self, sums: list[Decimal]) -> Floats:
        """The parameters."""
        row = self.connection.execute("SELECT solve(%s::numeric[])", [sums], binary=True).fetchone()
        assert row
        return np.array(row[0])

    def fitted(self, sums: list[Decimal]) -> Any:
        """The estimator."""
        return self.program.export(self.solve(sums))

    def answers(self, name: str, parameters: Floats, X: Floats) -> list[Any]:
        """What `prediction` or `probability` says of each row."""
        return answers(self.connection, name, parameters, X)

    def _changed(
        self, sums: list[Decimal], X: Floats, labels: Floats, taken: bool
    ) -> list[Decimal]:
        arguments = [sums, X.ravel().tolist(), labels.tolist(), taken]
        query = "SELECT change(%s::numeric[], %s::float8[], %s::float8[], %s)"
        row = self.connection.execute(query, arguments).fetchone()
        assert row
        return list(row[0])

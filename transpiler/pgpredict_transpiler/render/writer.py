"""Expressions as text, in any dialect, with names put in for references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import UnsupportedError

from pgpredict_transpiler.errors import PgpredictError
from pgpredict_transpiler.expressions import Expression, Walk

# Dialects whose text comparison is by bytes without being told.
BINARY_COLLATION = ("duckdb", "spark", "bigquery", "snowflake", "clickhouse", "trino")


class Writer:
    r"""Writes expressions in one dialect.

    Args:
        dialect: a dialect of sqlglot: postgres, duckdb, spark, bigquery, snowflake, clickhouse,
            trino.

    Raises:
        PgpredictError: sqlglot has no such dialect.

    Example:
        >>> from pgpredict_transpiler import expressions as sql
        >>> Writer("postgres").write(sql.less(sql.reference("x"), sql.number(0.5)))
        '"x" < \'0.5\'::float8'
    """

    def __init__(self, dialect: str = "postgres") -> None:
        try:
            found = Dialect.get_or_raise(dialect)
        except ValueError:
            raise PgpredictError(
                f"there is no dialect {dialect!r}",
                do=f"choose postgres or one of {', '.join(BINARY_COLLATION)}",
            ) from None
        self.dialect = dialect
        self._generator = _generator_class(found, dialect)(
            dialect=found, unsupported_level=None, comments=False
        )

    def write(self, expression: Expression, names: Mapping[str, str] | None = None) -> str:
        """The text of an expression.

        Args:
            expression: what to write.
            names: the text to put in for a reference, by its name; every other reference is quoted.
        """
        self._generator.names = names or {}
        try:
            return str(self._generator.generate(expression, copy=False))
        except UnsupportedError as error:
            raise PgpredictError(
                f"this model has no form in {self.dialect}", why=str(error)
            ) from None

    def name(self, name: str) -> str:
        """A quoted identifier."""
        return self.write(exp.Identifier(this=name, quoted=True))


def _walked(generator: Any, walk: Walk) -> str:
    """The function is there where pgpredict is installed."""
    trees, inputs = generator.sql(walk.this), generator.expressions(walk, flat=True)
    return f"predict_runtime.walk_trees({trees}::float8[], ARRAY[{inputs}]::float8[])"


def _refuse(_generator: Any, _walk: Walk) -> str:
    raise UnsupportedError("its trees are walked by a function that only pgpredict has")


def _generator_class(found: Dialect, dialect: str) -> Any:
    base: Any = found.generator_class

    class ModelGenerator(base):  # type: ignore[misc]
        """The dialect's own generator, which knows the names of a model's values."""

        TRANSFORMS = base.TRANSFORMS | {Walk: _refuse}
        names: Mapping[str, str]

        def column_sql(self, expression: exp.Column) -> str:
            name = expression.this.this
            return self.names[name] if name in self.names else str(super().column_sql(expression))

        def bracket_sql(self, expression: exp.Bracket) -> str:
            """Elements are counted from 1 in our expressions, from 0 in some dialects."""
            shift = "" if self.dialect.INDEX_OFFSET == 1 else " - 1"
            return f"{self.sql(expression.this)}[{self.sql(expression.expressions[0])}{shift}]"

    class PostgresGenerator(ModelGenerator):
        """Constants as '…'::type: half the text of CAST('…' AS DOUBLE PRECISION)."""

        TRANSFORMS = ModelGenerator.TRANSFORMS | {Walk: _walked}

        def cast_sql(self, expression: exp.Cast, safe_prefix: str | None = None) -> str:
            short = {"DOUBLE": "float8", "BIGINT": "bigint"}.get(expression.to.this.name)
            if short is None:
                return str(super().cast_sql(expression, safe_prefix))
            return f"{self.sql(expression.this)}::{short}"

    class BinaryGenerator(ModelGenerator):
        """Text is compared by bytes here, so no collation is named."""

        def collate_sql(self, expression: exp.Collate) -> str:
            return str(self.sql(expression.this))

    if dialect == "postgres":
        return PostgresGenerator
    return BinaryGenerator if dialect in BINARY_COLLATION else ModelGenerator

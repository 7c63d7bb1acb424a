"""A program: a lowered pipeline, ready to be rendered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pgpredict_transpiler import cost
from pgpredict_transpiler.body import Body
from pgpredict_transpiler.errors import PgpredictError
from pgpredict_transpiler.sample import Input

Form = Literal["inline", "block", "nodes"]
Output = Literal["prediction", "probability"]


@dataclass(frozen=True)
class Program:
    """A fitted pipeline as SQL expressions, before a dialect or a form is chosen.

    Attributes:
        inputs: the columns that the model reads, in the order of the function's arguments.
        kind: classifier, regressor or transformer.
        classes: the labels in scikit-learn's order, as Python scalars; empty unless a classifier.
        label_type: SQL type of the prediction: text, bigint, boolean or float8.
        description: the model in a few words.
        ordinary: its body for rows of ordinary numbers.
        general: its body for every row.
    """

    inputs: tuple[Input, ...]
    kind: Literal["classifier", "regressor", "transformer"]
    classes: tuple[Any, ...]
    label_type: str
    description: str
    ordinary: Body
    general: Body

    @property
    def has_probabilities(self) -> bool:
        """Whether the model gives a probability for each class."""
        return "probability" in self.general.outputs

    @property
    def probability_type(self) -> str:
        """float8 for two classes, float8[] for more."""
        return "float8" if len(self.classes) == 2 else "float8[]"

    @cached_property
    def operators(self) -> int:
        """The size of the model: SQL operators in its prediction."""
        return cost.operators(self.general, "prediction")

    @cached_property
    def walks(self) -> bool:
        """Whether trees are arrays that a function walks: then the form can only be nodes."""
        return cost.walks(self.general)

    def choose_form(self) -> Form:
        """The form in which the model runs best: inline while it is small, block beyond.

        See `pgpredict_transpiler.cost` for the measurements behind it.
        """
        return "nodes" if self.walks else cost.choose_form(self.ordinary, self.general)

    def microseconds(self, form: Form, *, native: bool = False) -> float:
        """An estimate of what one row costs in Postgres, in microseconds.

        Args:
            form: of the function.
            native: whether the server has ``walk_trees`` in C.
        """
        return cost.microseconds(self.ordinary, form, native=native)

    def create_function(
        self, name: str, output: Output = "prediction", form: Form | None = None
    ) -> str:
        """The text of CREATE FUNCTION for one of the model's answers.

        Args:
            name: the bare name of the function, which goes to the schema predict_versions.
            output: ``prediction``, or ``probability``: P(second class) as float8 for two classes,
                float8[] in the order of the classes for more.
            form: ``inline`` or ``block``, and ``nodes`` of a program that was made for it;
                chosen by cost unless given.

        Returns:
            One statement. The function is IMMUTABLE, PARALLEL SAFE and runs with the caller's
            rights; a NULL or NaN is a missing value, and where Python would raise the function
            gives NULL.

        Raises:
            PgpredictError: the model has no such output, or the program has no such form.
        """
        from pgpredict_transpiler.render.function import create_function

        if form == "nodes" and not self.walks:
            raise PgpredictError(
                "this model has no form nodes",
                why="it is for trees of decisions, without categories of HistGradientBoosting, "
                "transpiled with nodes=True",
                do="choose inline or block, or leave it out",
            )
        if form is not None and form != "nodes" and self.walks:
            raise PgpredictError(
                f"this program has no form {form}", do="transpile the model with nodes=False"
            )
        if output not in self.general.outputs:
            raise PgpredictError(f"{self.description} has no {output}")
        return create_function(self, name, output, form or self.choose_form())

    def to_sql(
        self, dialect: str = "postgres", source: str = "rows", keep: Sequence[str] = ()
    ) -> str:
        """One SELECT that gives the model's answer for every row of a table.

        Args:
            dialect: postgres, duckdb, spark, bigquery, snowflake, clickhouse or trino.
            source: the table, as one would write it in FROM.
            keep: columns of the table to pass on.

        Returns:
            A SELECT with the columns `keep` and `prediction`, `probability_<class>` for each class
            of a classifier with probabilities; for a transformer one column for each of
            get_feature_names_out().

        Raises:
            PgpredictError: the dialect is not known.
        """
        from pgpredict_transpiler.render.select import select

        return select(self, dialect, source, tuple(keep))

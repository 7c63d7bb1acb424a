"""What a YAML says of a model: the parts of ServedModel's attributes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any, Literal

import dagster as dg
from pydantic import Field, field_validator, model_validator

from pgpredict.dagster.metrics import METRICS
from pgpredict.database.names import ALLOWED


def said(description: str) -> dg.Resolver:
    """How a field is described to those who write YAML: editors and ``dg docs`` show it."""
    resolver: dg.Resolver = dg.Resolver.default(description=description)
    return resolver


def bounded(description: str, kind: Any) -> dg.Resolver:
    """The same for a number with bounds, which `kind` has.

    Bounds of the field itself would be held against templates too: ``"{{ env.FOLDS }}"`` is a text
    until it is filled in.
    """
    return dg.Resolver(lambda _, value: value, model_field_type=kind, description=description)


def is_template(value: object) -> bool:
    """Whether it is a text that Dagster has yet to fill in."""
    return isinstance(value, str) and "{{" in value


NotNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Several = Annotated[int, Field(ge=2)]


class Training(dg.Resolvable, dg.Model):
    """The rows to learn from."""

    query: Annotated[str, said("SELECT that gives the inputs of the model and the target.")]
    target: Annotated[str, said("Column that the model learns to predict.")]
    key: Annotated[
        Sequence[str],
        said(
            "Columns that tell the rows apart. They are no inputs; which rows are held "
            "out is decided by them, else by the row as a whole."
        ),
    ] = ()
    inputs: Annotated[
        Sequence[str] | None,
        said("Columns that the model takes; all but target and key if nothing is named."),
    ] = None
    held_out: Annotated[
        float | str,
        said(
            "Rows that no version learns, by which all are judged: a share of the "
            "rows, the same ones in each run, or an SQL condition such as day >= '2013-10-01'."
        ),
    ] = 0.2
    deps: Annotated[
        Sequence[str], said("Keys of the assets that the query reads: shop/visits.")
    ] = ()

    @field_validator("held_out")
    @classmethod
    def _is_share(cls, value: float | str) -> float | str:
        if not isinstance(value, str) and not 0 < value < 1:
            raise ValueError("held_out is a share between 0 and 1, or an SQL condition in quotes")
        return value

    @model_validator(mode="after")
    def _does_not_learn_from_the_target(self) -> Training:
        if not isinstance(self.inputs, str) and self.target in (self.inputs or ()):
            raise ValueError(
                f"training.inputs names {self.target}, which is training.target: take it out"
            )
        return self


class Candidate(dg.Resolvable, dg.Model):
    """An estimator that may become the next version, with values to try."""

    estimator: Annotated[
        str,
        said("package.module.name, or .module.name beside the YAML: an estimator."),
    ]
    grid: Annotated[
        Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]],
        said("Values to try by parameter, as GridSearchCV takes them."),
    ] = {}


class Search(dg.Resolvable, dg.Model):
    """How the best of several candidates is found."""

    folds: Annotated[int, bounded("Folds of the cross-validation.", Several)] = 3
    factor: Annotated[
        int, bounded("One candidate in so many goes on, with as many more rows.", Several)
    ] = 3
    seed: Annotated[int, said("Of the choice of rows.")] = 0


class Accept(dg.Resolvable, dg.Model):
    """What a version must be good at, to be promoted."""

    metric: Annotated[
        str | None,
        said("Name of the metric; by default one that fits what is predicted."),
    ] = None
    not_worse_by: Annotated[
        float, bounded("How much worse than the live version it may be.", NotNegative)
    ] = 0.0
    at_least: Annotated[
        float | None,
        said(
            "What every version must reach, the first one too, which has no other to "
            "be compared with. At most, for a metric of which less is better."
        ),
    ] = None
    unanswered_by: Annotated[
        float,
        bounded("Share of rows that it may leave NULL beyond the live one's.", Share),
    ] = 0.01

    @field_validator("metric")
    @classmethod
    def _is_metric(cls, value: str | None) -> str | None:
        if value is not None and value not in METRICS and not is_template(value):
            raise ValueError(f"there is no metric {value}: it is one of {', '.join(METRICS)}")
        return value

    @field_validator("not_worse_by", "at_least", "unanswered_by")
    @classmethod
    def _is_number(cls, value: float | None) -> float | None:
        if isinstance(value, float) and math.isnan(value):
            raise ValueError("NaN is neither more nor less than any number: write another one")
        return value


class Score(dg.Resolvable, dg.Model):
    """The table of scores."""

    source: Annotated[str, said("Table, view or SELECT with the rows to score.")]
    into: Annotated[str, said("Table for the scores; made if it is not there.")]
    key: Annotated[
        Sequence[str],
        said("Columns that tell the rows apart; by default the primary key."),
    ] = ()
    partition_by: Annotated[
        str | None,
        said("Column of dates or times: the table and the asset have daily parts."),
    ] = None
    start: Annotated[str | None, said("First day, 2013-01-01; needed with partition_by.")] = None
    end: Annotated[str | None, said("First day behind the last; by default none.")] = None
    timezone: Annotated[str, said("Whose days and hours are meant.")] = "UTC"
    schedule: Annotated[
        str | None, said("Cron: when yesterday's part, or the table, is scored.")
    ] = None
    workers: Annotated[int | None, said("Connections at once; by default as the server would.")] = (
        None
    )
    pool: Annotated[str | None, said("Pool that limits runs; pgpredict_<model> by default.")] = None
    backfill: Annotated[
        Literal["single_run", "run_per_day"],
        said("Whether a backfill is one run, or one for each day."),
    ] = "run_per_day"
    deps: Annotated[Sequence[str], said("Keys of the assets that are scored.")] = ()

    @field_validator("start", "end", mode="before")
    @classmethod
    def _is_day(cls, value: object) -> object:
        # YAML reads 2013-01-01 as a date where it stands without quotes.
        text = value.isoformat() if isinstance(value, date) else value
        if isinstance(text, str) and not is_template(text):
            date.fromisoformat(text)
        return text

    @field_validator("workers")
    @classmethod
    def _is_a_number_of_connections(cls, value: int | None) -> int | None:
        if isinstance(value, int) and value < 1:
            raise ValueError("workers is 1 or more; without it the server decides")
        return value

    @model_validator(mode="after")
    def _has_start(self) -> Score:
        if self.partition_by is not None and self.start is None:
            raise ValueError("with partition_by also say start, the first day: start: 2013-01-01")
        return self

    @model_validator(mode="after")
    def _has_days(self) -> Score:
        given = self.start, self.end
        if None in given or any(is_template(day) for day in given):
            return self
        start, end = (date.fromisoformat(str(day)) for day in given)
        if end <= start:
            raise ValueError(
                f"end, {end}, is not behind start, {start}: it is the first day behind the last"
            )
        return self


class DriftCheck(dg.Resolvable, dg.Model):
    """Whether the rows that are scored are still like those that were learnt."""

    minimum: Annotated[
        float, bounded("A PSI that counts, however many rows there are.", Positive)
    ] = 0.1
    inputs: Annotated[bool, said("Look at the inputs, if the source is a table.")] = True
    retrain: Annotated[bool, said("Train again, once, after a day that has drifted.")] = True


class ShownLearner(dg.Resolvable, dg.Model):
    """A learner that stands in the graph, beside the model."""

    name: Annotated[str, said("Name of the learner.")]
    deps: Annotated[
        Sequence[str] | None,
        said("Keys of the assets that fill its source; by default those of the training."),
    ] = None

    @field_validator("name")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if not is_template(value) and not ALLOWED.fullmatch(value):
            raise ValueError(
                f"learners: {value!r} is no name of a learner, which has small letters, digits "
                "and _, a letter first, at most 41 characters"
            )
        return value


class Retries(dg.Resolvable, dg.Model):
    """What is done when the database cannot be reached for a while."""

    attempts: Annotated[int, bounded("How often a step is tried again.", Count)] = 5
    delay: Annotated[
        float,
        bounded("Seconds before the first time; then 3, 7, 15, 31 times as long.", NotNegative),
    ] = 5.0

    @property
    def policy(self) -> dg.RetryPolicy:
        """The same for Dagster: 5, 15, 35, 75 and 155 seconds bridge nearly five minutes."""
        return dg.RetryPolicy(
            max_retries=self.attempts, delay=self.delay, backoff=dg.Backoff.EXPONENTIAL
        )

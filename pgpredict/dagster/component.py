"""ServedModel: one YAML, and a model has its assets, checks, schedules and sensors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import dagster as dg
from pydantic import PrivateAttr, field_validator, model_validator

from pgpredict.dagster import parts, resource
from pgpredict.dagster.attributes import (
    Accept,
    Candidate,
    DriftCheck,
    Retries,
    Score,
    Search,
    ShownLearner,
    Training,
    is_template,
    said,
)
from pgpredict.dagster.keys import Keys
from pgpredict.dagster.scaffolder import ServedModelScaffolder
from pgpredict.dagster.training_table import TrainingTable
from pgpredict.database.names import check_name
from pgpredict.errors import InvalidName


def _or_text(kind: type[dg.Resolvable], field: str) -> dg.Resolver:
    """Of something that may be a text alone, which is its field of that name."""

    def resolve(context: dg.ResolutionContext, given: Any) -> Any:
        if isinstance(given, str):
            return kind(**{field: str(context.resolve_value(given))})
        return kind.resolve_from_model(context, given)

    return dg.Resolver(resolve, model_field_type=str | kind.model())


ResolvedCandidate = Annotated[Candidate, _or_text(Candidate, "estimator")]
ResolvedLearner = Annotated[ShownLearner, _or_text(ShownLearner, "name")]


def _tags(context: dg.ResolutionContext, given: Mapping[str, Any]) -> dict[str, str]:
    # A template of Dagster gives the number 1 for the text "1" as well.
    return {
        name: str(context.resolve_value(value, as_type=object)) for name, value in given.items()
    }


@dg.scaffold_with(ServedModelScaffolder)
class ServedModel(dg.Component, dg.Resolvable, dg.Model):
    """A model in Postgres: training rows, versions, promotion, scores and drift.

    Assets, in the group of the model: ``<model>/training_rows``, ``<model>/version``,
    ``<model>/promoted``, ``<model>/scores``, and ``predict/<model>``, which is outside of Dagster.
    """

    # Called `model` in the YAML: a field of that name would hide a method of Resolvable.
    name: Annotated[
        str,
        dg.Resolver(
            lambda context, value: context.resolve_value(value, as_type=str),
            model_field_name="model",
            model_field_type=str,
            description="Name of the model: it becomes predict.<model>.",
        ),
    ]
    training: Annotated[Training, said("The rows to learn from.")]
    train: Annotated[
        str | None,
        said("Function that takes inputs and target and returns a fitted estimator."),
    ] = None
    candidates: Annotated[
        Sequence[ResolvedCandidate],
        said("Instead of train: estimators, of which the best is taken."),
    ] = ()
    search: Annotated[Search, said("How it is found.")] = Search()
    accept: Annotated[Accept, said("What a version must be good at.")] = Accept()
    source: Annotated[str | None, said("Table whose rows predict.<model>(row) takes.")] = None
    form: Annotated[str | None, said("Form of the functions; by default the fastest.")] = None
    retrain: Annotated[str | None, said("Cron: when it is trained again.")] = None
    score: Annotated[Score | None, said("The table of scores.")] = None
    drift: Annotated[DriftCheck, said("The check of the scores.")] = DriftCheck()
    streams: Annotated[Sequence[str], said("Streams of the model, to be shown in the graph.")] = ()
    learners: Annotated[
        Sequence[ResolvedLearner], said("Learners of the same question, to be shown in the graph.")
    ] = ()
    retries: Annotated[Retries, said("What happens while the database cannot be reached.")] = (
        Retries()
    )
    resource: Annotated[
        str | None,
        said("Key of a PgPredict resource of the project; by default our own."),
    ] = None
    in_process: Annotated[
        bool,
        said("Run steps in the run's process; false: as the project says."),
    ] = True
    description: Annotated[
        str | None, said("Of what the model answers: shown at predict/<model>.")
    ] = None
    owners: Annotated[Sequence[str], said("Of the assets: team:growth.")] = ()
    tags: Annotated[
        Mapping[str, str],
        dg.Resolver(
            _tags, model_field_type=Mapping[str, str | int | float], description="Of the assets."
        ),
    ] = {}
    _package: str | None = PrivateAttr(None)

    @field_validator("name")
    @classmethod
    def _is_name(cls, value: str) -> str:
        if is_template(value):
            return value
        try:
            return check_name(value)
        except InvalidName as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _has_one_way_to_train(self) -> ServedModel:
        if (self.train is None) == (not self.candidates):
            raise ValueError("say either train or candidates")
        return self

    @field_validator("learners")
    @classmethod
    def _are_different(cls, value: Sequence[Any]) -> Sequence[Any]:
        # In the YAML a learner may be its name alone.
        names = [one if isinstance(one, str) else one.name for one in value]
        twice = sorted({name for name in names if names.count(name) > 1 and not is_template(name)})
        if twice:
            raise ValueError(f"learners names {', '.join(twice)} more than once")
        return value

    @property
    def keys(self) -> Keys:
        """The names of its assets and jobs."""
        return Keys(self.name)

    @property
    def table(self) -> TrainingTable:
        """The table of its training rows."""
        return TrainingTable(self.keys, self.training)

    @property
    def resource_key(self) -> str:
        """The key of its `PgPredict`."""
        return self.resource or resource.KEY

    @property
    def package(self) -> str | None:
        """The package in which names that begin with a dot are looked up."""
        return self._package

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Its assets, checks, jobs, schedules, sensors, and unless named otherwise its resource."""
        self._package = context.defs_relative_module_name(Path(context.path))
        return parts.definitions(self)

"""What the assets, jobs, schedules and sensors of a model are called."""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg


@dataclass(frozen=True)
class Keys:
    """The names that belong to a model.

    Example:
        >>> Keys("late").version.to_user_string(), Keys("late").retrain
        ('late/version', 'late_retrain')
    """

    model: str

    @property
    def training_rows(self) -> dg.AssetKey:
        """The table that is learnt."""
        return dg.AssetKey([self.model, "training_rows"])

    @property
    def version(self) -> dg.AssetKey:
        """The latest version that was trained."""
        return dg.AssetKey([self.model, "version"])

    @property
    def promoted(self) -> dg.AssetKey:
        """The latest version that went live from here."""
        return dg.AssetKey([self.model, "promoted"])

    @property
    def live(self) -> dg.AssetKey:
        """What ``predict.<model>`` answers with, whoever made it live."""
        return dg.AssetKey(["predict", self.model])

    @property
    def scores(self) -> dg.AssetKey:
        """The table of scores."""
        return dg.AssetKey([self.model, "scores"])

    @property
    def drift(self) -> dg.AssetCheckKey:
        """The check of the scores."""
        return dg.AssetCheckKey(self.scores, "drift")

    def stream(self, name: str) -> dg.AssetKey:
        """The table that a stream keeps up to date."""
        return dg.AssetKey(["predict", f"{name}_live"])

    def learner(self, name: str) -> dg.AssetKey:
        """What a learner answers with."""
        return dg.AssetKey(["predict", name])

    @property
    def retrain(self) -> str:
        """The job that trains, judges and promotes, and its schedule."""
        return f"{self.model}_retrain"

    @property
    def score(self) -> str:
        """The job that scores, and its schedule."""
        return f"{self.model}_score"

    @property
    def marks(self) -> str:
        """The sensor that tells what happened in the database."""
        return f"{self.model}_marks"

    @property
    def retrain_on_drift(self) -> str:
        """The sensor that trains again after drift."""
        return f"{self.model}_retrain_on_drift"

    @property
    def table(self) -> tuple[str, str]:
        """Schema and name of the training rows' table."""
        return "pgpredict_dagster", f"{self.model}_training"

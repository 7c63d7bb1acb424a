"""Models in Dagster: one YAML for each, from its training rows to its daily scores."""

from __future__ import annotations

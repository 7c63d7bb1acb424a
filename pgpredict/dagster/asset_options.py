"""What all assets and checks of a model have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import dagster as dg

import pgpredict
from pgpredict.dagster.resource import PgPredict

if TYPE_CHECKING:
    from pgpredict.dagster.component import ServedModel


def spec(model: ServedModel, key: dg.AssetKey, **more: Any) -> dg.AssetSpec:
    """An asset in the group of the model, with its owners and tags."""
    kinds = more.pop("kinds", {"postgres"})
    return dg.AssetSpec(
        key,
        group_name=model.name,
        owners=list(model.owners),
        tags=dict(model.tags),
        kinds=kinds,
        **more,
    )


@contextmanager
def database(model: ServedModel, context: Any) -> Iterator[pgpredict.Database]:
    """The database of the model, in a step or a sensor of Dagster."""
    resource = cast(PgPredict, getattr(context.resources, model.resource_key))
    with resource.database() as db:
        yield db


def code(text: str, language: str = "sql", at_most: int = 20_000) -> dg.MarkdownMetadataValue:
    """A text as the UI shows code; its beginning, if it is long."""
    if len(text) > at_most:
        text = f"{text[:at_most]}\n… {len(text) - at_most:,} more characters"
    return dg.MetadataValue.md(f"```{language}\n{text}\n```")


def table(rows: list[dict[str, Any]]) -> dg.MarkdownMetadataValue:
    """Rows of the same columns as a table of Markdown."""
    if not rows:
        return dg.MetadataValue.md("")
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([_cell(row.get(n)) for n in names] for row in rows)]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(line)} |" for line in lines))


def _cell(value: Any) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")
